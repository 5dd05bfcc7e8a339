"""Readings of several rounds are kept beside the bank: the same again, read anew when what they were read from changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest

from bankloop.loop.evaluate import Programme, Reading, read
from bankloop.organization.principals import system
from bankloop.performance.programme import read_programme
from bankloop.report.pooled import pooled_reading, programme_reading
from bankloop.store.contracts import Plan
from bankloop.store.registry import read_plans
from tests.bankfixture import SmallBank
from tests.report.test_results import outcomes

DAY = date(2026, 10, 24)


def never() -> NoReturn:
    raise AssertionError("it was kept, and is read again")


@pytest.fixture(scope="module")
def rounds() -> list[Reading]:
    return [read("a", [outcomes(0.08, round_=number)], 0.5) for number in (1, 2)]


@pytest.fixture(scope="module")
def pooled() -> Reading:
    return read("a", [outcomes(0.08, round_=number) for number in (1, 2)], 0.5)


def test_rounds_are_pooled_once_until_one_of_them_is_restated(
    tmp_path: Path, rounds: list[Reading], pooled: Reading
) -> None:
    assert pooled_reading(tmp_path, rounds, lambda: pooled) is pooled
    assert pooled_reading(tmp_path, rounds, never) == pooled
    restated = [rounds[0], replace(rounds[1], treated=rounds[1].treated - 1)]
    other = replace(pooled, treated=pooled.treated - 1)
    assert pooled_reading(tmp_path, restated, lambda: other) == other
    assert len(list((tmp_path / "data" / "readings").rglob("*.json"))) == 1


def test_half_a_file_is_read_anew(tmp_path: Path, rounds: list[Reading], pooled: Reading) -> None:
    pooled_reading(tmp_path, rounds, lambda: pooled)
    place = next((tmp_path / "data" / "readings").rglob("*.json"))
    place.write_text(place.read_text(encoding="utf-8")[:40], encoding="utf-8")
    assert pooled_reading(tmp_path, rounds, lambda: pooled) is pooled
    assert pooled_reading(tmp_path, rounds, never) == pooled


def test_a_programme_is_of_its_day_until_every_round_is_read(
    tmp_path: Path, small: SmallBank, rounds: list[Reading]
) -> None:
    with small.open.store.begin(system()) as connection:
        mine = read_plans(connection)[0]
    plan: Plan = replace(mine, campaigns=("a",), summary={**mine.summary, "round": 2})
    found: Programme = read_programme(small.open, system())
    today = date(2026, 11, 1)
    for known in (rounds[:1], rounds):  # while the second round is open, and after
        assert programme_reading(tmp_path, known, [plan], DAY, lambda: found) is found
        assert programme_reading(tmp_path, known, [plan], DAY, never) == found
    assert programme_reading(tmp_path, rounds, [plan], today, never) == found
    assert programme_reading(tmp_path, rounds[:1], [plan], today, lambda: found) is found
    another = replace(plan, plan_id=UUID(int=1))
    assert programme_reading(tmp_path, rounds, [another, plan], today, lambda: found) is found
