"""The whole programme against the bank-wide holdout: what all campaigns together brought, which none of them can say.

Campaigns share customers, calls and budgets, so that their lifts do not add up. The holdout has none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.loop.evaluate import sayings as say
from bankloop.loop.evaluate.contracts import Basis, Bools, Checked, Floats, Trimmed, Verdict
from bankloop.loop.evaluate.effects import mean_of, rate_of, trimmed_of
from bankloop.loop.evaluate.statistics import Z80, Z95, Estimate, Read, reach_at, sample_ratio_family

_SENTENCES = {
    Verdict.GAIN: Text("整个项目净增 {value}（每客户 {low} 至 {high}）", "the whole programme brings {value} ({low} to {high} a customer)"),
    Verdict.HARM: Text("整个项目净亏 {value}（每客户 {low} 至 {high}）；应停", "the whole programme loses {value} ({low} to {high} a customer); stop it"),
    Verdict.INCONCLUSIVE: Text(
        "整个项目尚无结论：{value}（每客户 {low} 至 {high}）；这样的留白只能看清每客户 {seen}",
        "of the whole programme nothing can be said yet: {value} ({low} to {high} a customer); this holdout sees {seen} a customer at least",
    ),
}  # fmt: skip
_POPULATION = Text("本季第一轮任一战役的可触达客群，不含豁免客户", "the usable audience of any campaign in the quarter's first round, exemptions aside")  # fmt: skip
_CELLS = Text("可参加全部战役的 {treated} 对 全行留白 {holdout}（一个也没有）", "{treated} to whom all campaigns were open against {holdout} of the bank-wide holdout, to whom none was")  # fmt: skip
_NOBODY = Text("没有留白或没有处理客户", "there is no holdout or nobody outside of it")


@dataclass(frozen=True, slots=True)
class ProgrammeMembers:
    """The programme's customers, a row each (n,): money in fen over all rounds and campaigns.

    ``before`` is the money expected of each without any contact, known before the quarter's first round, or None;
    ``reached`` by campaign who reached its goal among its members, ``member`` who they are; ``by_hand`` whom staff
    spoke to without an instruction.
    """

    holdout: Bools
    earned: Floats
    cost: Floats
    attributed: Floats
    before: Floats | None
    member: Mapping[str, Bools]
    reached: Mapping[str, Bools]
    by_hand: Bools | None = None


@dataclass(frozen=True, slots=True)
class GoalLine:
    """One campaign's goal within the programme: shares of its members who reached it, and their difference."""

    campaign: str
    treated: int
    holdout: int
    treated_rate: float
    holdout_rate: float
    lift: Estimate | None


@dataclass(frozen=True, slots=True)
class Programme:
    """What all campaigns together brought; ``per_head`` fen a customer after all costs, ``incremental`` over the treated.

    ``attributed`` is what naive attribution claims of the same customers, ``detectable`` the fen a customer that such
    a holdout finds four times in five; ``contaminated`` are customers of the holdout whom staff contacted by hand; ``variance_cut`` what knowing the expected money beforehand takes away.
    """

    rounds: tuple[int, ...]
    treated: int
    holdout: int
    share: float
    per_head: Estimate | None
    plain: Estimate | None
    incremental: Estimate | None
    attributed: int
    cost: int
    detectable: float
    variance_cut: float
    verdict: Verdict
    sentence: Text
    checks: tuple[Checked, ...]
    basis: Basis
    trimmed: Trimmed
    lines: tuple[GoalLine, ...]
    elapsed: float = 1.0
    contaminated: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the programme as plain values."""
        return {**asdict(self), "verdict": self.verdict.value}


def read_members(
    members: ProgrammeMembers, share: float, rounds: tuple[int, ...], window: tuple[str, str], elapsed: float = 1.0
) -> Programme:
    """Return the reading of a programme whose holdout was planned at ``share``; before its end the wider interval."""
    held, net = members.holdout, members.earned - members.cost
    critical = reach_at(elapsed)
    found, plain = mean_of(net, held, members.before, None, critical), mean_of(net, held, critical=critical)
    per_head = found.estimate() if net.any() else None
    checks = sample_ratio_family(held, share, None, None, members.before)
    treated = int((~held).sum())
    detectable = (Z95 + Z80) * float(found.se) if per_head else 0.0
    total = per_head.scaled(treated) if per_head else None
    ok = all(one.ok for one in checks)
    verdict, sentence = _judged(per_head, total, found, checks_ok=ok, detectable=detectable)
    cut = 1.0 - float(found.se / plain.se) ** 2 if plain.se > 0 else 0.0
    how = say.method(adjusted=members.before is not None, stratified=False, running=elapsed < 1.0, money=True)
    cells = _CELLS.filled(treated=f"{treated:,}", holdout=f"{int(held.sum()):,}")
    return Programme(
        rounds=rounds,
        treated=treated,
        holdout=int(held.sum()),
        share=share,
        per_head=per_head,
        plain=plain.estimate(),
        incremental=total,
        attributed=round(float(members.attributed[~held].sum())),
        cost=round(float(members.cost[~held].sum())),
        detectable=detectable,
        variance_cut=cut if np.isfinite(cut) else 0.0,
        verdict=verdict,
        sentence=sentence,
        checks=tuple(Checked(one.name, one.title, one.p, one.ok) for one in checks),
        basis=Basis(_POPULATION, window, cells, how),
        trimmed=trimmed_of(net, held, members.before, None),
        lines=tuple(_line(members, name) for name in sorted(members.member)),
        elapsed=elapsed,
        contaminated=0 if members.by_hand is None else int((members.by_hand & held).sum()),
    )


def _judged(
    per_head: Estimate | None, total: Estimate | None, found: Read, *, checks_ok: bool, detectable: float
) -> tuple[Verdict, Text]:
    if not np.isfinite(found.value):
        return Verdict.UNREADABLE, say.SENTENCES[Verdict.UNREADABLE].filled(reason=_NOBODY)
    if not checks_ok:
        reason = Text("留白的人数与计划不符：先查分组", "the holdout is not as large as planned: check the cells first")
        return Verdict.UNREADABLE, say.SENTENCES[Verdict.UNREADABLE].filled(reason=reason)
    if per_head is None or total is None:
        reason = say.why_no_money(found) or say.ALL_ALIKE
        return Verdict.UNREADABLE, say.SENTENCES[Verdict.UNREADABLE].filled(reason=reason)
    gain, harm = per_head.low > 0, per_head.high < 0
    verdict = Verdict.GAIN if gain else Verdict.HARM if harm else Verdict.INCONCLUSIVE
    said = _SENTENCES[verdict].filled(
        value=_fen(total.value), low=_fen(per_head.low), high=_fen(per_head.high), seen=_fen(detectable)
    )
    return verdict, said


def _line(members: ProgrammeMembers, name: str) -> GoalLine:
    here, hit = members.member[name], members.reached[name].astype(np.float64)
    treated, held = here & ~members.holdout, here & members.holdout
    n, m = int(treated.sum()), int(held.sum())
    lift = rate_of(hit[here], members.holdout[here]).estimate()
    return GoalLine(name, n, m, float(hit[treated].sum()) / max(n, 1), float(hit[held].sum()) / max(m, 1), lift)


def _fen(value: float) -> Text:
    return Text(say_fen(value, Language.ZH), say_fen(value, Language.EN))
