"""Step 2: the snapshot and its waterfall."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.loop import audience
from tests.loop.people import AS_OF, TYPES, lock_of, state


@pytest.mark.capability("A3")
def test_the_waterfall_sums_exactly() -> None:
    inside = {"aum": 10_000_000, "churn": 800_000}
    customers = (
        [{**inside}] * 677 + [{**inside, "marketing_consent": False}] * 95 + [{**inside, "do_not_contact": True}] * 40
    )
    customers += [{**inside, "aum": 4_999_999}] * 30 + [{**inside, "churn": 699_999}] * 20
    lock = lock_of("bind-card", audience="aum between 50000 and 200000 and churn >= 0.7")
    found = audience.select(lock, state(customers), TYPES, AS_OF)
    falls = {fall.code: fall.count for fall in found.falls}
    assert found.hit == 812
    assert (falls["no_consent"], falls["do_not_contact"]) == (95, 40)
    assert found.usable == 677
    assert found.hit - sum(falls.values()) == found.usable


def test_every_standard_exclusion_leaves_somebody_out() -> None:
    special = [
        {"marketing_consent": False}, {"do_not_contact": True}, {"personalisation_off": True}, {"phone_valid": False},
        {"is_staff": True}, {"is_staff_relative": True}, {"age": None}, {"age": 17}, {"overdue_days": 1}, {"days_since_complaint": 89},
        {"frozen": True}, {"watchlist": True}, {"marketing_consent": None}, {"frozen": None}, {"relation_risk": 300_000},
    ]  # fmt: skip
    fine = [
        {},
        {"relation_risk": None},
        {"relation_risk": 299_999},
        {"days_since_complaint": 90},
        {"days_since_complaint": None},
        {"age": 18},
    ]
    found = audience.select(lock_of("bind-card", audience="aum >= 0"), state(special + fine), TYPES, AS_OF)
    assert found.rows.tolist() == list(range(len(special), len(special) + len(fine)))
    assert all(len(rows) for code, rows in found.excluded.items()), {c: len(r) for c, r in found.excluded.items()}


def test_whose_age_is_unknown_is_no_minor_and_left_out_all_the_same() -> None:
    customers = [{"age": None}, {"age": None}, {"age": 17}, {"age": 0}, {}]
    found = audience.select(lock_of("bind-card", audience="aum >= 0"), state(customers), TYPES, AS_OF)
    falls = {fall.code: fall.count for fall in found.falls}
    assert (falls["age_unknown"], falls["minor"], found.rows.tolist()) == (2, 2, [4])


def test_confidential_reasons_are_in_no_figure() -> None:
    lock = lock_of("bind-card", audience="aum >= 0")
    others = [{"do_not_contact": True}] * 30 + [{}] * 5
    flagged = [{"frozen": True}] * 2 + [{"watchlist": True, "do_not_contact": True}] + [{"relation_risk": 900_000}]
    plain = [{}] * 2 + [{"do_not_contact": True}] + [{}]
    found = audience.select(lock, state(flagged + others), TYPES, AS_OF)
    same = audience.select(lock, state(plain + others), TYPES, AS_OF)
    assert (found.hit, found.usable, found.falls) == (same.hit, same.usable, same.falls)
    assert found.hit - sum(fall.count for fall in found.falls) == found.usable == 8
    assert (len(found.rows), len(same.rows)) == (5, 8)


def test_customers_of_another_campaign_are_left_to_it() -> None:
    busy = np.array([True, False, False])
    found = audience.select(lock_of("bind-card", audience="aum >= 0"), state([{}] * 3), TYPES, AS_OF, busy)
    assert found.usable == 2
    assert {f.code: f.count for f in found.falls}["in_other_campaign"] == 1


def test_an_audience_of_nobody() -> None:
    found = audience.select(lock_of("bind-card", audience="aum > 100000000000"), state([{}] * 4), TYPES, AS_OF)
    assert (found.hit, found.usable) == (0, 0)


def test_the_same_state_gives_the_same_digest_whatever_the_order() -> None:
    table = state([{}] * 50)
    lock = lock_of("bind-card", audience="aum >= 0")
    backwards = table.take(list(range(49, -1, -1)))
    assert audience.select(lock, table, TYPES, AS_OF).digest == audience.select(lock, backwards, TYPES, AS_OF).digest
