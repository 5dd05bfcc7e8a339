"""From a round's outcomes to effects: pooled, adjusted for what was known before, cut into groups, followed by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bankloop.loop.evaluate.contracts import Bools, Cut, Floats, Integers, Outcomes, Trimmed, Week, Words
from bankloop.loop.evaluate.statistics import (
    Z95,
    ArmSums,
    Effect,
    Estimate,
    Read,
    exact_p,
    false_discovery,
    heterogeneity_p,
    read_mean,
    read_rate,
    together,
    winsorised,
)

# Each end of the money that is pulled in beside the reading as it is: one customer in a thousand.
WINSOR_SHARE = 0.001
# Of a dimension as many groups are read, the largest first; the rest is one group, so that the sums stay exact.
MOST_GROUPS = 60
REST = "…"
# Groups among those whom the plan meant to contact, by what it meant to do; the others are groups of everybody.
INTENDED = ("action", "channel", "script")
_WEEK = 7
# Half a window with fewer successes than this says nothing of how an effect runs.
_FEW = 20


def pool(rounds: Sequence[Outcomes], shares: float | Sequence[float]) -> tuple[Outcomes, Floats]:
    """Return the rounds as one, customer-rounds as rows, and each row's planned control share (n,)."""
    planned = [shares] * len(rounds) if isinstance(shares, float | int) else list(shares)
    share = np.concatenate(
        [
            np.full(len(one.control), float(given)) if one.share is None else one.share
            for one, given in zip(rounds, planned, strict=True)
        ]
    )
    if len(rounds) == 1:
        return rounds[0], share
    before = [one.before for one in rounds if one.before is not None]
    day = [one.day for one in rounds if one.day is not None]
    staff = [one.staff_cost for one in rounds if one.staff_cost is not None]
    given = [one.benefit_cost for one in rounds if one.benefit_cost is not None]
    common = set.intersection(*(set(one.labels) for one in rounds))
    notes: dict[str, int] = {}
    for one in rounds:
        notes |= {name: notes.get(name, 0) + count for name, count in one.notes.items()}
    return (
        Outcomes(
            round=rounds[-1].round,
            control=np.concatenate([one.control for one in rounds]),
            meant=np.concatenate([one.meant for one in rounds]),
            contacted=np.concatenate([one.contacted for one in rounds]),
            success=np.concatenate([one.success for one in rounds]),
            worth=np.concatenate([one.worth for one in rounds]),
            attributed_worth=np.concatenate([one.attributed_worth for one in rounds]),
            cost=np.concatenate([one.cost for one in rounds]),
            by_hand=np.concatenate([one.by_hand for one in rounds]),
            steps={name: np.concatenate([one.steps[name] for one in rounds]) for name in rounds[0].steps},
            before=np.concatenate(before) if len(before) == len(rounds) else None,
            day=np.concatenate(day) if len(day) == len(rounds) else None,
            labels={name: np.concatenate([one.labels[name] for one in rounds]) for name in sorted(common)},
            window=np.concatenate([_windows(one) for one in rounds]),
            notes=notes,
            staff_cost=np.concatenate(staff) if len(staff) == len(rounds) else None,
            benefit_cost=np.concatenate(given) if len(given) == len(rounds) else None,
        ),
        share,
    )


def draws(rounds: Sequence[Outcomes]) -> Integers | None:
    """Return which draw of the control each row belongs to, a code per round and window; None where there was one."""
    codes = np.concatenate([number * 10_000 + _windows(one) for number, one in enumerate(rounds)])
    found, code = np.unique(codes, return_inverse=True)
    return None if len(found) < 2 else code.astype(np.int64)


def _windows(one: Outcomes) -> Integers:
    return np.zeros(len(one.control), np.int64) if one.window is None else one.window


