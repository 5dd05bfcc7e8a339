"""A quantity before and after, of those to whom campaigns were open and of the holdout: gross, control, and net of it."""

from __future__ import annotations

from dataclasses import dataclass

from bankloop.kit.text import Text
from bankloop.loop.evaluate.contracts import Bools, Integers
from bankloop.loop.evaluate.statistics import ArmSums, Estimate, read_mean

# Less than half of the last digit shown.
_NOUGHT = 0.0005
_SHARE = "{value} [{low}, {high}]"


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth as shares of the baseline: ``gross`` of the treated, ``control`` of the holdout, ``net`` their difference.

    ``baseline`` and ``now`` are the treated's sums, fen or counts; ``amount`` is ``net`` of that baseline. Shares are None
    where there is nothing to grow from.
    """

    treated: int
    holdout: int
    baseline: int
    now: int
    holdout_baseline: int
    holdout_now: int
    gross: float | None
    control: float | None
    net: Estimate | None

    @property
    def amount(self) -> Estimate | None:
        """Return what the net growth comes to."""
        return None if self.net is None else self.net.scaled(max(self.baseline, 0))

    @property
    def sentence(self) -> Text:
        """Return the growth in words, net of what would have been anyway."""
        if self.gross is None:
            return Text("基线为零，谈不上增长", "the baseline is nought: there is nothing to grow from")
        if self.control is not None and self.net is None:
            return Text(
                f"增长 {points(self.gross)}，留白 {points(self.control)}；客户太少或相差太大，净增读不出",
                f"grew {points(self.gross)}, the holdout {points(self.control)}: too few or too unlike customers to read the net",
            )
        if self.control is None or self.net is None:
            return Text(
                f"增长 {points(self.gross)}；没有可比的留白，说不清其中多少是经营带来的",
                f"grew {points(self.gross)}; without a holdout beside it nobody knows how much of that was brought",
            )
        clear = self.net.low > 0 or self.net.high < 0
        zh = "" if clear else "（尚无结论）"
        en = "" if clear else " (inconclusive)"
        interval = _SHARE.format(value=points(self.net.value), low=points(self.net.low), high=points(self.net.high))
        return Text(
            f"增长 {points(self.gross)}，留白 {points(self.control)}，净增 {interval}{zh}",
            f"grew {points(self.gross)}, the holdout {points(self.control)}: net {interval}{en}",
        )


def read_growth(before: Integers, now: Integers, holdout: Bools) -> Growth:
    """Return the growth of sums from ``before`` (n,) to ``now`` (n,), net of the ``holdout`` (n,).

    The difference of two ratios of sums, linearised about the ratio of all (delta method), corrected for skewness.
    """
    parts = [(before[arm], now[arm]) for arm in (~holdout, holdout)]
    (baseline, later), (held, held_later) = ((int(b.sum()), int(n.sum())) for b, n in parts)
    net = None
    if baseline > 0 and held > 0:
        both = float(now.sum()) / float(before.sum())
        # Of a customer: what there is more than the growth of all together says, in shares of the arm's mean baseline.
        arms = [ArmSums.of((n - both * b) / float(b.mean())) for b, n in parts]
        net = read_mean(*arms).estimate()
    return Growth(
        treated=len(parts[0][0]),
        holdout=len(parts[1][0]),
        baseline=baseline,
        now=later,
        holdout_baseline=held,
        holdout_now=held_later,
        gross=later / baseline - 1.0 if baseline > 0 else None,
        control=held_later / held - 1.0 if held > 0 else None,
        net=net,
    )


def points(share: float) -> str:
    """Return a growth in percent with its sign."""
    return "0.0%" if abs(share) < _NOUGHT else f"{share * 100:+.1f}%".replace("-", "−")
