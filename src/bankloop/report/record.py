"""A planned window as the pages need it: what was decided and the arrays behind it, free of the bank that planned it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop import reach
from bankloop.loop.campaign.launch import Launch, launches
from bankloop.loop.reach import Action, Bound, LeftOut, Problem, ResourceLine, Rules, Side
from bankloop.loop.round.window import Window
from bankloop.loop.spec import NO_BENEFIT, Lock
from bankloop.report.baselines import Beside, beside
from bankloop.view import format as say

# The controls whose price is shown, as shares of the audience.
CONTROL_SHARES = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
CURVE_FACTORS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
# A bank has one budget a campaign and a few channels; more curves than this nobody reads.
MOST_CURVES = 4

# Counted and never listed: among them is who was left out in confidence. The last is how plans of an earlier day said it.
UNLISTED = frozenset({*(code.value for code in (*reach.BY_LOT, LeftOut.UNTOLD)), "other_compliance"})

Floats = NDArray[np.float64]
Points = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class FallRecord:
    """How many customers left for a reason."""

    code: str
    title: Text
    count: int


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What one action adds up to; money in fen, ``contact_cost`` the part of the cost that contacting takes."""

    campaign: str
    action: str
    title: Text
    customers: int
    cost: float
    contact_cost: float
    value: float


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """One campaign's side: who was left out before and by the plan, and what a larger control would cost.

    ``certainty`` holds (control share, detectable lift, value of the whole plan in fen); ``launch`` says whether one
    round can be read.
    """

    name: str
    title: Text
    hit: int
    usable: int
    falls: tuple[FallRecord, ...]
    left_out: tuple[FallRecord, ...]
    reached: int
    control_share: float
    certainty: Points
    launch: Text | None = None


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """One planned window.

    ``curves`` maps a scarce resource to (limit, value, price) of re-solved plans; ``problem``, ``prices`` and ``cost``
    (n, K) are what a what-if solves again, under ``rules`` where one customer may get several; ``rows`` one row per
    customer and campaign, ``excluded`` those who fell before, with what people may see of why; ``conflict`` says which
    bounds cannot all be met.
    """

    plan_id: str
    round: int
    window_start: date
    window_end: date
    as_of: date
    objective: float
    bound: float
    gap: float
    candidates: int
    campaigns: tuple[CampaignRecord, ...]
    lines: tuple[PlanLine, ...]
    resources: tuple[ResourceLine, ...]
    curves: Mapping[str, Points]
    problem: Problem
    prices: tuple[Floats, ...]
    cost: Floats
    rows: pa.Table
    excluded: pa.Table
    rules: Rules | None = None
    conflict: tuple[Text, ...] = ()
    beside: Beside = field(default_factory=Beside)

    @property
    def titles(self) -> dict[str, Text]:
        """Return the campaigns' titles by name."""
        return {campaign.name: campaign.title for campaign in self.campaigns}


def plan_key(plan_id: str) -> str:
    """Return a plan's id as the store writes it; raise ``ValueError`` when it is none."""
    return str(UUID(plan_id))


