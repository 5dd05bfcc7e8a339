"""Programme files and the library of plays: what the bank does not have is refused, with its place and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankloop.kit.errors import SpecError
from bankloop.loop.evaluate import read_metrics
from bankloop.loop.spec import read_plays, read_programmes
from tests.loop.people import BANK, TYPES, bank_spec

SPEC = bank_spec()
METRICS = read_metrics(BANK)


def test_the_bank_s_own_files_are_sound() -> None:
    assert set(read_programmes(BANK, SPEC.campaigns, METRICS)) == {"retail-growth"}
    plays = read_plays(BANK, SPEC.campaigns, SPEC.products, TYPES)
    assert {play.journey.zh for play in plays} == {"流失挽回", "交叉销售", "促活"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("bind-card, first-wealth", "bind-cart, first-wealth", "nearest is bind-card"),
        ("metric: aum", "metric: aumm", "nearest is aum"),
        ("target: 8%", "target: eight", "no percentage"),
        ("to: 2026-12-31", "to: 2026-08-24", "must lie after"),
        ("owner: retail", "", "'owner' is missing"),
        ("owner: retail", "owner: retail\ntargets: 8%", "nearest is target"),
    ],
)
def test_a_programme_that_cannot_be_names_place_reason_and_cure(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    (tmp_path / "programmes").mkdir()
    text = (BANK / "programmes" / "retail-growth.yaml").read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "programmes" / "one.yaml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(SpecError, match=said) as refused:
        read_programmes(tmp_path, SPEC.campaigns, METRICS)
    assert "one.yaml" in str(refused.value.fields["place"])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("campaigns: [keep-deposits]", "campaigns: [keep-deposit]", "nearest is keep-deposits"),
        ("products: [wealth-fixed-income]", "products: [wealth]", "no product"),
        ("data: [payroll,", "data: [pay_roll,", "nearest is payroll"),
    ],
)
def test_a_play_that_names_what_there_is_not_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = (BANK / "plays.yaml").read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "plays.yaml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(SpecError, match=said):
        read_plays(tmp_path, SPEC.campaigns, SPEC.products, TYPES)


def test_a_bank_without_the_files_has_neither(tmp_path: Path) -> None:
    assert read_programmes(tmp_path, SPEC.campaigns, METRICS) == {}
    assert read_plays(tmp_path, SPEC.campaigns, SPEC.products, TYPES) == ()
