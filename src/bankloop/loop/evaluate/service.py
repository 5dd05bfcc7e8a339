"""Step 7, 评结果: read a campaign's round against its random control, in rates and in money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bankloop.loop.evaluate import sayings as say
from bankloop.loop.evaluate.contracts import (
    FUNNEL,
    Basis,
    Bools,
    Checked,
    FunnelStep,
    Integers,
    Outcomes,
    Reading,
    Restated,
    RoundMoney,
    Verdict,
)
from bankloop.loop.evaluate.effects import (
    arms_by,
    cuts_of,
    differs_of,
    draws,
    fading_of,
    mean_of,
    pool,
    rate_of,
    strata_of,
    trimmed_of,
    weeks_of,
)
from bankloop.loop.evaluate.statistics import Read, minimum_detectable, reach_at, relative, sample_ratio_family

# What every reading is cut by; more is asked for by name, since a bank has hundreds of managers.
_CUT_BY = ("action", "branch", "channel", "script", "tier")


def read(
    campaign: str,
    rounds: Sequence[Outcomes],
    control_share: float | Sequence[float],
    elapsed: float = 1.0,
    *,
    window: tuple[str, str] = ("", ""),
    within: int = 0,
    motive: str = "",
) -> Reading:
    """Return the reading of one or more rounds pooled.

    ``control_share`` is the planned share, one for all or one a round; ``window`` the first and last day of what is
    read, ``within`` the days of the goal. An empty arm or a sample ratio beyond belief makes the lift unreadable, and
    says so instead of giving a number, and so do too few successes. Before the window has closed (``elapsed`` < 1 of it has passed) the interval is
    the wider one that holds at every look.
    """
    pooled, share = pool(rounds, control_share)
    control, treated, drawn = pooled.control, ~pooled.control, draws(rounds)
    strata, critical = strata_of(pooled, drawn), reach_at(elapsed)
    arms = arms_by(pooled.success, control)
    found = rate_of(pooled.success, control, pooled.before, strata, critical)
    plain = rate_of(pooled.success, control, critical=critical)
    lift, ghosts = found.estimate(), pooled.meant
    successes = int(pooled.success.sum())
    checks = sample_ratio_family(control, share, drawn, pooled.meant, pooled.before)
    verdict, sentence = say.judge(lift, checks, elapsed, len(rounds), say.why_no_lift(found, successes, elapsed))
    cuts = cuts_of(pooled, _CUT_BY)
    detectable = minimum_detectable(float(arms[1].mean), int(treated.sum()), int(control.sum()))
    return Reading(
        campaign=campaign,
        rounds=tuple(r.round for r in rounds),
        treated=int(treated.sum()),
        control=int(control.sum()),
        treated_rate=float(arms[0].mean),
        control_rate=float(arms[1].mean),
        lift=lift,
        verdict=verdict,
        sentence=sentence,
        money=_money(pooled, strata, critical),
        funnel=_funnel(pooled, treated),
        sample_ratio_p=checks[0].p,
        control_share=float(share.mean()) if len(share) else 0.0,
        contaminated=int((pooled.by_hand & control).sum()),
        ghost_lift=rate_of(pooled.success[ghosts], control[ghosts], critical=critical).estimate(),
        detectable=detectable if np.isfinite(detectable) else None,
        relative=relative(*arms).estimate() if elapsed >= 1.0 and plain.readable else None,
        broken_checks=tuple(check.title for check in checks if not check.ok),
        elapsed=elapsed,
        plain=plain.estimate(),
        variance_cut=_cut(found, plain),
        checks=tuple(Checked(check.name, check.title, check.p, check.ok) for check in checks),
        basis=_basis(pooled, strata, window, elapsed),
        cuts=cuts,
        differs=differs_of(cuts),
        weeks=weeks_of(pooled, within) if within else (),
        fading=fading_of(pooled, within) if within and elapsed >= 1.0 else None,
        notes=say.notes_of(pooled.notes),
        rounds_needed=say.needed(lift, len(rounds)) if lift else None,
        motive=motive,
    )


def restated(reading: Reading, before: Reading, as_of: str) -> Reading:
    """Return a reading marked as restating the one that was kept before, where events that came late changed it."""
    if before.successes == reading.successes:
        return reading
    was = say.SENTENCES[Verdict.UNREADABLE].filled(reason="—") if before.lift is None else say.points(before.lift.value)
    said = say.RESTATED.filled(day=as_of, before=was, said=reading.sentence)
    return replace(reading, sentence=said, restated=Restated(as_of, before.lift, before.successes))


def _cut(found: Read, plain: Read) -> float:
    """Return the share of the plain difference's variance that the adjustment takes away."""
    if not found.readable or not plain.readable:
        return 0.0
    return float(1.0 - (found.se / plain.se) ** 2)


def _money(pooled: Outcomes, strata: Integers | None, critical: float) -> RoundMoney:
    """Incremental: (mean net money of treated − of control) × treated; attributed: every contacted success."""
    treated, net = ~pooled.control, pooled.earned - pooled.cost
    expected = None if pooled.before is None else pooled.before * pooled.worth
    found = mean_of(net, pooled.control, expected, strata, critical)
    unread = say.why_no_money(found, int(pooled.success.sum()))
    per_head = None if unread else found.estimate()
    attributed = float((pooled.success * pooled.attributed_worth)[treated & pooled.contacted].sum())
    staff, benefits = (
        0 if part is None else round(float(part[treated].sum())) for part in (pooled.staff_cost, pooled.benefit_cost)
    )
    return RoundMoney(
        attributed=round(attributed),
        incremental=per_head.scaled(int(treated.sum())) if per_head else None,
        cost=round(float(pooled.cost[treated].sum())),
        trimmed=trimmed_of(net, pooled.control, expected, strata),
        staff=staff,
        benefits=benefits,
        unread=unread,
    )


def _funnel(pooled: Outcomes, treated: Bools) -> tuple[FunnelStep, ...]:
    masks = {"contacted": pooled.contacted, "converted": pooled.success > 0, **pooled.steps}
    return tuple(
        FunnelStep(name, title, int((masks[name] & treated).sum())) for name, title, _ in FUNNEL if name in masks
    )


def _basis(pooled: Outcomes, strata: Integers | None, window: tuple[str, str], elapsed: float) -> Basis:
    treated, control = int((~pooled.control).sum()), int(pooled.control.sum())
    cells = say.CELLS.filled(treated=f"{treated:,}", control=f"{control:,}")
    how = say.method(adjusted=pooled.before is not None, stratified=strata is not None, running=elapsed < 1.0)
    return Basis(say.POPULATION, window, cells, how)
