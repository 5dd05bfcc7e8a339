"""Segments: what there is, how they overlap, where they stand on a map; one with its versions, its plan and its people."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import numpy as np
import pyarrow.compute as pc
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bankloop.customer.segment import (
    ListChange,
    SegmentVersion,
    activate_segment,
    list_customers,
    plan_segment,
    retire_segment,
    segments,
    versions_of,
)
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.loop.membership.members import CustomersNow, overlaps
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Bubble, Cell, Column, Figure, Map, Picture, Table, Tone
from bankloop.web.pages.audiences.words import TEXTS
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

# Below this a mean could be told of a person.
_MIN_CELL = 10
_ON_MAP = 24
_OVERLAPS = 12
_LONGEST = 8_000
_ACROSS, _UP = "aum", "relationship_score"
_NONE = say.same("—")


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/segments/{name}")
    def one(request: Request, name: str, visitor: Here) -> Response:
        require(visitor.principal, "segment.read")
        return _page(request, visitor, name)

    @app.post("/segments/{name}/plan")
    def plan(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            newest = versions_of(connection, name)[0].version
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                said = [form.get(field, "")[:400] for field in ("title", "owner", "does")]
                plan_segment(connection, name, newest, *said)
        except BankloopError as error:
            return _page(request, visitor, name, error, form)
        return RedirectResponse(f"/segments/{name}", 303)

    @app.post("/segments/{name}/activate")
    def activate(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                activate_segment(connection, name, int(form.get("version", "0") or 0))
        except BankloopError as error:
            return _page(request, visitor, name, error)
        return RedirectResponse(f"/segments/{name}", 303)

    @app.post("/segments/{name}/list")
    def by_hand(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        add, out, forget = (tuple(form.get(field, "")[:_LONGEST].split()) for field in ("add", "take_out", "forget"))
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                list_customers(connection, name, ListChange(add, out, forget, form.get("why", "")[:400]))
        except BankloopError as error:
            return _page(request, visitor, name, error, form)
        return RedirectResponse(f"/segments/{name}", 303)

    @app.post("/segments/{name}/retire")
    def retire(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            retire_segment(connection, name, form.get("reason", "")[:400])
        return RedirectResponse(f"/segments/{name}", 303)


def _page(
    request: Request,
    visitor: Visitor,
    name: str,
    error: BankloopError | None = None,
    form: dict[str, str] | None = None,
) -> HTMLResponse:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        every = versions_of(connection, name)
        others = [one for one in segments(connection) if one.name != name]
    newest = every[0]
    return page(
        request, "segment.html", error.http_status if error else 200, at="audiences", texts=TEXTS, found=newest, error=error,
        form={**dict.fromkeys(("title", "owner", "does", "add", "take_out", "forget", "why"), ""), **(form or {})},
        by_hand=_by_hand(newest), figures=_figures(console, newest, visitor), versions=_versions(every),
        active=next((one for one in every if one.active), None), overlaps=overlap_table(console, [newest, *others], visitor),
        editing="/audiences?" + urlencode({"expression": newest.expression}),
    )  # fmt: skip


def _by_hand(one: SegmentVersion) -> Table | None:
    """Return whom somebody put into a segment or took out of it, masked, with who did, when and why."""
    rows = tuple(
        (
            Cell(say.same(masked(who.customer_no))),
            Cell(
                Text("加入", "in") if who.within else Text("移出", "out"),
                Tone.GOOD if who.within else Tone.WARN,
                tag=True,
            ),
            Cell(say.same(who.by)),
            Cell(say.same(who.at[:10])),
            Cell(say.same(who.why)),
        )
        for who in one.listed
    )
    columns = (
        Column(Text("客户", "Customer")),
        Column(Text("手工", "By hand")),
        Column(Text("谁", "Who")),
        Column(Text("日期", "Day")),
        Column(Text("原因", "Why")),
    )
    return Table("by-hand", TEXTS["by_hand"], columns, rows) if rows else None


def segments_table(console: Console, visitor: Visitor) -> tuple[Table, list[SegmentVersion]]:
    """Return every segment that may be seen with how many it has, and the segments."""
    with console.bank.store.begin(visitor.principal) as connection:
        found = segments(connection)
        used = {one.name for one in segments(connection, active=True)}
    sizes = np.diagonal(overlaps(console.people_now(), found, console.seen_by(visitor.principal))) if found else ()
    rows = tuple(
        (
            Cell(one.title, drill=f"segments/{one.name}"),
            Cell(say.count(int(size))),
            Cell(Text("聚类", "cluster") if one.cluster else say.same(one.expression)),
            Cell(say.same(f"v{one.version}")),
            _state(one, used),
            Cell(say.same(f"{one.plan.title} · {one.plan.owner}") if one.plan else _NONE),
        )
        for one, size in zip(found, sizes, strict=True)
    )
    columns = (
        Column(Text("客群", "Segment")), Column(Text("客户", "Customers"), number=True), Column(Text("条件", "Condition")),
        Column(Text("版本", "Version")), Column(Text("状态", "State")), Column(Text("方案与负责人", "Plan and who answers for it")),
    )  # fmt: skip
    note = Text("一位客户可以属于多个客群。", "A customer may be in several.")
    return Table("segments", TEXTS["segments"], columns, rows, note), found


def _state(one: SegmentVersion, used: set[str]) -> Cell:
    if one.active:
        return Cell(Text("启用", "active"), Tone.GOOD, tag=True)
    if one.name in used:
        return Cell(Text("上一版启用", "an earlier version is active"), Tone.WARN, tag=True)
    if one.plan is None:
        return Cell(Text("缺方案", "wants a plan"), Tone.WARN, tag=True)
    return Cell(Text("停用", "retired") if one.active_to else Text("未启用", "not active"), tag=True)


def overlap_table(console: Console, found: Sequence[SegmentVersion], visitor: Visitor) -> Table | None:
    """Return how many customers each two segments share; None where there are not two."""
    some = list(found)[:_OVERLAPS]
    if len(some) < 2:
        return None
    shared = overlaps(console.people_now(), some, console.seen_by(visitor.principal))
    rows = tuple(
        (Cell(one.title), *(_shared(int(shared[i, j]), int(shared[i, i]), own=i == j) for j in range(len(some))))
        for i, one in enumerate(some)
    )
    columns = (Column(Text("客群", "Segment")), *(Column(one.title, number=True) for one in some))
    note = Text("对角线为各自人数；其余为两者共有的人数，及占本行客群的比例。", "On the diagonal each one's customers; elsewhere those of both, and their share of the row's.")  # fmt: skip
    return Table("overlaps", Text("重叠", "Overlaps"), columns, rows, note)


def _shared(count: int, of: int, *, own: bool) -> Cell:
    if own or not of:
        return Cell(say.count(count))
    return Cell(say.same(f"{count:,} · {100 * count / of:.0f}%"))


def map_of(console: Console, found: Sequence[SegmentVersion]) -> Picture | None:
    """Return segments by what they have and how close they are, as large as they are many; None where none is large enough."""
    catalogue = console.bank.catalogue
    if _ACROSS not in catalogue or _UP not in catalogue:
        return None
    people = console.people_now()
    bubbles = [one for segment in found[:_ON_MAP] if (one := _bubble(people, segment)) is not None]
    if not bubbles:
        return None
    far = max(bubbles, key=lambda one: one.x)
    alt = Text(
        f"{len(bubbles)} 个客群；户均资产最高的是{far.label.zh}（{say.money(far.x).zh}）。",
        f"{len(bubbles)} segments; the highest mean assets are those of {far.label.en} ({say.money(far.x).en}).",
    )
    note = Text(
        "圆的面积是人数；着色的是启用的。全行口径。",
        "Areas are customers; those in colour are active. Of the whole bank.",
    )
    chart = Map(tuple(bubbles), Text("户均资产", "Mean assets"), Text("户均关系分", "Mean relationship score"))
    return Picture("segment-map", Text("客群地图", "Map of segments"), alt, chart, note)


def _bubble(people: CustomersNow, segment: SegmentVersion) -> Bubble | None:
    mask = people.members(segment)
    size = int(mask.sum())
    if size < _MIN_CELL:
        return None
    across, up = (pc.mean(people.table[name].filter(mask)).as_py() for name in (_ACROSS, _UP))
    return None if across is None or up is None else Bubble(segment.title, across, up, size, segment.active)


def _figures(console: Console, one: SegmentVersion, visitor: Visitor) -> tuple[Figure, ...]:
    people, seen = console.people_now(), console.seen_by(visitor.principal)
    mine = people.within(seen)
    size = int((people.members(one) & mine).sum())
    share = size / int(mine.sum()) if mine.any() else 0.0
    return (
        Figure(Text("客户", "Customers"), say.count(size)),
        Figure(Text("占范围内客户", "Of the customers in scope"), say.percent(share)),
        Figure(Text("版本", "Version"), say.same(f"v{one.version}")),
        Figure(Text("状态", "State"), _state(one, set()).text),
    )


def _versions(every: Sequence[SegmentVersion]) -> Table:
    rows = tuple(
        (
            Cell(say.same(f"v{one.version}")),
            Cell(Text("聚类", "cluster") if one.cluster else say.same(one.expression)),
            _state(one, set()),
            Cell(say.same(f"{one.plan.title} · {one.plan.owner}") if one.plan else _NONE),
            Cell(say.same(one.made_by)),
            Cell(say.same(f"{one.made_at:%Y-%m-%d}")),
        )
        for one in every
    )
    columns = (
        Column(Text("版本", "Version")), Column(Text("条件", "Condition")), Column(Text("状态", "State")),
        Column(Text("方案", "Plan")), Column(Text("保存人", "Saved by")), Column(Text("日期", "Day")),
    )  # fmt: skip
    return Table("versions", TEXTS["versions"], columns, rows)


def groups_table(found: Sequence[SegmentVersion]) -> Table:
    """Return the active segments that one customer is in, each with what is done for it and who answers for that."""
    rows = tuple(
        (Cell(one.title, drill=f"segments/{one.name}"), Cell(say.same(one.plan.title)), Cell(say.same(one.plan.does)), Cell(say.same(one.plan.owner)))
        for one in found
        if one.plan is not None
    )  # fmt: skip
    columns = (
        Column(Text("客群", "Segment")), Column(Text("方案", "Plan")), Column(Text("做什么", "What is done")),
        Column(Text("负责", "Who answers for it")),
    )  # fmt: skip
    return Table("groups", Text("所属客群与方案", "Segments and their plans"), columns, rows)
