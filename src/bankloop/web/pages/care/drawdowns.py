"""Falls of net values as values: which products fell, how deep, whom it touches, and which of them were told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.care.maturity import (
    Drawdown,
    DrawdownPolicy,
    Told,
    drawdowns,
    holders_of,
    net_values,
    read_care,
    told,
    values_until,
)
from bankloop.kit.text import Text
from bankloop.organization.task import TaskState
from bankloop.store.audit import record_access
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Daily, Figure, Picture, Table, Tone, Trend
from bankloop.web.pages.workbench.page import STATES
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.errors import no_choice
from bankloop.web.shell.front_words import FRONT_WORDS

T = TypeVar("T")

# A quarter shows what is usual for a product, and leaves the fall of the last days visible.
_DAYS = 90
# Those that fell most; a bank has hundreds of products.
_PICTURES, _ROWS = 6, 60
PAGE = 50
_OVER = ("DONE", "REJECTED", "RECALLED", "EXPIRED")
# What a figure of the table counts, by the word in the address of the list behind it.
SHOWN: Mapping[str, Callable[[Told], bool]] = {
    "holders": lambda one: True,
    "open": lambda one: one.task_id is not None and one.state not in _OVER,
    "done": lambda one: one.state == "DONE",
    "messages": lambda one: bool(one.channel) and one.task_id is None,
    "untold": lambda one: not one.channel and one.task_id is None,
}
_TITLES: Mapping[str, Text] = {
    "holders": Text("持有人", "Holders"),
    "open": Text("待致电", "Calls open"),
    "done": Text("已致电", "Calls done"),
    "messages": Text("已发消息", "Messages"),
    "untold": Text("未告知", "Not told"),
}


@dataclass(frozen=True, slots=True)
class FallsPage:
    """One screen: the answer, figures, a trend a product, and the products with what was done for their holders."""

    answer: Text
    figures: tuple[Figure, ...]
    pictures: tuple[Picture, ...]
    table: Table


def falls_page(console: Console, principal: Principal) -> FallsPage:
    """Return every product's fall, the deepest first, with the holders that somebody sees and how they were told."""
    policy, found = read_care(console.folder).drawdown, _drawdowns(console)
    counts: dict[str, dict[str, int]] = {}
    with console.bank.store.begin(principal) as connection:
        for fall in found:
            counts[fall.product_id] = _counts(connection, console, principal, fall, policy)
    fallen = [one for one in found if one.fall_ppm >= policy.fall_ppm]
    whole = {name: sum(counts[one.product_id].get(name, 0) for one in fallen) for name in SHOWN}
    limit = say.percent(policy.fall_ppm / 1_000_000, 0)
    day = _as_of(console)
    answer = Text(
        f"截至 {day}，{len(fallen)} 只产品 {policy.days} 天内净值回撤达 {limit.zh}，涉及 {whole['holders']:,} 位持有人；"
        f"致电待办 {whole['open']:,}、已办 {whole['done']:,}，已发消息 {whole['messages']:,}。",
        f"As of {day}, {len(fallen)} {'product' if len(fallen) == 1 else 'products'} fell by {limit.en} or more within {policy.days} days, held by "
        f"{whole['holders']:,} customers; calls open {whole['open']:,}, done {whole['done']:,}, messages {whole['messages']:,}.",
    )
    figures = (
        Figure(Text("回撤产品", "Products fallen"), say.count(len(fallen)), Text(f"共 {len(found)} 只有净值", f"of {len(found)} with net values")),
        *(Figure(_TITLES[name], say.count(whole[name])) for name in ("holders", "open", "done", "messages")),
    )  # fmt: skip
    values = _kept(console, "values", lambda: net_values(console.bank.lake, day, _DAYS))
    pictures = tuple(_picture(console, fall, values[fall.product_id], policy) for fall in found[:_PICTURES])
    return FallsPage(answer, figures, pictures, _table(console, found[:_ROWS], counts, values, policy))


def holders_page(console: Console, principal: Principal, product: str, show: str, after: str) -> tuple[Table, str]:
    """Return a page of a product's holders, as a figure counts them, and after whom the next one begins ('' at the end).

    Raises ``NotFoundError`` for a product without net values. That they were listed is written down.
    """
    policy, found = read_care(console.folder).drawdown, {one.product_id: one for one in _drawdowns(console)}
    if product not in found:
        raise no_choice("product", product, ", ".join(sorted(found)))
    wanted = show if show in SHOWN else "holders"
    with console.bank.store.begin(principal) as connection:
        rows = _told(connection, console, principal, found[product], policy)
        rows = [one for one in rows if SHOWN[wanted](one) and one.customer_no > after][: PAGE + 1]
        if rows:
            record_access(connection, "customer", [one.customer_no for one in rows[:PAGE]], ["customer_no"])
    channels = {name: one.title.text for name, one in console.bank.spec.policies.channels.items()}
    columns = (
        Column(Text("客户", "Customer")), Column(Text("告知方式", "Told by")), Column(Text("经办人", "By whom")),
        Column(Text("任务", "Task")),
    )  # fmt: skip
    title = _title(console, product)
    caption = Text(f"{title.zh} · {_TITLES[wanted].zh}", f"{title.en} · {_TITLES[wanted].en}")
    cells = tuple(
        (
            Cell(say.same(masked(one.customer_no)), drill=f"customers/{one.customer_no}"),
            Cell(channels.get(one.channel, say.same(one.channel)) if one.channel else Text("尚未告知", "not told")),
            Cell(say.same(one.staff_id or "—")),
            Cell(STATES[TaskState(one.state)], drill=f"workbench/{one.task_id}")
            if one.task_id
            else Cell(say.same("—")),
        )
        for one in rows[:PAGE]
    )
    return Table("holders", caption, columns, cells), rows[PAGE - 1].customer_no if len(rows) > PAGE else ""


