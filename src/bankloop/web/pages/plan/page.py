"""The plan's page with its what-if, and the customers behind each of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc

from bankloop.kit.text import Text
from bankloop.loop.reach import SENTENCES, LeftOut
from bankloop.loop.realtime import slot_tallies
from bankloop.report.comparing import fair_table, levers_table, lost_table, next_table, truth_picture, ways_picture
from bankloop.report.contracts import PlanView, WhatIf
from bankloop.report.exporting import exported
from bankloop.report.plan import mix_picture, plan_page
from bankloop.report.record import UNLISTED, PlanRecord
from bankloop.report.rules import rule_table
from bankloop.report.segments import segments_table
from bankloop.report.swings import swing_table
from bankloop.report.what_if import changeable, levers, what_if, what_if_by_fiat
from bankloop.store.contracts import Plan, Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Picture, Table
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console, known, masked, narrowed
from bankloop.web.shell.texts import CELLS

PAGE = 50


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """One thing to choose from, with the address that chooses it."""

    title: Text
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """The what-if form: which limit is asked about, in which unit, and what the form shows."""

    resources: tuple[PlanChoice, ...]
    resource: str
    title: Text
    unit: Text
    limit: str
    answer: WhatIf | None


@dataclass(frozen=True, slots=True)
class PlanPage:
    """One plan: its view, the form, and one campaign's waterfall at a time; ``stored`` alone where no detail was kept."""

    plan_id: str
    window_start: date
    window_end: date
    round: int
    windows: tuple[PlanChoice, ...]
    view: PlanView | None
    stored: tuple[Figure, ...]
    asking: Asking | None
    campaigns: tuple[PlanChoice, ...]
    campaign: str
    beside: BesideView | None = None


@dataclass(frozen=True, slots=True)
class BesideView:
    """What stands beside the plan, and a decision by fiat answered: key and title of each, the one chosen, its answer."""

    ways: Picture | None
    truth: Picture | None
    levers: Table | None
    next_in_line: Table | None
    lost: Table | None
    fair: Table | None
    decisions: Mapping[str, Text]
    decision: str
    answer: WhatIf | None
    rules: Table | None = None
    swings: Table | None = None
    segments: tuple[Table, ...] = ()
    mix: Picture | None = None


@dataclass(frozen=True, slots=True)
class RowsPage:
    """A page of masked customers: ``listed`` is false for reasons that are only counted."""

    title: Text
    table: Table
    total: int
    page: int
    pages: int
    listed: bool
    before: str | None
    after: str | None


def newest_plan(console: Console) -> Plan | None:
    """Return the newest plan."""
    found = console.stored_plans()
    return found[0] if found else None


def plan_of(
    console: Console, plan_id: str, campaign: str | None, resource: str | None, limit: str | None,
    lever: str | None = None, principal: Principal | None = None,
) -> PlanPage:  # fmt: skip
    """Return a plan's page; with ``resource`` and ``limit`` (yuan for budgets), or a ``lever``, its what-if is answered.

    ``principal`` is who may see customers by number, masked; without one no customer is named.
    """
    plans = console.stored_plans()
    stored = next((plan for plan in plans if str(plan.plan_id) == plan_id), None)
    if stored is None:
        raise errors.no_plan(plan_id)
    windows = tuple(
        PlanChoice(Text(f"第 {p.summary.get('round')} 轮 · {p.window_start}", f"round {p.summary.get('round')} · {p.window_start}"),
               f"/plan/{p.plan_id}", p.plan_id == stored.plan_id)
        for p in plans[:8]
    )  # fmt: skip
    record = console.record(plan_id)
    names = [one.name for one in record.campaigns] if record else list(stored.campaigns)
    shown = campaign if campaign is not None else names[0]
    if shown not in names:
        raise errors.no_campaign(shown)
    titles = record.titles if record else {}
    return PlanPage(
        plan_id=plan_id,
        window_start=stored.window_start,
        window_end=stored.window_end,
        round=int(stored.summary.get("round", 0)),
        windows=windows,
        view=plan_page(record) if record else None,
        stored=_stored_figures(stored),
        asking=_asking(record, shown, resource, limit) if record else None,
        campaigns=tuple(PlanChoice(titles.get(n, say.same(n)), f"/plan/{plan_id}?{urlencode({'campaign': n})}#left-out", n == shown) for n in names),
        campaign=shown,
        beside=_beside(console, record, lever, principal) if record else None,
    )  # fmt: skip


