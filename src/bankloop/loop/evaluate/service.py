"""Step 7, 评结果: read a campaign's round against its random control, in rates and in money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from bankloop.kit import Text
from bankloop.loop.evaluate.contracts import SENTENCES, FunnelStep, Money, Reading, Verdict
from bankloop.loop.evaluate.statistics import SRM_ALARM, Arm, Estimate, difference, minimum_detectable, sample_ratio_p

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Beyond this many rounds nobody waits for the answer: the sentence says so instead of counting on.
MANY_ROUNDS = 100

# What each event says of the way from message to goal; a channel that cannot say a step leaves it out.
FUNNEL: tuple[tuple[str, Text, tuple[str, ...]], ...] = (
    ("contacted", Text("触达", "Contacted"), ()),
    ("delivered", Text("送达", "Delivered"), ("push_delivered", "sms_delivered", "wecom_read", "task_done")),
    ("responded", Text("回应", "Responded"), ("push_open", "push_click", "sms_click", "wecom_reply", "call_connected")),
    ("converted", Text("达成目标", "Goal reached"), ()),
)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One campaign's round, a row per customer of its population (n,).

    ``control`` the assignment; ``meant`` whether the engine intended a contact (a ghost in control); ``contacted``
    whether one went out; ``success`` in {0, 1}; ``worth`` fen of a success; ``cost`` fen spent on the customer;
    ``by_hand`` contacted by staff without a task; ``steps`` who passed each funnel step in between.
    """

    round: int
    control: Bools
    meant: Bools
    contacted: Bools
    success: Floats
    worth: Floats
    attributed_worth: Floats
    cost: Floats
    by_hand: Bools
    steps: dict[str, Bools]

    def both(self, other: Outcomes) -> Outcomes:
        """Return two rounds pooled, customer-rounds as rows."""
        return Outcomes(
            other.round,
            np.r_[self.control, other.control],
            np.r_[self.meant, other.meant],
            np.r_[self.contacted, other.contacted],
            np.r_[self.success, other.success],
            np.r_[self.worth, other.worth],
            np.r_[self.attributed_worth, other.attributed_worth],
            np.r_[self.cost, other.cost],
            np.r_[self.by_hand, other.by_hand],
            {name: np.r_[self.steps[name], other.steps[name]] for name in self.steps},
        )


def read(campaign: str, rounds: Sequence[Outcomes], control_share: float) -> Reading:
    """Return the reading of one or more rounds pooled.

    An empty arm or a sample ratio beyond belief makes the lift unreadable, and says so instead of giving a number.
    """
    pooled = rounds[0]
    for more in rounds[1:]:
        pooled = pooled.both(more)
    treated = ~pooled.control
    arms = Arm.of(pooled.success[treated]), Arm.of(pooled.success[~treated])
    lift = difference(*arms)
    ratio = sample_ratio_p(arms[0].n, arms[1].n, control_share)
    verdict, sentence = judge(lift, ratio)
    ghosts = pooled.meant
    return Reading(
        campaign=campaign,
        rounds=tuple(r.round for r in rounds),
        treated=arms[0].n,
        control=arms[1].n,
        treated_rate=arms[0].mean,
        control_rate=arms[1].mean,
        lift=lift,
        verdict=verdict,
        sentence=sentence,
        money=_money(pooled, treated),
        funnel=_funnel(pooled, treated),
        sample_ratio_p=ratio,
        control_share=control_share,
        contaminated=int((pooled.by_hand & ~treated).sum()),
        ghost_lift=difference(Arm.of(pooled.success[treated & ghosts]), Arm.of(pooled.success[~treated & ghosts])),
        detectable=minimum_detectable(arms[1].mean, *(arm.n for arm in arms)),
    )


def judge(lift: Estimate | None, ratio_p: float) -> tuple[Verdict, Text]:
    """Return the verdict on a lift and its sentence in words."""
    if lift is None:
        reason = Text("没有对照或没有处理客户", "there is no control or no treated customer")
        return Verdict.UNREADABLE, SENTENCES[Verdict.UNREADABLE].filled(reason=reason)
    if ratio_p < SRM_ALARM:
        reason = Text(
            "样本比例异常（p = {p}）：先查分组与日志",
            "the sample ratio is off (p = {p}): check assignment and logs first",
        )
        return Verdict.UNREADABLE, SENTENCES[Verdict.UNREADABLE].filled(reason=reason.filled(p=f"{ratio_p:.1g}"))
    verdict = Verdict.GAIN if lift.low > 0 else Verdict.HARM if lift.high < 0 else Verdict.INCONCLUSIVE
    return verdict, SENTENCES[verdict].filled(
        lift=points(lift.value), low=points(lift.low), high=points(lift.high), rounds=rounds_needed(lift)
    )


def rounds_needed(lift: Estimate) -> Text:
    """Say how many rounds like this one, pooled, would put the interval clear of zero."""
    half = (lift.high - lift.low) / 2
    needed = (half / abs(lift.value)) ** 2 if lift.value else inf
    if needed > MANY_ROUNDS:
        return Text("超过 {n} ", "more than {n}").filled(n=MANY_ROUNDS)
    return Text("约 {n} ", "about {n}").filled(n=ceil(needed))


def points(value: float) -> str:
    """Return a difference of rates in percentage points, as people read it."""
    return f"{value * 100:+.2f} pp".replace("-", "−")


def _money(pooled: Outcomes, treated: Bools) -> Money:
    """Incremental: (mean money of treated − of control) × treated − cost; attributed: every contacted success."""
    earned = pooled.success * pooled.worth
    per_head = difference(Arm.of(earned[treated]), Arm.of(earned[~treated]))
    cost = float(pooled.cost[treated].sum())
    count = int(treated.sum())
    attributed = float((pooled.success * pooled.attributed_worth)[treated & pooled.contacted].sum())
    incremental = per_head.scaled(count, -cost) if per_head else Estimate(-cost, -cost, -cost)
    return Money(round(attributed), incremental, round(cost))


def _funnel(pooled: Outcomes, treated: Bools) -> tuple[FunnelStep, ...]:
    masks = {"contacted": pooled.contacted, "converted": pooled.success > 0, **pooled.steps}
    return tuple(
        FunnelStep(name, title, int((masks[name] & treated).sum())) for name, title, _ in FUNNEL if name in masks
    )
