"""Data: what the bank has, who answers for it, how it is classed and kept, what passed its contract, who saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.customer.subject import TABLES, read_retention
from bankloop.kit.text import Text
from bankloop.lake.inventory import (
    Asset,
    DeliveryRecord,
    FieldRecord,
    assets,
    deliveries,
    field_users,
    fields_of,
    fields_used,
)
from bankloop.lake.service import contract_of
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone
from bankloop.web.pages.data.lineage import data_map, quality_table, trend_table
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.ways import may
from bankloop.web.shell.words import MORE_WORDS

USED_DAYS = 30
# Below this share of rows that pass a source wants a look.
_LOOK = 995_000
_ON_PAGE = 60
_NONE = say.same("—")
_NAMED = 5


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/data")
    def listed(request: Request, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "quality.read")
        lake = console_of(request).bank.lake
        found, delivered = assets(lake), deliveries(lake)
        kept = {one.name: one.years for one in read_retention(lake.folder)}
        return page(
            request, "data.html", at="data", answer=_answer(found, delivered), figures=_figures(found, delivered),
            passed=_passed(delivered), delivered=_delivered(delivered), assets=_assets(found, kept),
            map=data_map(console_of(request)), quality=quality_table(console_of(request)),
            trend=trend_table(console_of(request)),
        )  # fmt: skip

    @app.get("/data/{table}")
    def fields(request: Request, table: str, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "quality.read")
        bank = console_of(request).bank
        contract = contract_of(table)
        used = fields_used(bank.store, bank.clock.now() - timedelta(days=USED_DAYS))
        since = bank.clock.now() - timedelta(days=USED_DAYS)
        users = field_users(bank.store, visitor.principal, since) if may(visitor, "audit.read") else {}
        found = _fields(fields_of(bank.lake, table, used), contract.label, users)
        rows = Text("一行的来处", "Where a row is from")
        return page(
            request, "list.html", at="data", title=contract.label, table=found, nothing=MORE_WORDS["no_data"], next=None,
            further=(f"/data/{table}/row", rows),
        )  # fmt: skip


def _answer(found: Sequence[Asset], delivered: Sequence[DeliveryRecord]) -> Text:
    loaded, last = (
        sum(one.as_of is not None for one in found),
        max((one.day for one in delivered if one.day), default=None),
    )
    return Text(
        f"{len(found)} 张表，{loaded} 张有数据；最近一批是 {last or '—'}。",
        f"{len(found)} tables, {loaded} of them with data; the last delivery is of {last or '—'}.",
    )


def _figures(found: Sequence[Asset], delivered: Sequence[DeliveryRecord]) -> tuple[Figure, ...]:
    rows, bad = sum(one.rows for one in delivered), sum(one.quarantined for one in delivered)
    return (
        Figure(Text("读入行数", "Rows read"), say.count(rows)),
        Figure(Text("隔离行数", "In quarantine"), say.count(bad)),
        Figure(Text("通过率", "Passed"), _share(1_000_000 * (rows - bad) // rows if rows else 1_000_000)),
        Figure(Text("C2 与保密字段", "Class C2 and confidential"), say.count(sum(one.classified for one in found))),
    )


def _passed(delivered: Sequence[DeliveryRecord]) -> Picture | None:
    """Return the pass rate of each source's last delivery."""
    latest: dict[str, DeliveryRecord] = {}
    for one in delivered:
        latest.setdefault(one.source, one)
    if not latest:
        return None
    worst = sorted(latest.values(), key=lambda one: (one.passed, one.source))
    bars = tuple(Bar(say.same(one.source), one.passed / 1e6, _share(one.passed)) for one in worst)
    said = "; ".join(f"{one.source} {_share(one.passed).en}" for one in worst)
    return Picture(
        "passed",
        Text("各来源最近一批的通过率", "What passed of each source's last delivery"),
        say.same(said),
        Bars(bars),
    )