def _beside(console: Console, record: PlanRecord, lever: str | None, principal: Principal | None) -> BesideView:
    channels = {name: one.title.text for name, one in console.bank.spec.policies.channels.items()}
    named: dict[str, str] = {}
    if principal is not None:
        seen = console.seen_by(principal)
        known_ = None if seen is None else set(seen.to_pylist())
        waiting = [one.customer_no for one in record.beside.next_in_line]
        named = {number: masked(number) for number in waiting if known_ is None or number in known_}
    return BesideView(
        ways_picture(record), truth_picture(record), levers_table(record, channels), next_table(record, named), lost_table(record),
        fair_table(record), levers(record), lever or "", what_if_by_fiat(record, lever) if lever else None,
        rule_table(record.beside.rules, record.titles), swing_table(record.beside.swings), _segments(record),
        _mix(console, record),
    )  # fmt: skip


def _mix(console: Console, record: PlanRecord) -> Picture:
    """Return how the plan reaches customers, with what was shown meanwhile to those who came by themselves."""
    with console.reading() as connection:
        inbound = {one.slot: one.issued for one in slot_tallies(console.bank, connection, record.window_start)}
    return mix_picture(record, console.bank.spec.policies.channels, inbound)


def _segments(record: PlanRecord) -> tuple[Table, ...]:
    """Return each campaign's segments in words, under the campaign's title."""
    found = []
    for one in record.beside.beliefs:
        table, title = segments_table(one.card, one.named), record.titles[one.campaign]
        if table is not None:
            caption = Text(f"{title.zh}：{table.caption.zh}", f"{title.en}: {table.caption.en}")
            found.append(replace(table, name=f"segments-{one.campaign}", caption=caption))
    return tuple(found)


def export_of(console: Console, plan_id: str, part: str, kind: str, principal: Principal) -> tuple[bytes, int]:
    """Return a part of a plan as a file and how many rows it has; customers are masked, and those the person sees."""
    record = console.record(plan_id)
    if record is None:
        raise errors.no_plan(plan_id)
    customers = None
    if part == "customers":
        found = narrowed(_named(record.rows), console.seen_by(principal))
        numbers = pa.array([masked(number) for number in found["customer_no"].to_pylist()], pa.string())
        customers = found.set_column(found.column_names.index("customer_no"), "customer", numbers)
    return exported(record, part, kind, customers), customers.num_rows if customers is not None else 0


def _stored_figures(plan: Plan) -> tuple[Figure, ...]:
    lines = plan.summary.get("lines", ())
    return (
        Figure(Text("预期增量价值", "Expected incremental value"), say.money(plan.value_fen)),
        Figure(Text("成本", "Cost"), say.money(sum(line[3] for line in lines))),
        Figure(Text("被触达客户", "Customers reached"), say.count(sum(line[2] for line in lines))),
        Figure(Text("离最优不超过", "From the optimum at most"), say.gap(plan.gap_ppm / 1e6)),
    )


def _asking(record: PlanRecord, campaign: str, resource: str | None, limit: str | None) -> Asking | None:
    lines = {line.name: line for line in changeable(record)}
    if not lines:
        return None
    dearest = max(lines.values(), key=lambda line: (line.price * line.limit, line.used / max(line.limit, 1.0)))
    line = known(lines, "resource", resource) if resource is not None else dearest
    by = 100.0 if line.unit.en == "fen" else 1.0
    asked = None if limit in (None, "") else _number("limit", str(limit))
    answer = what_if(record, line.name, asked * by) if asked is not None else None
    choices = tuple(
        PlanChoice(one.title, f"/plan/{record.plan_id}?{urlencode({'campaign': campaign, 'resource': name})}#what-if", name == line.name)
        for name, one in lines.items()
    )  # fmt: skip
    unit = Text("元", "yuan") if line.unit.en == "fen" else line.unit
    shown = asked if asked is not None else round(line.limit / by * 1.25)
    return Asking(choices, line.name, line.title, unit, f"{shown:.10g}", answer)


def _number(field: str, words: str) -> float:
    try:
        return float(words.replace(",", ""))
    except ValueError:
        raise errors.unreadable(field, Text(f"“{words[:16]}”不是数字", f"'{words[:16]}' is no number")) from None


