"""Lineage: the map from sources to what is made of them, a row back to its raw line, an attribute's value back to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse

from bankloop.customer.consent import in_scope
from bankloop.customer.contracts import Attribute, Catalogue, EventWindow, Fact
from bankloop.customer.tracing import rows_behind
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.expectations import Dimension
from bankloop.lake.inventory import WatchedQuality, mapped_sources, watched
from bankloop.lake.origins import Raw, RowOrigin, origin_of
from bankloop.lake.service import contract_of
from bankloop.organization.rights import require
from bankloop.store.audit import record_access
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page

DIMENSIONS = {
    Dimension.COMPLETE: Text("完整", "complete"),
    Dimension.VALID: Text("有效", "valid"),
    Dimension.UNIQUE: Text("唯一", "unique"),
    Dimension.REFERENTIAL: Text("引用", "referential"),
    Dimension.FRESH: Text("及时", "fresh"),
    Dimension.DISTRIBUTION: Text("分布", "distribution"),
    Dimension.CONTROL: Text("对账", "control totals"),
}
RAWS = {
    Raw.READ: Text("原始行已重新读出，与装载时的文件一致。", "The raw line was read again; the file is the one that was loaded."),
    Raw.CHANGED: Text("文件在装载后被改过，原始行不可信，未显示。", "The file was changed after it was loaded; its line is not shown."),
    Raw.GONE: Text("文件已不在，只知道文件名和行号。", "The file is gone; its name and line are known."),
    Raw.MADE: Text("这一行由平台自己算出，没有源文件。", "The platform made this row itself; it has no source file."),
}  # fmt: skip
_ON_PAGE = 50
_TREND = 6
_LISTED = 24
_NONE = say.same("—")


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/data/{table}/row")
    def row(
        request: Request, table: str, visitor: Here, key: Annotated[list[str] | None, Query(max_length=8)] = None
    ) -> HTMLResponse:
        require(visitor.principal, "quality.read")
        console, contract = console_of(request), contract_of(table)
        found, error = None, None
        if key:
            try:
                found = origin_of(console.bank.lake, table, [one[:200] for one in key])
                with console.bank.store.begin(visitor.principal) as connection:
                    record_access(connection, "row", [f"{table} {' '.join(key)}"[:200]], ["lineage"])
            except BankloopError as refusal:
                error = refusal
        return page(
            request, "origin.html", error.http_status if error else 200, at="data", contract=contract, keys=key or [],
            error=error, steps=_steps(found) if found else None, cells=_cells(found) if found else None,
            said=RAWS[found.raw] if found else None,
        )  # fmt: skip

    @app.get("/lineage")
    def trace(request: Request, visitor: Here, customer: str = "", attribute: str = "") -> HTMLResponse:
        require(visitor.principal, "quality.read")
        console = console_of(request)
        asked = bool(customer and attribute)
        found, error = None, None
        if asked:
            try:
                found = _traced(console, visitor.principal, customer[:64], attribute[:64])
            except BankloopError as refusal:
                error = refusal
        return page(
            request, "lineage.html", error.http_status if error else 200, at="data", customer=customer[:64],
            attribute=attribute[:64], error=error, found=found, names=list(console.bank.catalogue.attributes),
        )  # fmt: skip


def _traced(console: Console, principal: Principal, number: str, name: str) -> Table:
    """Return the rows behind an attribute of a customer who is within the reader's scope; the look is written down."""
    bank = console.bank
    one = bank.catalogue[name]
    with bank.store.begin(principal) as connection, in_scope(connection, number, "quality.read") as numbers:
        record_access(connection, "customer", [number], ["lineage", name])
    state = bank.state(console.today - timedelta(days=1))
    behind = rows_behind(bank.lake, bank.catalogue, name, numbers, state.as_of, bank.versions_of(state.as_of))
    rows = []
    for part in behind:
        for key in part.keys[:_ON_PAGE]:
            address = f"data/{part.table}/row?" + urlencode([("key", value) for value in key])
            rows.append((
                Cell(bank.catalogue[part.attribute].label), Cell(CONTRACTS[part.table].label),
                Cell(say.same(" · ".join(_hidden(part.table, key))), drill=address),
            ))  # fmt: skip
    columns = (Column(Text("标签", "Attribute")), Column(Text("表", "Table")), Column(Text("行（键）", "Row (key)")))
    shown = sum(min(len(part.keys), _ON_PAGE) for part in behind)
    note = Text(
        f"状态 {state.as_of}，口径 {one.digest[:8]}，状态摘要 {state.digest[:12]}；列出 {shown} 行。",
        f"State of {state.as_of}, definition {one.digest[:8]}, state's digest {state.digest[:12]}; {shown} rows listed.",
    )
    return Table(
        "behind",
        Text(f"{one.label.zh}由这些行算出", f"{one.label.en} is made of these rows"),
        columns,
        tuple(rows),
        note,
    )


def _hidden(table: str, key: Sequence[str]) -> list[str]:
    """Return a row's key as it is shown: a customer's number is masked."""
    return [
        masked(value) if column == "customer_no" else value
        for column, value in zip(CONTRACTS[table].key, key, strict=True)
    ]


def _steps(found: RowOrigin) -> tuple[Figure, ...]:
    return (
        Figure(Text("来源", "Source"), say.same(found.source or "—")),
        Figure(Text("文件", "File"), say.same(found.file or "—")),
        Figure(Text("行", "Line"), say.same(found.line or "—")),
        Figure(Text("批次", "Load"), say.same(found.load_id[-12:] or "—"), say.same(found.day or "—")),
        Figure(Text("版本", "Version"), say.same(found.version), say.same(found.as_of)),
    )