def strata_of(pooled: Outcomes, drawn: Integers | None) -> Integers | None:
    """Return the strata (n,) over which effects are post-stratified: draw × tier; None where there is one stratum."""
    tier = pooled.labels.get("tier")
    parts = [
        part for part in (drawn, None if tier is None else np.unique(tier, return_inverse=True)[1]) if part is not None
    ]
    if not parts:
        return None
    codes = parts[0] if len(parts) == 1 else parts[0] * (int(parts[1].max(initial=0)) + 1) + parts[1]
    found, code = np.unique(codes, return_inverse=True)
    return None if len(found) < 2 else code.astype(np.int64)


def arms_by(
    y: Floats, control: Bools, before: Floats | None = None, strata: Integers | None = None
) -> tuple[ArmSums, ArmSums]:
    """Return the treated and the control as aggregates of ``y`` (n,) and of what was known ``before``, by stratum."""
    sides = (~control, control)
    known = [None if before is None else before[arm] for arm in sides]
    if strata is None:
        return ArmSums.of(y[sides[0]], known[0]), ArmSums.of(y[sides[1]], known[1])
    count = int(strata.max(initial=0)) + 1
    return (
        ArmSums.by_stratum(y[sides[0]], strata[sides[0]], count, known[0]),
        ArmSums.by_stratum(y[sides[1]], strata[sides[1]], count, known[1]),
    )


def rate_of(
    success: Floats,
    control: Bools,
    before: Floats | None = None,
    strata: Integers | None = None,
    critical: float = Z95,
) -> Read:
    """Return the difference of the rates of ``success`` (n,), adjusted by ``before`` and post-stratified where given."""
    return read_rate(*arms_by(success, control, before, strata), adjust=before is not None, critical=critical)


def mean_of(
    y: Floats,
    control: Bools,
    before: Floats | None = None,
    strata: Integers | None = None,
    critical: float = Z95,
) -> Read:
    """Return the difference of the means of ``y`` (n,), adjusted by ``before`` and post-stratified where given."""
    return read_mean(*arms_by(y, control, before, strata), adjust=before is not None, critical=critical)


def cuts_of(pooled: Outcomes, dimensions: Sequence[str] | None = None) -> tuple[Cut, ...]:
    """Return the groups of each dimension, or of those asked for, with lifts, adjusted p-values and money."""
    wanted = sorted(pooled.labels) if dimensions is None else [name for name in dimensions if name in pooled.labels]
    return tuple(cut for name in wanted for cut in _cut(pooled, name, pooled.labels[name]))


def _cut(pooled: Outcomes, dimension: str, labels: Words) -> list[Cut]:
    inside = pooled.meant & (labels != "") if dimension in INTENDED else np.ones(len(labels), bool)
    keys, sizes = np.unique(labels[inside], return_counts=True)
    kept = keys[np.argsort(-sizes, kind="stable")][:MOST_GROUPS]
    groups = [(str(key), inside & (labels == key)) for key in sorted(kept.tolist())]
    rest = inside & ~np.isin(labels, kept)
    if rest.any():
        groups.append((REST, rest))
    if not groups:
        return []
    code = np.full(len(labels), -1, np.int64)
    for number, (_, rows) in enumerate(groups):
        code[rows] = number
    here = code >= 0
    lifts, net = (
        arms_by(y[here], pooled.control[here], None, code[here]) for y in (pooled.success, pooled.earned - pooled.cost)
    )
    money = read_mean(*(arm.each() for arm in net))
    lift, p, q = read_groups(*lifts)
    return [
        _group(pooled, dimension, key, rows, (lift.at(number), float(p[number]), float(q[number])), money.at(number))
        for number, (key, rows) in enumerate(groups)
    ]


def read_groups(treated: ArmSums, control: ArmSums) -> tuple[Read, Floats, Floats]:
    """Return the lifts of groups (…, groups) of success, their exact p-values, and these adjusted over the last axis.

    A group in which too few successes are expected has neither, and is no part of the family: what may be claimed is
    chosen by what both arms together say, never by how they differ.
    """
    lift = read_rate(treated.each(), control.each())
    p = np.where(lift.readable, exact_p(treated, control), np.nan)
    q = np.array([false_discovery(one) for one in p.reshape(-1, p.shape[-1])]).reshape(p.shape)
    return lift, p, q