def rows_of(
    console: Console,
    plan_id: str,
    campaign: str,
    reason: str,
    action: str | None,
    page: int,
    seen: pa.Array | None = None,
) -> RowsPage:
    """Return a page of the customers behind one number of a plan."""
    record = console.record(plan_id)
    if record is None:
        raise errors.no_plan(plan_id)
    side = next((one for one in record.campaigns if one.name == campaign), None)
    if side is None:
        raise errors.no_campaign(campaign)
    reasons = {fall.code: fall.title for fall in (*side.falls, *side.left_out)}
    reasons[LeftOut.REACHED.value] = SENTENCES[LeftOut.REACHED]
    title = known(reasons, "reason", reason)
    counts = {fall.code: fall.count for fall in (*side.falls, *side.left_out)} | {LeftOut.REACHED.value: side.reached}
    fell = any(fall.code == reason for fall in side.falls)
    named = Text(f"{side.title.zh} · {title.zh}", f"{side.title.en} · {title.en}")
    if reason in UNLISTED:
        return RowsPage(named, _table((), _FELL), counts[reason], 1, 1, False, None, None)
    found = narrowed(_chosen(record.excluded if fell else _named(record.rows), campaign, reason, action), seen)
    here = f"/plan/{plan_id}/rows"
    query = {"campaign": campaign, "reason": reason, **({"action": action} if action else {})}
    actions = {line.action: line.title for line in record.lines if line.campaign == campaign}
    make = _fell if fell else _decided
    return paged(
        named, found, page, here, query, lambda part: _table(make(part, title, actions), _FELL if fell else _DECIDED)
    )


_FELL = (Column(Text("客户", "Customer")), Column(Text("原因", "Reason")))
_DECIDED = (
    Column(Text("客户", "Customer")),
    Column(Text("分组", "Cell")),
    Column(Text("原因", "Reason")),
    Column(Text("动作", "Action")),
    Column(Text("增量价值", "Incremental value"), number=True),
    Column(Text("成本", "Cost"), number=True),
)


def paged(title: Text, found: pa.Table, page: int, here: str, query: Mapping[str, str], make: object) -> RowsPage:
    """Return one page of rows with the addresses of its neighbours; ``make`` turns a slice into a table."""
    assert callable(make)
    pages = max(1, -(-found.num_rows // PAGE))
    if not 1 <= page <= pages:
        raise errors.no_choice("page", str(page), f"1 … {pages}")

    def address(number: int) -> str | None:
        return f"{here}?{urlencode({**query, 'page': str(number)})}" if 1 <= number <= pages else None

    part = found.slice((page - 1) * PAGE, PAGE)
    return RowsPage(title, make(part), found.num_rows, page, pages, True, address(page - 1), address(page + 1))


def _named(rows: pa.Table) -> pa.Table:
    """Return the rows whose customers may be named."""
    return rows.filter(pc.invert(pc.is_in(rows["reason"], pa.array(sorted(UNLISTED)))))


def _chosen(rows: pa.Table, campaign: str, reason: str, action: str | None) -> pa.Table:
    mask = pc.and_(pc.equal(rows["campaign"], campaign), pc.equal(rows["reason"], reason))
    if action:
        mask = pc.and_(mask, pc.equal(rows["action"], action))
    return rows.filter(mask)


def _fell(part: pa.Table, title: Text, actions: Mapping[str, Text]) -> tuple[tuple[Cell, ...], ...]:
    return tuple((Cell(say.same(masked(number))), Cell(title)) for number in part["customer_no"].to_pylist())


def _decided(part: pa.Table, title: Text, actions: Mapping[str, Text]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (
            Cell(say.same(masked(row["customer_no"]))),
            Cell(CELLS.get(row["cell"], say.same(row["cell"]))),
            Cell(title),
            Cell(actions.get(row["action"], say.same("—"))),
            Cell(say.money(row["value_fen"]) if row["action"] else say.same("—")),
            Cell(say.money(row["cost_fen"]) if row["action"] else say.same("—")),
        )
        for row in part.to_pylist()
    )


def _table(rows: tuple[tuple[Cell, ...], ...], columns: tuple[Column, ...]) -> Table:
    return Table("rows", Text("名单", "Rows"), columns, rows)