def record_of(window: Window, truth: Floats | None = None) -> PlanRecord:
    """Return the record of a planned window; it solves the plan again for the curves, a few seconds at most.

    ``truth`` (n, K) is the true value of every action in fen, where the bank is simulated.
    """
    dated, launched = window.plan, launches(window)
    share = reach.share_of(dated).solved()
    found = dated.candidates
    contact = np.array([action.contact_cost for action in found.actions])
    face = np.array([float(action.face) for action in found.actions])
    cost = contact + np.clip(found.base + found.uplift, 0.0, 1.0) * face
    titles = {
        (action.campaign, action.key): action_title(window.locks[action.campaign], action) for action in found.actions
    }
    # Each asks the plan of its own; the kernels and the linear programs leave the interpreter to the others.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        curves = pool.submit(_curves, window, share)
        certain = [pool.submit(_certainty, window, index) for index in range(len(window.locks))]
        stands = pool.submit(beside, window, share, truth)
    return PlanRecord(
        plan_id=plan_key(dated.plan_id),
        round=window.round,
        window_start=dated.window_start,
        window_end=dated.window_end,
        as_of=dated.as_of,
        objective=dated.solution.objective,
        bound=dated.solution.bound,
        gap=dated.solution.gap,
        candidates=len(found.rows),
        campaigns=tuple(
            _campaign(window, index, name, launched, certain[index].result()) for index, name in enumerate(window.locks)
        ),
        lines=tuple(
            PlanLine(line.campaign, line.action, titles[(line.campaign, line.action)], line.customers, line.cost,
                 line.customers * float(contact[k]), line.value)
            for k, line in enumerate(dated.lines)
        ),
        resources=dated.resources,
        curves=curves.result(),
        problem=dated.problem,
        prices=dated.solution.price,
        cost=cost,
        rows=_rows(window, cost),
        excluded=_excluded(window),
        rules=dated.rules,
        conflict=tuple(_bound(window, bound) for bound in dated.conflict),
        beside=stands.result(),
    )  # fmt: skip


def _bound(window: Window, bound: Bound) -> Text:
    """Return a bound of a conflict in words."""
    family = next(one for one in window.plan.problem.families if one.name == bound.name)
    title, unit = reach.describe(family.named(bound.group), window.locks, window.policies)
    amount = say.amount(bound.amount, unit)
    if bound.side is Side.FLOOR:
        return Text(f"{title.zh}：至少 {amount.zh}", f"{title.en}: at least {amount.en}")
    return Text(f"{title.zh}：至多 {amount.zh}", f"{title.en}: at most {amount.en}")


def action_title(lock: Lock, action: Action) -> Text:
    """Return an action as people name it: the channel, the benefit, and the product where it is not the campaign's own."""
    parts = [lock.policies.channels[action.channel].title.text]
    if action.product != lock.campaign.products[0]:
        parts.append(next(p.title.text for p in lock.products if p.key == action.product))
    if action.benefit != NO_BENEFIT:
        parts.append(next(b.title.text for b in lock.benefits if b.key == action.benefit))
    return Text(" + ".join(p.zh for p in parts), " + ".join(p.en for p in parts))


def _campaign(
    window: Window, index: int, name: str, launched: Mapping[str, Launch], certainty: Points
) -> CampaignRecord:
    snapshot = window.audiences[name]
    left = _told(window, index)
    side = window.plan.candidates.campaigns[index]
    return CampaignRecord(
        name=name,
        title=window.locks[name].campaign.title.text,
        hit=snapshot.hit,
        usable=snapshot.usable,
        falls=tuple(FallRecord(fall.code, fall.title, fall.count) for fall in snapshot.falls),
        left_out=tuple(
            FallRecord(code.value, reach.SENTENCES[code], n) for code, n in left.items() if code is not LeftOut.REACHED
        ),
        reached=left.get(LeftOut.REACHED, 0),
        control_share=side.control_share,
        certainty=certainty,
        launch=launched[name].sentence,
    )


def _told(window: Window, index: int) -> dict[LeftOut, int]:
    """Return what became of whom the open reasons leave, as people may be told; it sums to all of them."""
    snapshot = window.audiences[window.plan.candidates.campaigns[index].campaign]
    in_confidence = snapshot.usable - len(snapshot.rows)
    return reach.counts_told(reach.left_out_counts(window.plan, index), in_confidence)