def _delivered(found: Sequence[DeliveryRecord]) -> Table:
    rows = tuple(
        (
            Cell(say.same(one.source)),
            Cell(say.same(one.day or "—")),
            Cell(say.count(one.files)),
            Cell(say.count(one.rows)),
            Cell(say.count(one.quarantined)),
            Cell(_share(one.passed), Tone.GOOD if one.passed >= _LOOK else Tone.WARN, tag=True),
        )
        for one in found[:_ON_PAGE]
    )
    columns = (
        Column(Text("来源", "Source")), Column(Text("数据日", "Day")), Column(Text("文件", "Files"), number=True),
        Column(Text("读入", "Read"), number=True), Column(Text("隔离", "Quarantined"), number=True), Column(Text("通过率", "Passed")),
    )  # fmt: skip
    note = Text(
        "隔离的每一行都写明文件、行号、字段和规则，在 data/quarantine 下。",
        "Every row in quarantine names its file, line, column and rule, under data/quarantine.",
    )
    return Table("delivered", Text("来源与通过率", "Sources and what passed"), columns, rows, note)


def _assets(found: Sequence[Asset], kept: dict[str, int]) -> Table:
    rows = []
    for one in found:
        years = kept.get(TABLES.get(one.table, ""))
        term = _NONE if years is None else _term(years)
        rows.append((
            Cell(one.label, drill=f"data/{one.table}"), Cell(say.same(one.owner)), Cell(say.count(one.fields)),
            Cell(say.count(one.classified)), Cell(say.count(one.rows)), Cell(say.same(one.as_of or "—")), Cell(term),
        ))  # fmt: skip
    columns = (
        Column(Text("表", "Table")), Column(Text("负责", "Owner")), Column(Text("字段", "Fields"), number=True),
        Column(Text("其中敏感", "Of them classed"), number=True), Column(Text("行", "Rows"), number=True), Column(Text("截至", "As of")),
        Column(Text("保存", "Kept")),
    )  # fmt: skip
    return Table("assets", Text("数据资产目录", "Catalogue"), columns, tuple(rows))


def _term(years: int) -> Text:
    if not years:
        return Text("应本人请求即删", "goes when its person asks")
    return Text(f"关系结束后 {years} 年", f"{years} years after the relation")


def _share(ppm: int) -> Text:
    """Return a share to two digits, never rounded up: not all is not 100 %."""
    return say.percent(ppm // 100 / 10_000, 2)


def _fields(found: Sequence[FieldRecord], title: Text, users: Mapping[str, Sequence[tuple[str, int]]]) -> Table:
    rows = tuple(
        (
            Cell(one.label),
            Cell(say.same(one.name)),
            Cell(say.same(one.type)),
            Cell(say.same(one.data_class.value), Tone.WARN if one.data_class.value == "C2" else Tone.PLAIN, tag=True),
            Cell(Text("保密", "confidential") if one.confidential else _NONE),
            Cell(say.same(one.sample or "—")),
            Cell(_used(one, users.get(one.name, ()))),
        )
        for one in found
    )
    columns = (
        Column(Text("字段", "Field")), Column(Text("名称", "Name")), Column(Text("类型", "Type")), Column(Text("分级", "Class")),
        Column(Text("保密", "Confidential")), Column(Text("样例（脱敏）", "Sample, masked")),
        Column(Text(f"{USED_DAYS} 天内看过明文", f"Seen plain in {USED_DAYS} days")),
    )  # fmt: skip
    return Table("fields", title, columns, rows)


def _used(one: FieldRecord, users: Sequence[tuple[str, int]]) -> Text:
    """Return how many saw a field plain and how often; who, for whom reads the trail."""
    if not one.times:
        return _NONE
    named = "、".join(f"{person} {times}" for person, times in users[:_NAMED])
    more = "…" if len(users) > _NAMED else ""
    said = f" ({named}{more})" if named else ""
    return Text(f"{one.people} 人 {one.times} 次{said}", f"{one.people} people, {one.times} times{said}")
