"""The differential attack: whoever is flagged, what people are told is the same, and who is told nothing of hides in a lot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.kit.errors import DeniedError, ExpressionError
from bankloop.loop import audience
from bankloop.loop.audience import EXCLUSIONS, MIN_CELL, Visibility
from bankloop.loop.membership.members import CustomersNow, look_at
from bankloop.loop.membership.probing import NEAR_A_DAY, Probes, is_near, too_near
from bankloop.loop.reach import BY_LOT, SENTENCES, LeftOut, counts_told
from bankloop.loop.spec import read_bank_spec
from tests.loop.people import AS_OF, BANK, CATALOGUE, TYPES, lock_of, state

SECRET: Mapping[str, tuple[Any, Any]] = {
    "frozen": (False, True),
    "watchlist": (False, True),
    "relation_risk": (0, 900_000),
}
MOST = 60
FLAGS = st.lists(st.sampled_from(("", *SECRET)), min_size=MOST, max_size=MOST)
OPEN = st.lists(
    st.sampled_from(("", "do_not_contact", "is_staff", "personalisation_off")), min_size=MOST, max_size=MOST
)
# About the smallest cell, its neighbours, and everybody.
AUDIENCE = st.sampled_from((0, 8, 9, 10, 11, 30, 31, MOST)).map(lambda most: f"aum <= {most}")
LOCKS = lru_cache(lambda expression: lock_of("bind-card", audience=expression))


def people_of(reasons: list[str], flags: list[str]) -> CustomersNow:
    """A bank of people whose assets are their number in yuan, each with an open reason and a flag or none."""
    rows = [
        {"aum": 100 * i, **({why: True} if why else {}), **({flag: SECRET[flag][1]} if flag else {})}
        for i, (why, flag) in enumerate(zip(reasons, flags, strict=True))
    ]
    return CustomersNow(state(rows), CATALOGUE, AS_OF, np.zeros(len(rows), bool))


def test_every_confidential_reason_is_tried() -> None:
    assert {e.code for e in EXCLUSIONS if e.visibility is Visibility.CONFIDENTIAL} == set(SECRET)
    assert {name for name, one in CATALOGUE.attributes.items() if one.confidential} == set(SECRET)


@settings(max_examples=40, deadline=None)
@given(reasons=OPEN, flags=FLAGS, asked=st.lists(AUDIENCE, min_size=1, max_size=4))
def test_no_answer_and_no_difference_of_two_tells_a_flag(
    reasons: list[str], flags: list[str], asked: list[str]
) -> None:
    """Every look, sample and snapshot is that of the same bank without a flag; so is every difference of two."""
    here, elsewhere = people_of(reasons, flags), people_of(reasons, [""] * MOST)
    for expression in asked:
        assert look_at(here, expression, sample=True) == look_at(elsewhere, expression, sample=True)
        lock = LOCKS(expression)
        mine, other = (audience.select(lock, one.table, TYPES, AS_OF) for one in (here, elsewhere))
        assert (mine.hit, mine.usable, mine.falls) == (other.hit, other.usable, other.falls)
        assert mine.open_rows.tolist() == other.open_rows.tolist()
        # The flag does its work all the same.
        assert not {row for row in mine.rows.tolist() if flags[row]}


@pytest.mark.parametrize("met", [0, 1, MIN_CELL - 1])
def test_below_the_smallest_cell_nothing_else_is_told(met: int) -> None:
    flagged = people_of([""] * MOST, ["frozen"] + [""] * (MOST - 1))
    found = look_at(flagged, f"aum < {met}", sample=True)
    assert (found.hit, found.usable, found.falls, found.sample, found.fewer_than) == (0, 0, (), (), MIN_CELL)
    assert look_at(flagged, f"aum < {MIN_CELL}").fewer_than == 0


COUNTS = st.dictionaries(st.sampled_from([one for one in LeftOut if one is not LeftOut.UNTOLD]), st.integers(0, 40))


@given(counts=COUNTS, flagged=st.integers(0, 30))
def test_who_is_left_out_in_confidence_is_one_with_the_lot(counts: dict[LeftOut, int], flagged: int) -> None:
    told = counts_told(counts, flagged)
    assert sum(told.values()) == sum(counts.values()) + flagged
    assert not set(told) & set(BY_LOT)
    assert told[LeftOut.UNTOLD] >= flagged
    if told[LeftOut.UNTOLD] < MIN_CELL:
        assert set(told) <= {LeftOut.REACHED, LeftOut.UNTOLD}
    # The shape is the same with a flag and without: who is flagged was in the lot, or would have been told apart.
    lot = sum(counts.get(code, 0) for code in BY_LOT)
    if lot >= MIN_CELL:
        assert set(told) == set(counts_told(counts, 0))
    assert set(SENTENCES) == set(LeftOut)


def test_no_file_of_a_bank_asks_what_is_confidential() -> None:
    assert not set(SECRET) & set(CATALOGUE.open_types)
    read_bank_spec(BANK, CATALOGUE.open_types)
    with pytest.raises(ExpressionError):
        look_at(people_of([""] * MOST, [""] * MOST), "frozenn")
    with pytest.raises(DeniedError):
        look_at(people_of([""] * MOST, [""] * MOST), "not frozen")


def test_asking_around_one_customer_is_counted() -> None:
    probes, day = Probes(), date(2026, 8, 24)
    wide = np.ones(1_000, bool)
    assert probes.heed("a", day, wide) == 0
    assert probes.heed("a", day, wide) == 0  # the same again tells nothing new
    near = []
    for place in range(NEAR_A_DAY + 1):
        without = wide.copy()
        without[place] = False
        near.append(probes.heed("a", day, without))
    assert near == list(range(1, NEAR_A_DAY + 2))
    assert probes.heed("b", day, ~wide) == 0  # another person
    far = wide.copy()
    far[:500] = False
    assert probes.heed("a", day, far) == 0
    assert probes.heed("a", date(2026, 8, 25), wide) == 0
    packed = np.packbits(wide)
    assert not is_near(packed, packed)
    assert not is_near(packed, packed[:-1])
    assert too_near(21).code == "segment.probing"
