"""From decisions and events to outcomes: what counts, what does not, and that nothing unusual passes in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from bankloop.loop import evaluate
from bankloop.loop.evaluate import Outcomes, Verdict
from tests.loop.evaluate.rounds import DECIDED, START, decisions, drawn, events
from tests.loop.people import lock_of

GOAL = "first_wallet_payment"
PUSH, COUPON = "debit-card-wallet|none|app_push", "debit-card-wallet|coupon-10|sms"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def outcomes(rows: list[dict[str, object]], happened: list[tuple[object, ...]], **more: object) -> Outcomes:
    table = decisions(rows)
    went = pa.array([row["decision_id"] for row in table.to_pylist() if row["issued_action"]], pa.string())
    first = evaluate.first_decisions(table)
    again = table if table.num_rows > first.num_rows else None
    return evaluate.outcomes_of(lock_of("bind-card"), 1, first, went, events(happened), again=again, **more)


def test_only_what_happened_after_the_assignment_and_inside_the_window_counts() -> None:
    rows = [{"cell": "control"} for _ in range(5)]
    moments = [DECIDED - HOUR, DECIDED + HOUR, DECIDED + 29 * DAY, DECIDED + 30 * DAY, DECIDED - DAY]
    found = outcomes(rows, [(f"C{i}", GOAL, at) for i, at in enumerate(moments)])
    assert found.success.tolist() == [0, 1, 1, 0, 0]
    assert found.day.tolist() == [-1, 0, 29, -1, -1]
    # The one of the same day is said; the one of the day before was in nobody's window.
    assert found.notes["before_assignment"] == 1
    assert "before the assignment" in evaluate.read("x", [found], 0.5).notes[0].en


def test_who_succeeded_before_and_after_the_assignment_counts_by_the_latter() -> None:
    found = outcomes([{}], [("C0", GOAL, DECIDED - HOUR), ("C0", GOAL, DECIDED + 3 * DAY)])
    assert found.day.tolist() == [3]


def test_a_call_that_another_campaign_ordered_is_no_contamination() -> None:
    rows = [{"cell": "control"}, {"cell": "control"}, {"cell": "optimize"}]
    happened = [("C0", "call_connected", DECIDED + DAY, "keep-deposits"), ("C1", "call_connected", DECIDED + DAY)]
    found = outcomes(rows, happened)
    assert found.by_hand.tolist() == [False, True, False]
    assert evaluate.read("x", [found], 0.5).contaminated == 1


def test_a_customer_of_two_windows_is_one_row_with_its_first_cell_and_all_its_costs() -> None:
    later = START + 7 * DAY
    rows: list[dict[str, object]] = [
        {"customer_no": "A", "issued_action": PUSH, "intended_action": PUSH},
        {"customer_no": "A", "window_start": later, "cell": "control"},
        {"customer_no": "B", "window_start": later, "issued_action": PUSH},
        {"customer_no": "A", "window_start": later + 7 * DAY, "issued_action": PUSH},
    ]
    # B's window runs from its own first decision: day 33 of the round is its day 26.
    found = outcomes(rows, [("B", GOAL, DECIDED + 33 * DAY)], share={START: 0.1, later: 0.2})
    assert found.control.tolist() == [False, False]
    assert found.contacted.tolist() == [True, True]
    assert found.cost.tolist() == pytest.approx([0.4, 0.2])
    assert found.day.tolist() == [-1, 26]
    assert found.share.tolist() == [0.1, 0.2]
    assert found.notes["again"] == 2
    assert found.notes["two_cells"] == 1
    assert len(evaluate.read("x", [found], 0.1).notes) == 2


def test_a_benefit_is_paid_once_and_a_contact_each_time() -> None:
    rows: list[dict[str, object]] = [
        {"customer_no": "A", "issued_action": COUPON},
        {"customer_no": "A", "window_start": START + DAY, "issued_action": COUPON},
    ]
    found = outcomes(rows, [("A", GOAL, DECIDED + 2 * DAY)])
    assert found.cost.tolist() == pytest.approx([2 * 4.5 + 1_000])


def test_a_worth_that_was_not_recorded_is_nought_and_said() -> None:
    table = decisions([{"campaign": "keep-deposits"}, {"campaign": "keep-deposits", "attributes": {"tier": 1}}])
    found = evaluate.outcomes_of(lock_of("keep-deposits"), 1, table, pa.array([], pa.string()), events([]))
    assert found.worth.tolist() == [41_250.0, 0.0]
    assert found.notes["no_worth"] == 1


def test_a_round_without_anybody_is_unreadable_and_breaks_nothing() -> None:
    found = outcomes([], [])
    reading = evaluate.read("x", [found], 0.2)
    assert reading.verdict is Verdict.UNREADABLE
    assert reading.lift is None


def test_one_unit_is_unreadable() -> None:
    reading = evaluate.read("x", [outcomes([{"issued_action": PUSH}], [("C0", GOAL, DECIDED + DAY)])], 0.2)
    assert reading.treated == 1
    assert reading.verdict is Verdict.UNREADABLE


def test_negative_revenue_counts_as_it_is() -> None:
    whole = drawn(lift=0.3)
    losing = replace(whole, worth=-whole.worth, notes={"negative": len(whole.worth)})
    gain, loss = (evaluate.read("x", [one], 0.25) for one in (whole, losing))
    assert loss.money.incremental.value < 0 < gain.money.incremental.value
    assert loss.money.attributed == gain.money.attributed
    assert "negative" in loss.notes[0].en


def test_an_outlier_moves_the_reading_and_the_trimmed_one_beside_it_says_so() -> None:
    whole = drawn()
    worth = whole.worth.copy()
    rich = int(np.flatnonzero(whole.control & (whole.success > 0))[0])
    worth[rich] = 5e10
    reading = evaluate.read("x", [replace(whole, worth=worth, before=None)], 0.25)
    assert reading.money.trimmed is not None
    assert reading.money.trimmed.moved >= 1
    assert reading.money.trimmed.high < 5e10
    # One payer who brings more than all others together: the money as it is cannot be read, the trimmed one can.
    assert reading.money.incremental is None
    assert reading.money.unread is not None
    assert reading.money.trimmed.incremental is not None
