"""From decisions to the trial of a rule: who was contacted by chance, with which probability, and who is only counted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Estimate, Outcomes
from bankloop.loop.evaluate.rules import SEEN, RuleBefore, measure_rule
from bankloop.loop.round.rule_trials import rounds_with_rules, rule_trials, rules_before
from bankloop.store.contracts import Plan
from tests.loop.evaluate.rounds import START, decisions

CALL = "card|none|rm_call"
RULE = RuleBefore("rich", Text("有钱的先", "The rich first"), CALL, Estimate(10.0, -10.0, 30.0), 0.84, 0.1)


def decided(
    cell: str, meant: bool, chosen: bool, issued: str = "", lot: dict[str, int] | None = None
) -> dict[str, Any]:
    return {
        "cell": cell,
        "intended_action": CALL if meant else "",
        "issued_action": issued,
        "propensities": json.dumps(lot or {issued: 1_000_000}),
        "reasons": ["reached", *(["rule:rich"] if chosen else []), "rule:other"],
    }


LOT = {CALL: 200_000, "card|none|sms": 200_000, "": 600_000}
ROWS = [
    decided("optimize", True, False, CALL),  # the plan alone, contacted
    decided("control", True, False),  # the plan alone, held
    decided("optimize", True, True, CALL),  # both: says nothing
    decided("optimize", False, True),  # the rule alone, whom chance did not decide on: only counted
    decided("explore", False, True, CALL, LOT),  # the rule alone, drawn
    decided("explore", False, True, "", LOT),  # the rule alone, drawn for nothing
    decided("explore", False, True, "card|none|sms", LOT),  # drew something else
    decided("explore", True, False, "", {"": 1_000_000}),  # the plan alone, never to be drawn
    decided("explore", False, False, CALL, LOT),  # neither
    decided("control", False, True),  # the rule alone, in the control: nothing was drawn for it
]


def outcomes(n: int, control: np.ndarray, window: np.ndarray | None = None) -> Outcomes:
    flat, none = np.arange(1.0, n + 1.0), np.zeros(n, bool)
    return Outcomes(
        1, control, none, none, (np.arange(n) % 2).astype(float), 100.0 * flat, flat, flat, none, {}, window=window
    )


def test_chance_decides_by_the_control_for_the_plan_s_people_and_by_the_lot_for_the_rule_s() -> None:
    table = decisions(ROWS)
    held = np.array(table["cell"].to_pylist()) == "control"
    ((rule, trial),) = rule_trials([RULE], [table], [outcomes(len(ROWS), held)])
    assert rule is RULE
    assert trial.plan.tolist() == [True, True, False, False]
    assert trial.lot.tolist() == [False, False, True, True]
    assert trial.contacted.tolist() == [True, False, True, False]
    # Of those outside the lot two of five are in the control; the lot's draw between a call and nothing is 1 : 3.
    assert trial.probability.tolist() == pytest.approx([0.6, 0.6, 0.25, 0.25])
    assert trial.net.tolist() == [-1.0, 200.0 - 2.0, -5.0, 600.0 - 6.0]
    assert trial.reached.tolist() == [False, True, False, True]
    assert (trial.plan_only, trial.rule_only, trial.rounds) == (1, 1, 1)


def test_whom_the_plan_gives_another_action_is_compared_with_that_one() -> None:
    drawn = [decided("explore", False, True, issued, LOT) for issued in (CALL, "card|none|sms", "")]
    another = [{**row, "intended_action": "card|none|sms"} for row in drawn]
    table = decisions([*another, ROWS[2], ROWS[9]])
    held = np.array(table["cell"].to_pylist()) == "control"
    ((_, trial),) = rule_trials([RULE], [table], [outcomes(len(held), held)])
    assert (trial.plan.tolist(), trial.contacted.tolist()) == ([False, False], [True, False])
    assert trial.probability.tolist() == pytest.approx([0.5, 0.5])
    assert trial.net.tolist() == [-1.0, 200.0 - 2.0]


SMS = "card|none|sms"
EVEN = json.dumps({CALL: 400_000, SMS: 300_000, "": 300_000})


def simulated(
    rng: np.random.Generator, other: float, call: float = 400.0, n: int = 6_000
) -> tuple[Any, Outcomes, float]:
    """A round whose plan calls a sixth, whose rule calls another sixth, half of whom the plan sends a message.

    A call brings ``call`` and a message ``other``, alike for everybody; the third value is what the plan truly brings
    above the rule.
    """
    kind = rng.permutation(
        np.repeat(np.arange(6), n // 6)
    )  # 0 the plan's own, 1 and 2 the rule's own, the rest nobody's
    theirs, half = np.isin(kind, (1, 2)) & (rng.random(n) < 0.5), rng.random(n) < 0.5
    meant = np.where(kind == 0, CALL, np.where(theirs & half, SMS, ""))
    held, lot = rng.random(n) < 0.25, rng.random(n) < 0.4
    lot &= ~held
    drew = rng.choice([CALL, SMS, ""], n, p=[0.4, 0.3, 0.3])
    issued = np.where(lot, drew, np.where(held, "", meant))
    success = rng.random(n) < 0.5
    brought = call * (issued == CALL) + other * (issued == SMS)
    table = pa.table({
        "cell": np.where(lot, "explore", np.where(held, "control", "optimize")), "intended_action": meant,
        "issued_action": issued, "propensities": np.where(lot, EVEN, "{}"),
        "reasons": [["reached", "rule:rich"] if one else ["reached"] for one in theirs],
    })  # fmt: skip
    planned, worth = ~held & ~lot, rng.lognormal(7.0, 0.4, n)
    found = replace(outcomes(n, held), success=success * 1.0, worth=worth, cost=-brought)
    true = call * (planned & (kind == 0)).sum() - (call - other * half)[planned & theirs].sum()
    return table, found, float(true)


@pytest.mark.parametrize("other", [0.0, 200.0, 400.0, 600.0])
def test_against_a_rule_what_the_plan_gives_instead_is_taken_off(other: float) -> None:
    rng, runs, covered, off = np.random.default_rng(31), 100, 0, []
    for _ in range(runs):
        table, found, true = simulated(rng, other)
        ((_, trial),) = rule_trials([RULE], [table], [found])
        told = measure_rule(trial)
        assert told.difference is not None, told.unread
        covered += told.difference.low <= true <= told.difference.high
        off.append((told.difference.value - true) / (told.seen / SEEN))
    # Three standard errors of a rate of .95 over as many runs, and of a mean of deviations with variance 1.
    assert covered / runs >= 0.88
    assert abs(float(np.mean(off))) < 3.0 / runs**0.5


def test_rounds_are_joined_and_each_window_has_its_own_control() -> None:
    table = decisions([*ROWS[:2], *ROWS[:2], ROWS[1]])
    held = np.array(table["cell"].to_pylist()) == "control"
    window = np.array([0, 0, 1, 1, 1])
    one = table, outcomes(5, held, window)
    ((_, trial),) = rule_trials([RULE], [one[0], one[0]], [one[1], one[1]])
    assert trial.probability.tolist() == pytest.approx([*[0.5] * 2, *[1 / 3] * 3] * 2)
    assert (trial.plan_only, trial.rule_only, trial.rounds) == (4, 0, 2)


def stored(round_: int, *lines: dict[str, object], campaign: str = "bind-card") -> Plan:
    return Plan(
        uuid4(), (campaign,), START, START + timedelta(days=6), date(2026, 8, 23), "d", {}, 0, 0, 0,
        {"round": round_, "rules": list(lines)},
    )  # fmt: skip


def line(rule: str, gain: float, contacts: int = 10, probability: float = 0.5, action: str = CALL) -> dict[str, object]:
    return {
        "campaign": "bind-card", "rule": rule, "zh": "规则", "en": "Rule", "action": action, "contacts": contacts,
        "gain": gain, "low": gain - 1.0, "high": gain + 1.0, "probability": probability, "unsure": 0.2,
    }  # fmt: skip


def test_what_was_expected_adds_up_over_rounds_and_a_rule_is_read_where_it_always_stood() -> None:
    plans = [
        stored(1, line("rich", 5.0, 10, 0.9), line("new", 1.0)),
        stored(2, line("rich", 3.0, 30, 0.5), line("new", 1.0, action="other")),
        stored(3, line("rich", 100.0)),
    ]
    (found,) = rules_before(plans, "bind-card", [1, 2])
    assert (found.rule, found.action) == ("rich", CALL)
    assert found.expected == Estimate(8.0, 6.0, 10.0)
    assert found.probability == pytest.approx(0.6)
    assert rules_before(plans, "other", [1]) == ()
    # Rounds of before rules were kept have none.
    assert rules_before([stored(1)], "bind-card", [1]) == ()
    plans = [stored(1), stored(2, line("rich", 3.0)), stored(3, line("rich", 2.0)), stored(3)]
    assert rounds_with_rules(plans, "bind-card", [1, 2, 3]) == (2,)
    assert rounds_with_rules(plans, "other", [1, 2, 3]) == ()