def _group(
    pooled: Outcomes,
    dimension: str,
    key: str,
    rows: Bools,
    lift: tuple[Estimate | None, float, float],
    net: Estimate | None,
) -> Cut:
    treated, control = rows & ~pooled.control, rows & pooled.control
    responded = pooled.steps.get("responded", np.zeros(len(rows), bool))
    converted, held = (int((arm & (pooled.success > 0)).sum()) for arm in (treated, control))
    estimate, p, q = lift
    return Cut(
        dimension=dimension,
        key=key,
        treated=int(treated.sum()),
        contacted=int((treated & pooled.contacted).sum()),
        responded=int((treated & responded).sum()),
        converted=converted,
        control=int(control.sum()),
        control_converted=held,
        lift=estimate,
        p=p if np.isfinite(p) else None,
        q=q if np.isfinite(q) else None,
        cost=round(float(pooled.cost[treated].sum())),
        incremental=net.scaled(int(treated.sum())) if net and converted + held else None,
    )


def differs_of(cuts: Sequence[Cut]) -> dict[str, float]:
    """Return, by dimension, how likely groups as unlike as these are if all have one lift (Cochran's Q)."""
    found: dict[str, list[Estimate]] = {}
    for cut in cuts:
        found.setdefault(cut.dimension, [])
        if cut.lift is not None:
            found[cut.dimension].append(cut.lift)
    return {name: heterogeneity_p([e.value for e in some], [e.se for e in some]) for name, some in found.items()}


def weeks_of(pooled: Outcomes, within: int) -> tuple[Week, ...]:
    """Return what each week of a window of ``within`` days added to the lift; they add up to the plain difference."""
    if pooled.day is None:
        return ()
    weeks = []
    for number in range(-(-within // _WEEK)):
        first, last = number * _WEEK, min((number + 1) * _WEEK, within)
        then = ((pooled.day >= first) & (pooled.day < last)).astype(np.float64)
        treated, control = (int(then[arm].sum()) for arm in (~pooled.control, pooled.control))
        weeks.append(Week(number + 1, last - first, treated, control, rate_of(then, pooled.control).estimate()))
    return tuple(weeks)


def fading_of(pooled: Outcomes, within: int) -> Estimate | None:
    """Return the lift of the window's first half less that of its second: above 0 the effect came early."""
    if pooled.day is None:
        return None
    half = within // 2
    early = ((pooled.day >= 0) & (pooled.day < half)).astype(np.float64)
    late = ((pooled.day >= within - half) & (pooled.day < within)).astype(np.float64)
    # A goal that is reached on one day of the window only has no course to follow.
    if min(early.sum(), late.sum()) < _FEW:
        return None
    return mean_of(early - late, pooled.control).estimate()


def trimmed_of(net: Floats, control: Bools, before: Floats | None, strata: Integers | None) -> Trimmed:
    """Return the money with the declared share of each end pulled in, and how many customers that moved."""
    found = winsorised(net, WINSOR_SHARE, WINSOR_SHARE)
    effect = mean_of(found.outcome, control, before, strata).estimate()
    treated = int((~control).sum())
    return Trimmed(WINSOR_SHARE, found.low, found.high, found.moved, effect.scaled(treated) if effect else None)


def discoveries(found: Mapping[str, Sequence[Cut]]) -> list[tuple[str, Cut, float | None]]:
    """Return every offer of several campaigns with its p-value adjusted over all of them: one family, one round."""
    rows = [(name, cut) for name, cuts in found.items() for cut in cuts if cut.dimension == "action"]
    q = false_discovery(np.array([np.nan if cut.p is None else cut.p for _, cut in rows])) if rows else np.zeros(0)
    return [(name, cut, one if np.isfinite(one) else None) for (name, cut), one in zip(rows, q.tolist(), strict=True)]


def effects_together(lifts: Sequence[Estimate]) -> Estimate | None:
    """Return the lifts of unlike campaigns as one, each weighted by how well it was measured; None for none."""
    values, errors = np.array([e.value for e in lifts]), np.array([e.se for e in lifts])
    return together(Effect(values, errors)).estimate()