def _certainty(window: Window, index: int) -> Points:
    """What a larger control of one campaign costs the plan and which lift it would let us see.

    Of a large plan a share is solved again, and told in proportion to the plan's own value.
    """
    dated = window.plan
    found, side = dated.candidates, dated.candidates.campaigns[index]
    here = np.flatnonzero(found.member[:, index])
    if not len(here):
        return ()
    numbers = found.customer_no.take(pa.array(here)).to_pylist()
    mine = found.column_campaign == index
    apart = (found.cell == reach.ExperimentCell.HOLDOUT.value) | (found.cell == reach.ExperimentCell.EXPLORE.value)
    others = apart[:, None] | found.control[:, found.column_campaign]
    free = replace(dated.problem, value=np.where(np.where(mine, apart[:, None], others), -np.inf, found.value))
    share = reach.share_of(dated, free)
    part, scale = reach.part_of(free, share.rows), share.scale
    base, price, points = float(side.base.mean()), share.solution.price, []
    sizes = [round(size * 1_000_000) for size in CONTROL_SHARES]
    drawn = reach.draw_controls(numbers, side.campaign, window.round, sizes)
    for size, control in zip(CONTROL_SHARES, drawn, strict=True):
        held = np.zeros(len(found.rows), bool)
        held[here] = control
        held &= found.cell != reach.ExperimentCell.EXEMPT.value
        problem = replace(part, value=np.where(mine & held[share.rows, None], -np.inf, part.value))
        solved = reach.assign(problem, dated.rules, price, closely=False)
        price = solved.price  # a larger control's are near
        kept = round(len(here) * size)
        visible = evaluation.minimum_detectable(base, len(here) - kept, kept)
        points.append((size, float(visible), solved.objective * scale))
    return tuple(points)


def _curves(window: Window, share: reach.PlanShare) -> dict[str, Points]:
    """Curves of the dearest pools: budgets first, then what is scarce."""
    families = {f.name for f in window.plan.problem.families if f.group is None}
    lines = [r for r in window.plan.resources if r.name in families and r.limit > r.explored]
    budgets = [r for r in lines if r.name.startswith("budget:")]
    scarce = sorted((r for r in lines if r not in budgets and r.price > 0), key=lambda r: -r.price * r.limit)
    chosen = [*budgets, *scarce][:MOST_CURVES]
    found = {}
    for line in chosen:
        solved = reach.budget_curve(share, line.name, CURVE_FACTORS)
        found[line.name] = tuple((limit + line.explored, value, price) for limit, value, price in solved)
    return found


def _rows(window: Window, cost: Floats) -> pa.Table:
    """One row per campaign and member who may be named: the reason, and what is done for him."""
    dated = window.plan
    found = dated.candidates
    parts = []
    for index, name in enumerate(window.locks):
        why = reach.why_left_out(dated, index)
        here = np.flatnonzero(np.isin(why, [code.value for code in _told(window, index)]))
        issued = dated.issued[here, index]
        mine = issued >= 0
        column = np.where(mine, issued, 0)
        value = np.where(mine, np.nan_to_num(found.value[here, column], neginf=0.0), 0.0)
        spent = np.where(mine, cost[here, column], 0.0)
        parts.append(
            pa.table(
                {
                    "campaign": pa.array([name] * len(here), pa.string()),
                    "customer_no": found.customer_no.take(pa.array(here)),
                    "cell": pa.array(found.cell[here].tolist(), pa.string()),
                    "reason": pa.array(why[here].tolist(), pa.string()),
                    "action": pa.array(dated.chosen(name)[here].tolist(), pa.string()),
                    "value_fen": pa.array(np.rint(value).astype(np.int64)),
                    "cost_fen": pa.array(np.rint(spent).astype(np.int64)),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def _excluded(window: Window) -> pa.Table:
    """Who fell out of an audience for a reason that people may see; who is left out in confidence is in no row."""
    numbers = window.state.table["customer_no"]
    parts = [
        pa.table(
            {
                "campaign": pa.array([name] * len(snapshot.excluded[fall.code]), pa.string()),
                "customer_no": numbers.take(pa.array(snapshot.excluded[fall.code])).cast(pa.string()),
                "reason": pa.array([fall.code] * len(snapshot.excluded[fall.code]), pa.string()),
            }
        )
        for name, snapshot in window.audiences.items()
        for fall in snapshot.falls
        if fall.code in snapshot.excluded
    ]
    names = ("campaign", "customer_no", "reason")
    empty = pa.table({name: pa.array([], pa.string()) for name in names})
    return pa.concat_tables([empty, *parts]).combine_chunks()
