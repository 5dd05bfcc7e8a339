"""Step 7, 评结果: read a campaign's round against its random control, in rates and in money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from bankloop.kit import Text
from bankloop.loop.evaluate.contracts import SENTENCES, STILL_RUNNING, FunnelStep, Money, Reading, Verdict
from bankloop.loop.evaluate.statistics import (
    Arm,
    Effect,
    Estimate,
    RatioCheck,
    difference,
    minimum_detectable,
    relative,
    sample_ratio_family,
    while_running,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Beyond this many rounds nobody waits for the answer: the sentence says so instead of counting on.
MANY_ROUNDS = 100
# A look on the first day plans the end from at least this share of the window.
_FIRST_LOOK = 0.01

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


def read(campaign: str, rounds: Sequence[Outcomes], control_share: float, elapsed: float = 1.0) -> Reading:
    """Return the reading of one or more rounds pooled.

    An empty arm or a sample ratio beyond belief makes the lift unreadable, and says so instead of giving a number.
    Before the window has closed (``elapsed`` < 1 of it has passed) the interval is the wider one that holds at every look.
    """
    pooled = rounds[0]
    for more in rounds[1:]:
        pooled = pooled.both(more)
    treated = ~pooled.control
    arms = Arm.of(pooled.success[treated]), Arm.of(pooled.success[~treated])
    lift = _interval(difference(*arms), elapsed)
    checks = sample_ratio_family(pooled.control, control_share, _round_codes(rounds), pooled.meant)
    verdict, sentence = judge(lift, checks, elapsed)
    ghosts = pooled.meant
    return Reading(
        campaign=campaign,
        rounds=tuple(r.round for r in rounds),
        treated=int(treated.sum()),
        control=int((~treated).sum()),
        treated_rate=float(arms[0].mean),
        control_rate=float(arms[1].mean),
        lift=lift,
        verdict=verdict,
        sentence=sentence,
        money=_money(pooled, treated),
        funnel=_funnel(pooled, treated),
        sample_ratio_p=checks[0].p,
        control_share=control_share,
        contaminated=int((pooled.by_hand & ~treated).sum()),
        ghost_lift=_interval(
            difference(Arm.of(pooled.success[treated & ghosts]), Arm.of(pooled.success[~treated & ghosts])), elapsed
        ),
        detectable=minimum_detectable(float(arms[1].mean), int(treated.sum()), int((~treated).sum())),
        relative=relative(*arms).estimate() if elapsed >= 1.0 else None,
        broken_checks=tuple(check.title for check in checks if not check.ok),
        elapsed=elapsed,
    )


def _interval(effect: Effect, elapsed: float) -> Estimate | None:
    """Return the fixed interval at the planned end, and before it the one that holds at every look."""
    if elapsed >= 1.0:
        return effect.estimate()
    # Successes arrive evenly enough to say what the variance will be when the window closes.
    return while_running(effect, float(effect.se) / max(elapsed, _FIRST_LOOK) ** 0.5)


def _round_codes(rounds: Sequence[Outcomes]) -> NDArray[np.int64] | None:
    """Return each row's round: pooled rounds must each be split as drawn."""
    if len(rounds) < 2:
        return None
    return np.repeat(np.arange(len(rounds)), [len(one.control) for one in rounds])


def judge(lift: Estimate | None, checks: Sequence[RatioCheck], elapsed: float = 1.0) -> tuple[Verdict, Text]:
    """Return the verdict on a lift and its sentence in words."""
    if lift is None:
        reason = Text("没有对照或没有处理客户", "there is no control or no treated customer")
        return Verdict.UNREADABLE, SENTENCES[Verdict.UNREADABLE].filled(reason=reason)
    for check in checks:
        if not check.ok:
            reason = Text(
                "样本比例异常（{which}，p = {p}）：先查分组与日志",
                "the sample ratio is off ({which}, p = {p}): check assignment and logs first",
            ).filled(which=check.title, p=f"{check.p:.1g}")
            return Verdict.UNREADABLE, SENTENCES[Verdict.UNREADABLE].filled(reason=reason)
    verdict = Verdict.GAIN if lift.low > 0 else Verdict.HARM if lift.high < 0 else Verdict.INCONCLUSIVE
    said = SENTENCES[verdict].filled(
        lift=points(lift.value), low=points(lift.low), high=points(lift.high), rounds=rounds_needed(lift)
    )
    return verdict, said if elapsed >= 1.0 else STILL_RUNNING.filled(share=f"{elapsed:.0%}", said=said)


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
    per_head = difference(Arm.of(earned[treated]), Arm.of(earned[~treated])).estimate()
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