def _drawdowns(console: Console) -> list[Drawdown]:
    """Return every product's fall, the deepest first; read once for a day and a load."""
    day = _as_of(console)

    def make() -> list[Drawdown]:
        found = drawdowns(console.bank.lake, read_care(console.folder).drawdown, day)
        return sorted(found, key=lambda one: (-one.fall_ppm, one.product_id))

    return _kept(console, "falls", make)


def _as_of(console: Console) -> date:
    """Return the day that the page is of: today, or the last one with net values where they are older."""
    return min(console.today, _kept(console, "until", lambda: values_until(console.bank.lake)) or console.today)


def _kept(console: Console, what: str, make: Callable[[], T]) -> T:
    versions = tuple(sorted(console.bank.lake.current_versions().items()))
    return console.scores.get((what, console.today, read_care(console.folder), versions), make)


def _seen(console: Console, principal: Principal, product: str) -> list[str]:
    """Return the holders of a product that somebody sees."""
    products = [one.product_id for one in _drawdowns(console)]
    held = _kept(console, "held", lambda: holders_of(console.bank.lake, products))[product]
    seen = console.seen_by(principal)
    if seen is None:
        return held
    numbers = pa.array(held, pa.string())
    found: list[str] = numbers.filter(pc.is_in(numbers, seen)).to_pylist()
    return found


def _told(
    connection: Connection, console: Console, principal: Principal, fall: Drawdown, policy: DrawdownPolicy
) -> list[Told]:
    """Return a product's holders with how they were told; nobody is told of what did not fall."""
    holders = _seen(console, principal, fall.product_id)
    if fall.fall_ppm < policy.fall_ppm:
        return [Told(number, "", None, "", None) for number in holders]
    return told(connection, fall, holders)


def _counts(
    connection: Connection, console: Console, principal: Principal, fall: Drawdown, policy: DrawdownPolicy
) -> dict[str, int]:
    if fall.fall_ppm < policy.fall_ppm:
        return {"holders": len(_seen(console, principal, fall.product_id))}
    rows = _told(connection, console, principal, fall, policy)
    return {name: sum(map(counted, rows)) for name, counted in SHOWN.items()}


def _picture(console: Console, fall: Drawdown, values: Sequence[tuple[date, int]], policy: DrawdownPolicy) -> Picture:
    first = values[0][1]
    points = tuple(Daily(day, value / first - 1) for day, value in values)
    title, down, day = _title(console, fall.product_id), _down(fall), f"{fall.since:%m-%d}"
    note = Text(
        f"近 {_DAYS} 天净值变动；较 {day} 高点 {down.zh}",
        f"change of the net value in {_DAYS} days; {down.en} from the high of {day}",
    )
    trend = Trend(points, down, fall.since, fall.fall_ppm >= policy.fall_ppm)
    alt = Text(f"{title.zh}：{note.zh}", f"{title.en}: {note.en}")
    return Picture(f"fall-{fall.product_id}", title, alt, trend, note)


def _table(
    console: Console,
    found: Sequence[Drawdown],
    counts: Mapping[str, Mapping[str, int]],
    values: Mapping[str, Sequence[tuple[date, int]]],
    policy: DrawdownPolicy,
) -> Table:
    def counted(fall: Drawdown, name: str) -> Cell:
        number = counts[fall.product_id].get(name)
        if number is None:
            return Cell(say.same("—"))
        return Cell(say.count(number), drill=f"falls/{fall.product_id}?show={name}" if number else None)

    rows = tuple(
        (
            Cell(_title(console, fall.product_id)),
            Cell(_down(fall), Tone.WARN if fall.fall_ppm >= policy.fall_ppm else Tone.PLAIN, tag=fall.fall_ppm >= policy.fall_ppm),
            Cell(say.same(f"{fall.since:%m-%d}")),
            Cell(say.same(f"{values[fall.product_id][-1][1] / 1_000_000:.4f}")),
            *(counted(fall, name) for name in SHOWN),
        )
        for fall in found
    )  # fmt: skip
    columns = (
        Column(Text("产品", "Product")), Column(Text("回撤", "Fell by"), number=True), Column(Text("高点日", "From the high of")),
        Column(Text("净值", "Net value"), number=True), *(Column(_TITLES[name], number=True) for name in SHOWN),
    )  # fmt: skip
    left = len(_drawdowns(console)) - len(found)
    note = Text(f"另有 {left} 只跌得更少，未列出。", f"{left} more fell less and are not shown.") if left else None
    return Table("falls", FRONT_WORDS["falls_products"], columns, rows, note)


def _down(fall: Drawdown) -> Text:
    tenths = round(fall.fall_ppm / 1_000)
    return say.same(f"−{tenths / 10:.1f}%" if tenths else "0.0%")


def _title(console: Console, product: str) -> Text:
    known = console.bank.spec.products.get(product)
    return known.title.text if known is not None else say.same(product)
