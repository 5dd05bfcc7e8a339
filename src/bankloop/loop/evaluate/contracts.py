"""What step 7 gives on: the reading of one campaign's round. Rates are fractions, money is fen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bankloop.kit import Text
from bankloop.loop.evaluate.statistics import Estimate


class Verdict(StrEnum):
    """What may honestly be said of a lift."""

    GAIN = "gain"
    HARM = "harm"
    INCONCLUSIVE = "inconclusive"
    UNREADABLE = "unreadable"


SENTENCES = {
    Verdict.GAIN: Text("显著：提升 {lift}，区间 {low} 至 {high}", "significant: lift {lift}, interval {low} to {high}"),
    Verdict.HARM: Text("显著为负：{lift}，区间 {low} 至 {high}；应停", "significant harm: {lift}, interval {low} to {high}; stop it"),
    Verdict.INCONCLUSIVE: Text(
        "尚无结论：提升 {lift}，区间 {low} 至 {high}；要看清 {lift} 需{rounds}轮合并",
        "inconclusive: lift {lift}, interval {low} to {high}; {rounds} pooled rounds would tell {lift} from nothing",
    ),
    Verdict.UNREADABLE: Text("不可读：{reason}", "unreadable: {reason}"),
}  # fmt: skip
# Before the window has closed; the interval in it is the wider one that holds at every look.
STILL_RUNNING = Text("进行中（窗口已过 {share}，随时可看的区间）：{said}", "still running ({share} of the window; an interval for any number of looks): {said}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step from audience to goal: how many of the treated got there."""

    name: str
    title: Text
    treated: int


@dataclass(frozen=True, slots=True)
class Money:
    """The money of a round: ``attributed`` is what naive attribution claims, ``incremental`` what the control shows."""

    attributed: int
    incremental: Estimate
    cost: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The intention-to-treat reading of a campaign's round(s).

    Population: the usable audience outside the holdout and outside exemptions; treated had the campaign available,
    control had not, while the rest of the portfolio ran for both. ``control_share`` is the planned one. ``relative`` is
    the lift over the control's rate; ``broken_checks`` name the sample ratios that forbid reading; ``elapsed`` is the
    share of the goal's window that had passed, 1 for a result.
    """

    campaign: str
    rounds: tuple[int, ...]
    treated: int
    control: int
    treated_rate: float
    control_rate: float
    lift: Estimate | None
    verdict: Verdict
    sentence: Text
    money: Money
    funnel: tuple[FunnelStep, ...]
    sample_ratio_p: float
    control_share: float
    contaminated: int
    ghost_lift: Estimate | None
    detectable: float
    relative: Estimate | None = None
    broken_checks: tuple[Text, ...] = ()
    elapsed: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as plain values."""
        return asdict(self)
