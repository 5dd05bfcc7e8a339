"""The role guides name pages that are there, as the console names them, to roles that see them; and their pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bankloop.kit.text import Language
from bankloop.organization.rights import ROLES
from bankloop.web.shell.rendering import FRONT_WORDS, LEAD_WORDS, MENU, MORE_WORDS, WORDS
from bankloop.web.shell.ways import OPENED_BY
from tests.pictures import KEPT, LANGUAGES, SHOTS, file_of

GUIDES = sorted((Path(__file__).resolve().parent.parent / "docs" / "guide").glob("*.md"))
OF = {
    "marketer": ("hq_strategist",),
    "branch-leader": ("branch_commander",),
    "manager": ("relationship_manager",),
    "compliance": ("compliance_reviewer",),
    "data-scientist": ("data_scientist",),
    "engineer": ("system_admin", "data_steward"),
}
FEWEST_PAGES, MOST_LINES = 3, 60
MOST_BYTES, MOST_TOGETHER = 60_000, 1_500_000
_PAGE = re.compile(r"\*\*([^*]+)\*\* ?[(（]`(/[^`]*)`[)）]")
_PICTURE = re.compile(r"!\[[^\]]+\]\(\.\./images/guide/([^)]+)\)")


def role_of(guide: Path) -> str:
    return guide.name.partition(".")[0]


def test_there_is_a_guide_for_every_role_in_both_languages() -> None:
    assert {path.name for path in GUIDES} == {f"{role}{ending}" for role in OF for ending in (".md", ".zh.md")}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_a_guide_names_pages_that_its_role_sees_as_the_console_does(guide: Path) -> None:
    words = {**WORDS, **MORE_WORDS, **LEAD_WORDS, **FRONT_WORDS}
    menu = {address: words[word] for part in MENU.values() for address, word, _ in part}
    rights = {right for role in OF[role_of(guide)] for right in ROLES[role].rights}
    speaks = Language.ZH if guide.name.endswith(".zh.md") else Language.EN
    named = _PAGE.findall(guide.read_text(encoding="utf-8"))
    assert len({address for _, address in named}) >= FEWEST_PAGES
    for name, address in named:
        assert address in menu, f"there is no page {address}"
        assert menu[address].say(speaks) == name
        assert set(OPENED_BY.get(address, ())) <= set(rights), f"{role_of(guide)} does not see {address}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_a_guide_is_short_and_its_pictures_are_there(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    language = "zh" if guide.name.endswith(".zh.md") else "en"
    shown = _PICTURE.findall(text)
    assert sorted(shown) == sorted(file_of(name, language) for name in SHOTS if name.startswith(role_of(guide)))
    assert [name for name in shown if not (KEPT / name).exists()] == []


def test_the_pictures_are_small_and_none_is_left_over() -> None:
    kept = {path.name: path.stat().st_size for path in KEPT.iterdir()}
    assert set(kept) == {file_of(name, language) for name in SHOTS for language in LANGUAGES}
    assert {name: size for name, size in kept.items() if size > MOST_BYTES} == {}
    assert sum(kept.values()) <= MOST_TOGETHER
