"""The campaign that a new bank begins with: signed by whoever makes it, with comments in their language."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
import yaml

from bankloop.kit.errors import InputError
from bankloop.kit.text import Language
from bankloop.loop.campaign.editing import TEMPLATES, first_campaign

DAY = date(2026, 6, 30)


def made(template: str, **given: Any) -> str:
    return first_campaign(template, "deposits >= 50000", **{"owner": "零售部", "source": "春季电话", "on": DAY} | given)


@pytest.mark.parametrize("template", TEMPLATES)
def test_who_makes_it_signs_it_today(template: str) -> None:
    read = yaml.load(made(template, owner='a "b": {c}', source="# none, \n really"), yaml.BaseLoader)
    assert read["model"]["stated"] == {"owner": 'a "b": {c}', "on": "2026-06-30", "source": "# none, really"}
    assert read["audience"] == "deposits >= 50000"


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("lacks", ["owner", "source"])
def test_nobody_s_word_is_made_up(template: str, lacks: str) -> None:
    with pytest.raises(InputError, match="say who signs them"):
        made(template, **{lacks: " \n"})


@pytest.mark.parametrize("template", TEMPLATES)
def test_its_comments_are_in_one_language(template: str) -> None:
    zh, en = (re.findall(r"# (.*)$", made(template, language=one), re.MULTILINE) for one in Language)
    assert len(zh) == len(en) >= 2
    assert all(re.search(r"[\u4e00-\u9fff]", line) for line in zh)
    assert not any(re.search(r"[\u4e00-\u9fff]", line) for line in en)
