"""From a round's decisions and outcomes to the trial of the bank's own rules: who was contacted by chance, who not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.evaluate.rules import RuleBefore, RuleTrial
from bankloop.loop.reach import ExperimentCell
from bankloop.loop.reach.issue import BY_RULE
from bankloop.store.contracts import Plan

# What reading takes of a decision where rules are judged too.
JUDGED_BY = (*evaluation.DECISION_COLUMNS, "propensities", "reasons")
_PPM = 1_000_000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def rounds_with_rules(plans: Sequence[Plan], campaign: str, rounds: Sequence[int]) -> tuple[int, ...]:
    """Return those of a campaign's ``rounds`` in all of whose windows rules stood beside the plan.

    Another round, such as one from before rules were kept, says of nobody whether a rule would have contacted them.
    """
    told: dict[int, bool] = {}
    for plan in plans:
        if (round_ := int(plan.summary.get("round", 0))) in rounds and campaign in plan.campaigns:
            stood = any(one["campaign"] == campaign for one in plan.summary.get("rules", ()))
            told[round_] = told.get(round_, True) and stood
    return tuple(round_ for round_ in rounds if told.get(round_, False))


def rules_before(plans: Sequence[Plan], campaign: str, rounds: Sequence[int]) -> tuple[RuleBefore, ...]:
    """Return the rules that stood beside a campaign's plan in all of its ``rounds``, as they were valued beforehand.

    Of several windows the expected differences and their errors add up, as if the model erred alike in all.
    """
    lines: dict[tuple[str, str], list[dict[str, object]]] = {}
    windows = 0
    for plan in plans:
        if plan.summary.get("round") in rounds and campaign in plan.campaigns:
            mine = [one for one in plan.summary.get("rules", ()) if one["campaign"] == campaign]
            windows += 1
            for one in mine:
                lines.setdefault((one["rule"], one["action"]), []).append(one)
    return tuple(_before(found) for found in lines.values() if len(found) == windows)


def _before(lines: Sequence[dict[str, object]]) -> RuleBefore:
    newest = lines[-1]
    gain, low, high = (sum(float(str(one[name])) for one in lines) for name in ("gain", "low", "high"))
    contacts = sum(int(str(one["contacts"])) for one in lines)
    probability, unsure = (
        sum(float(str(one[name])) * int(str(one["contacts"])) for one in lines) / contacts
        for name in ("probability", "unsure")
    )
    return RuleBefore(
        str(newest["rule"]),
        Text(str(newest["zh"]), str(newest["en"])),
        str(newest["action"]),
        evaluation.Estimate(gain, low, high),
        probability,
        unsure,
    )


def rule_trials(
    rules: Sequence[RuleBefore], rounds: Sequence[pa.Table], outcomes: Sequence[evaluation.Outcomes]
) -> list[tuple[RuleBefore, RuleTrial]]:
    """Return each rule with those on whom it and the plan differed and chance decided, of all ``rounds``."""
    pairs = list(zip(rounds, outcomes, strict=True))
    actions = {rule.action for rule in rules}
    drawn = {action: [_drawn(action, *pair) for pair in pairs] for action in actions}
    return [
        (rule, _joined([_trial(rule, *pair, one) for pair, one in zip(pairs, drawn[rule.action], strict=True)]))
        for rule in rules
    ]


@dataclass(frozen=True, slots=True)
class _Draw:
    """Of each decision of a round (n,): whether the lot decided, and drew the action or what the plan meant.

    ``probability`` is that of being contacted where the lot decided, else of not being in the control.
    """

    lot: Bools
    drew: Bools
    contacted: Bools
    probability: Floats


def _drawn(action: str, decided: pa.Table, found: evaluation.Outcomes) -> _Draw:
    issued = np.array(pc.fill_null(decided["issued_action"], "").to_pylist(), dtype=str)
    lot = np.array(decided["cell"].to_pylist()) == ExperimentCell.EXPLORE.value
    odds, drew = np.zeros(len(lot)), np.zeros(len(lot), bool)
    texts, meant = decided["propensities"], pc.fill_null(decided["intended_action"], "").to_pylist()
    for row in np.flatnonzero(lot).tolist():
        shares = json.loads(texts[row].as_py())
        # Whom the plan gives another action of the campaign has that one without the rule, and not nothing.
        other = "" if meant[row] == action else meant[row]
        mine, without = shares.get(action, 0) / _PPM, shares.get(other, 0) / _PPM
        drew[row] = mine > 0.0 and without > 0.0 and issued[row] in (action, other)
        odds[row] = mine / (mine + without) if drew[row] else 0.0
    windows = np.zeros(len(lot), np.int64) if found.window is None else found.window
    for window in np.unique(windows):
        here = ~lot & (windows == window)
        if here.any():
            odds[here] = 1.0 - found.control[here].mean()
    return _Draw(lot, drew, np.where(lot, issued == action, ~found.control), odds)


def _trial(rule: RuleBefore, decided: pa.Table, found: evaluation.Outcomes, draw: _Draw) -> RuleTrial:
    intended = np.array(pc.fill_null(decided["intended_action"], "").to_pylist(), dtype=str)
    mine = intended == rule.action
    theirs = _chosen(decided["reasons"], f"{BY_RULE}{rule.rule}")
    planned = ~draw.lot & ~found.control
    rows = np.flatnonzero((mine ^ theirs) & np.where(draw.lot, draw.drew, mine))
    rows = rows[(draw.probability[rows] > 0.0) & (draw.probability[rows] < 1.0)]
    known = [found.worth] if found.before is None else [found.worth, found.before, found.before * found.worth]
    return RuleTrial(
        mine[rows],
        draw.lot[rows],
        draw.contacted[rows],
        draw.probability[rows],
        (found.earned - found.cost)[rows],
        found.success[rows] > 0,
        np.column_stack(known)[rows],
        int((planned & mine & ~theirs).sum()),
        int((planned & theirs & ~mine).sum()),
    )


def _chosen(reasons: pa.ChunkedArray, code: str) -> Bools:
    """Return (n,) which lists of reasons have a code among them."""
    whole = reasons.combine_chunks()
    found = np.zeros(len(whole), bool)
    hit = pc.equal(pc.list_flatten(whole), code)
    found[pc.list_parent_indices(whole).filter(hit).to_numpy()] = True
    return found


def _joined(parts: Sequence[RuleTrial]) -> RuleTrial:
    """Return the rounds as one trial; what is known of all of them is used."""
    least = min(part.known.shape[1] for part in parts)
    return RuleTrial(
        np.concatenate([part.plan for part in parts]),
        np.concatenate([part.lot for part in parts]),
        np.concatenate([part.contacted for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.net for part in parts]),
        np.concatenate([part.reached for part in parts]),
        np.concatenate([part.known[:, :least] for part in parts]),
        sum(part.plan_only for part in parts),
        sum(part.rule_only for part in parts),
        len(parts),
    )
