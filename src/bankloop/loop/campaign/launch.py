"""Before a round starts: what it could find, from the bank's own history, and whether that is enough to read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop import model, reach
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import FEWEST, Design, in_rounds, points
from bankloop.loop.round.labels import history_rows
from bankloop.loop.round.window import Window

# The usual controls, from the smallest; ``control: auto`` takes the first that can be read.
CONTROL_SHARES = (0.05, 0.10, 0.15, 0.20, 0.25)

_READABLE = Text(
    "一轮可读：预计提升 {expected}，一轮能看清 {visible}",
    "one round can be read: it expects {expected} and sees {visible}",
)
_UNREADABLE = Text(
    "一轮读不出：预计提升 {expected}，一轮只能看清 {visible}；合并{rounds}轮（{days} 天）才看得清",
    "one round cannot be read: it expects {expected} and sees only {visible}; {rounds} pooled rounds ({days} days) would tell",
)
_TOO_FEW = Text(
    "一轮读不出：较小的一组预计只有 {few} 个成功，至少要 {least} 个；合并{rounds}轮（{days} 天）才读得出",
    "one round cannot be read: its smaller arm expects {few} successes and needs {least}; {rounds} pooled rounds ({days} days) would tell",
)
_NOTHING = Text(
    "读不出：这个方案预计没有提升；一轮能看清 {visible}",
    "it cannot be read: no lift is expected of this plan; one round sees {visible}",
)
_NO_HISTORY = Text(
    "说不出：历史里没有人达成过这个目标，看清多小的提升无从估计",
    "it cannot be said: nobody in history reached this goal, so that what one round sees cannot be estimated",
)
_EVERYBODY = Text(
    "说不出：历史里人人达成这个目标，没有可提升的；先查目标的写法",
    "it cannot be said: everybody in history reached this goal, so that nothing is left to lift; check how the goal is written",
)
_NOBODY = Text("读不出：没有对照或没有处理客户", "it cannot be read: there is no control or nobody to treat")


@dataclass(frozen=True, slots=True)
class Launch:
    """What one campaign's round could find before it starts; ``days`` is the goal's window, a round's least length."""

    campaign: str
    design: Design
    days: int

    @property
    def sentence(self) -> Text:
        """Return in words whether one such round can be read, and what it would take if not."""
        one = self.design
        if not one.treated or not one.control:
            return _NOBODY
        if one.base <= 0.0:
            return _NO_HISTORY
        if one.base >= 1.0:
            return _EVERYBODY
        visible, expected = points(one.detectable), points(one.expected)
        if one.rounds is None or one.expected <= 0:
            return _NOTHING.filled(visible=visible)
        if one.readable:
            return _READABLE.filled(expected=expected, visible=visible)
        days = f"{one.rounds * self.days:,}"
        if one.successes < FEWEST:
            few, least = f"{one.successes:.1f}", f"{FEWEST:.0f}"
            return _TOO_FEW.filled(few=few, least=least, rounds=in_rounds(one.rounds), days=days)
        return _UNREADABLE.filled(expected=expected, visible=visible, rounds=in_rounds(one.rounds), days=days)

    def as_dict(self) -> dict[str, object]:
        """Return the launch as plain values; rates are fractions."""
        one = self.design
        detectable = one.detectable if np.isfinite(one.detectable) else None
        return {
            "readable": one.readable,
            "expected": one.expected,
            "detectable": detectable,
            "base": one.base,
            "treated": one.treated,
            "control": one.control,
            "control_share": one.control_share,
            "rounds": one.rounds,
            "days": one.rounds * self.days if one.rounds else None,
            "sentence": {"zh": self.sentence.zh, "en": self.sentence.en},
        }


def launches(window: Window) -> dict[str, Launch]:
    """Return, by campaign, what the planned window could find.

    The lift expected is that of the assignment: the model's uplift of what the plan means to do, over all who take part.
    """
    found = window.plan.candidates
    apart = (found.cell == reach.ExperimentCell.HOLDOUT.value) | (found.cell == reach.ExperimentCell.EXEMPT.value)
    launched = {}
    for index, side in enumerate(found.campaigns):
        intended = window.plan.intended[:, index]
        uplift = found.uplift[np.arange(len(intended)), np.maximum(intended, 0)]
        here = found.member[:, index] & ~apart
        mine = here & (intended >= 0)
        n = int(here.sum())
        control = int((here & found.control[:, index]).sum())
        base = float(side.base.mean()) if len(side.base) else 0.0
        expected = float(uplift[mine].sum()) / n if n else 0.0
        share = control / n if n else side.control_share
        within = window.locks[side.campaign].campaign.goal.within
        launched[side.campaign] = Launch(side.campaign, evaluation.design(n, share, base, expected), within)
    return launched


def history_launches(bank: Bank, name: str, today: date, lift: float | None = None) -> tuple[Launch, ...]:
    """Return what a round could find with each usual control, from history alone: no model and no approval is needed.

    The base rate is that of the audience as it was one goal window ago; the population is today's audience outside the
    holdout; ``lift`` is what is hoped for, else the largest prior that the campaign's file states.
    """
    campaign = bank.campaign(name)
    # Days after the newest file are not history: in them nobody did anything.
    newest = max((version.as_of for version in bank.lake.manifest.versions("customer")), default=today)
    data, now = history_rows(bank, campaign, min(today, newest))
    base = float(data.y.mean()) if len(data.y) else 0.0
    stated = model.stated_prior(campaign)
    hoped = max(float(stated.effect(np.array([base]), action)[0]) for action in model.ways(campaign))
    expected = hoped if lift is None else lift
    population = round(len(now) * (1.0 - bank.spec.policies.experiment.holdout / 1_000_000))
    written = campaign.evaluate.control
    shares = sorted({*CONTROL_SHARES, *([written / 1_000_000] if isinstance(written, int) else [])})
    return tuple(
        Launch(name, one, campaign.goal.within) for one in evaluation.designs(population, shares, base, expected)
    )
