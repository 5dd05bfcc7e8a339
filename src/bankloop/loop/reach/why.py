"""Why a campaign does not reach a member: one code per customer, and its sentence. Nothing is left out without one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.audience import MIN_CELL
from bankloop.loop.reach.contracts import DatedPlan, ExperimentCell
from bankloop.loop.reach.kernels import NONE


class LeftOut(StrEnum):
    """Why a usable customer is not reached by a campaign in a window."""

    REACHED = "reached"
    HOLDOUT = "holdout"
    CONTROL = "control"
    EXPLORED_NONE = "explored_none"
    NOTHING_OPEN = "nothing_open"
    NOT_WORTH = "not_worth"
    OTHER_CAMPAIGN = "other_campaign"
    PRICED_OUT = "priced_out"
    UNTOLD = "untold"


SENTENCES = {
    LeftOut.REACHED: Text("进入方案", "In the plan"),
    LeftOut.HOLDOUT: Text("全局留出", "Global holdout"),
    LeftOut.CONTROL: Text("本战役对照组", "Control of this campaign"),
    LeftOut.EXPLORED_NONE: Text("探索组抽到不触达", "Explore drew no contact"),
    LeftOut.NOTHING_OPEN: Text("没有可用的产品或渠道", "No product or channel is open"),
    LeftOut.NOT_WORTH: Text("触达的增量价值不抵成本", "Contact is worth less than it costs"),
    LeftOut.OTHER_CAMPAIGN: Text("让给价值更高的战役", "Lost to a campaign worth more"),
    LeftOut.PRICED_OUT: Text("预算或产能用于更值的客户", "Budget or capacity went to customers worth more"),
    LeftOut.UNTOLD: Text("抽签留出及其他（不再细分）", "Kept apart by lot, or else; not told apart"),
}
# Whom chance keeps apart, whatever is known of them: the one company in which who is left out in confidence does not show.
BY_LOT = (LeftOut.HOLDOUT, LeftOut.CONTROL)


def why_left_out(plan: DatedPlan, index: int) -> NDArray[np.str_]:
    """Return (n,) the code of every customer for campaign ``index``; '' for who is not in its audience."""
    found = plan.candidates
    columns = found.column_campaign == index
    value = found.value[:, columns]
    best = value.max(axis=1, initial=-np.inf)
    has = plan.issued != NONE
    mine, others = has[:, index], has.sum(axis=1)
    room = 1 if plan.rules is None else plan.rules.most
    barred = has[:, _excluding(plan, index)].any(axis=1)
    explores = found.cell == ExperimentCell.EXPLORE.value
    return np.select(
        [
            ~found.member[:, index],
            mine,
            found.cell == ExperimentCell.HOLDOUT.value,
            found.control[:, index],
            ~np.isfinite(best),
            explores & (others == 0),
            (others >= room) | barred | (explores & (others > 0)),
            best <= 0.0,
        ],
        [
            "",
            LeftOut.REACHED,
            LeftOut.HOLDOUT,
            LeftOut.CONTROL,
            LeftOut.NOTHING_OPEN,
            LeftOut.EXPLORED_NONE,
            LeftOut.OTHER_CAMPAIGN,
            LeftOut.NOT_WORTH,
        ],
        LeftOut.PRICED_OUT,
    )


def _excluding(plan: DatedPlan, index: int) -> list[int]:
    """Return the campaigns that never go together with one."""
    if plan.rules is None:
        return []
    of = plan.candidates.column_campaign
    pairs = {(int(of[a]), int(of[b])) for a, b in plan.rules.excludes}
    return sorted({b for a, b in pairs if a == index} | {a for a, b in pairs if b == index})


def left_out_counts(plan: DatedPlan, index: int) -> dict[LeftOut, int]:
    """Return how many of a campaign's usable customers fall under each code; they sum to all of them."""
    names, counts = np.unique(why_left_out(plan, index), return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return {code: found[code.value] for code in LeftOut if code.value in found}


def counts_told(counts: Mapping[LeftOut, int], in_confidence: int) -> dict[LeftOut, int]:
    """Return the counts people may see: whom the lot kept apart and the ``in_confidence`` customers are one, always.

    Their names are listed nowhere. Where even together they are fewer than ``MIN_CELL``, all who are not reached are one.
    """
    apart = set(BY_LOT)
    if sum(counts.get(code, 0) for code in apart) + in_confidence < MIN_CELL:
        apart = set(LeftOut) - {LeftOut.REACHED}
    untold = sum(counts.get(code, 0) for code in apart) + in_confidence
    told = {code: n for code, n in counts.items() if code not in apart}
    return {**told, LeftOut.UNTOLD: untold}