def _cells(found: RowOrigin) -> Table:
    labels = {column.name: column.label for column in contract_of(found.table).columns}
    rows = tuple(
        (
            Cell(say.same(one.source or "—")), Cell(say.same(one.raw or "—")),
            Cell(labels.get(one.column, Text("不装载", "not loaded"))), Cell(say.same(one.column or "—")),
            Cell(say.same(one.conformed or "—")),
        )
        for one in found.cells
    )  # fmt: skip
    columns = (
        Column(Text("源字段", "Column of the source")), Column(Text("原始值", "Raw value")), Column(Text("字段", "Field")),
        Column(Text("名称", "Name")), Column(Text("入湖值", "Conformed value")),
    )  # fmt: skip
    return Table("cells", Text("原始行与入湖行", "The raw line and the conformed row"), columns, rows)


def data_map(console: Console) -> Table:
    """Return the map of the data: source → conformed table → what is made of it."""
    made = _made_of(console.bank.catalogue)
    rows = []
    for one in mapped_sources(console.bank.lake):
        version = console.bank.lake.manifest.current(one.table)
        names = made.get(one.table, [])
        count = Text(f"{len(names)} 个标签", f"{len(names)} attributes")
        rows.append((
            Cell(say.same(one.name)), Cell(say.same(f"{one.path} · {one.format}")),
            Cell(contract_of(one.table).label, drill=f"data/{one.table}"), Cell(say.same(one.mode)),
            Cell(say.same(version.version if version else "—")), Cell(count if names else _NONE),
        ))  # fmt: skip
    columns = (
        Column(Text("来源", "Source")), Column(Text("原始文件", "Raw files")), Column(Text("入湖表", "Conformed table")),
        Column(Text("方式", "Mode")), Column(Text("当前版本", "Current version")), Column(Text("算出", "Makes")),
    )  # fmt: skip
    note = Text("每一行都能追到原始文件的行；每个标签的值都能追到入湖的行。", "Every row leads back to its raw line, every attribute's value to its conformed rows.")  # fmt: skip
    return Table("map", Text("数据地图", "Map of the data"), columns, tuple(rows), note)


def _made_of(catalogue: Catalogue) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in catalogue.attributes.values():
        for table in {_table(catalogue[name]) for name in catalogue.closure([one.name])} - {""}:
            found.setdefault(table, []).append(one.name)
    return found


def _table(one: Attribute) -> str:
    match one.body:
        case Fact() as fact:
            return fact.table
        case EventWindow():
            return "event"
    return "score" if one.kind.value == "score" else ""


def quality_table(console: Console) -> Table:
    """Return every source by dimension as it was last; what is beyond its limit is marked."""
    found = watched(console.bank.lake)
    cells = {(one.source, one.dimension): one for one in found}
    rows = tuple(
        (Cell(say.same(source)), *(_measured(cells.get((source, dimension))) for dimension in Dimension))
        for source in dict.fromkeys(one.source for one in found)
    )
    columns = (Column(Text("来源", "Source")), *(Column(DIMENSIONS[one], number=True) for one in Dimension))
    note = Text(
        "完整、有效、唯一、引用为通过率；及时为数据日到装载日的天数；分布为与上一版相比的 PSI；对账为相符的总数个数。",
        "Complete, valid, unique and referential are shares that passed; fresh counts the days from the data's to the load's; distribution is the PSI against the version before; control totals are those that agreed.",
    )
    return Table("quality", Text("质量", "Quality"), columns, rows, note)


def trend_table(console: Console) -> Table:
    """Return what changed lately or is beyond its limit: the last deliveries beside the limit, and the worst column."""
    rows = tuple(
        (
            Cell(say.same(one.source)), Cell(DIMENSIONS[one.dimension]), _trend(one), Cell(_bound(one)),
            Cell(Text("合格", "within") if one.passed else Text("超限", "beyond"), Tone.GOOD if one.passed else Tone.WARN, tag=True),
            Cell(say.same(one.column or "—")),
        )
        for one in watched(console.bank.lake)
        if one.dimension is not Dimension.CONTROL and (not one.passed or len(set(one.values)) > 1)
    )  # fmt: skip
    columns = (
        Column(Text("来源", "Source")), Column(Text("维度", "Dimension")), Column(Text("最近几批", "Lately")),
        Column(Text("限值", "Limit"), number=True), Column(Text("结论", "Verdict")), Column(Text("最差字段", "Worst column")),
    )  # fmt: skip
    return Table(
        "trend",
        Text("质量随时间：变了的和超限的", "Quality over time: what changed or is beyond its limit"),
        columns,
        rows[:_LISTED],
    )


def _measured(one: WatchedQuality | None) -> Cell:
    if one is None:
        return Cell(_NONE)
    value = one.checked if one.dimension is Dimension.CONTROL else one.values[-1]
    return Cell(_said(one.dimension, value), Tone.PLAIN if one.passed else Tone.WARN, tag=not one.passed)


def _trend(one: WatchedQuality) -> Cell:
    said = [_said(one.dimension, value) for value in one.values[-_TREND:]]
    return Cell(Text(" → ".join(word.zh for word in said), " → ".join(word.en for word in said)))


def _said(dimension: Dimension, value: int) -> Text:
    match dimension:
        case Dimension.FRESH:
            return Text(f"{value} 天", f"{value} d")
        case Dimension.DISTRIBUTION:
            return say.same(f"{value / 1_000_000:.3f}")
        case Dimension.CONTROL:
            return say.same(value)
    return say.percent(value // 100 / 10_000, 2)


def _bound(one: WatchedQuality) -> Text:
    sign = "≤" if one.dimension in (Dimension.FRESH, Dimension.DISTRIBUTION) else "≥"
    said = _said(one.dimension, one.limit)
    return Text(f"{sign} {said.zh}", f"{sign} {said.en}")
