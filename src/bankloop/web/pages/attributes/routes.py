"""Attributes: the catalogue with owner, class, freshness and use; one of them with its definition, what it is made of and for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.customer.contracts import ADDED_UP, Attribute
from bankloop.customer.freshness import stale
from bankloop.customer.segment import segments
from bankloop.kit.expression import masked, parse
from bankloop.kit.text import Text
from bankloop.lake.inventory import fields_used
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone
from bankloop.web.pages.attributes.cards import ORIGINS
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

USED_DAYS = 30
_TABLES = ("customer", *ADDED_UP, "event")
_MIN_CELL = 10
_MOST_BARS = 12
_NONE = say.same("—")
Used = Mapping[str, Sequence[Text]]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/attributes")
    def listed(request: Request, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "segment.read")
        console = console_of(request)
        old, used = _stale(console), _uses(console, visitor)
        found = console.bank.catalogue.attributes
        answer = Text(
            f"{len(found)} 个标签，{len(used)} 个正被使用，{len(old)} 个数据过旧。",
            f"{len(found)} attributes, {len(used)} of them in use, {len(old)} on data too old.",
        )
        return page(
            request, "attributes.html", at="attributes", answer=answer, table=_catalogue(found.values(), old, used)
        )

    @app.get("/attributes/{name}")
    def one(request: Request, name: str, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "segment.read")
        console = console_of(request)
        found = console.bank.catalogue[name]
        old, uses = _stale(console), _uses(console, visitor).get(name, ())
        return page(
            request, "attribute.html", at="attributes", found=found, figures=_figures(console, found, old),
            definition=_definition(found), uses=uses, spread=None if found.confidential else _spread(console, found),
            made_of=[console.bank.catalogue[one] for one in sorted(found.reads)],
            makes=[one for one in console.bank.catalogue.attributes.values() if name in one.reads],
        )  # fmt: skip


def _stale(console: Console) -> Mapping[str, int]:
    versions = {table: console.bank.lake.manifest.current(table) for table in _TABLES}
    newest = {table: version.as_of for table, version in versions.items() if version is not None}
    return stale(console.bank.catalogue, newest, console.today)


def _uses(console: Console, visitor: Visitor) -> dict[str, list[Text]]:
    """Return who reads each attribute: campaigns, products, channels, segments; directly or by what is made of it."""
    spec = console.bank.spec
    asked: list[tuple[Text, str]] = []
    for campaign in spec.campaigns.values():
        title = campaign.title.text
        asked.append((Text(f"战役：{title.zh}", f"campaign: {title.en}"), campaign.audience))
    for product in spec.products.values():
        title = product.title.text
        asked += [(Text(f"产品：{title.zh}", f"product: {title.en}"), product.eligible)] if product.eligible else []
    for channel in spec.policies.channels.values():
        title = channel.title.text
        asked.append((Text(f"渠道：{title.zh}", f"channel: {title.en}"), channel.open_to))
    with console.bank.store.begin(visitor.principal) as connection:
        kept = segments(connection)
    for one in kept:
        asked.append((Text(f"客群：{one.title.zh}", f"segment: {one.title.en}"), one.expression))
    return _by_attribute(console, asked)


def _by_attribute(console: Console, asked: Iterable[tuple[Text, str]]) -> dict[str, list[Text]]:
    catalogue, found = console.bank.catalogue, dict[str, list[Text]]()
    for who, text in asked:
        names = [name for name in parse(masked(text), catalogue.types).names if name in catalogue] if text else []
        for name in catalogue.closure(names):
            found.setdefault(name, []).append(who)
    return found


def _catalogue(found: Iterable[Attribute], old: Mapping[str, int], used: Used) -> Table:
    rows = tuple(
        (
            Cell(one.label, drill=f"attributes/{one.name}"), Cell(say.same(one.name)), Cell(ORIGINS[one.kind.value]),
            Cell(say.same(one.type)), Cell(say.same(one.owner)),
            Cell(say.same(one.data_class.value), Tone.WARN if one.data_class.value == "C2" else Tone.PLAIN, tag=True),
            _fresh(one, old), Cell(say.count(len(used.get(one.name, ())))),
        )
        for one in found
    )  # fmt: skip
    columns = (
        Column(Text("标签", "Attribute")), Column(Text("名称", "Name")), Column(Text("来源", "From")), Column(Text("类型", "Type")),
        Column(Text("负责", "Owner")), Column(Text("分级", "Class")), Column(Text("新鲜", "Fresh")),
        Column(Text("被用", "Used by"), number=True),
    )  # fmt: skip
    note = Text("“被用”数战役、产品、渠道和客群，含由它算出的标签。", "“Used by” counts campaigns, products, channels and segments, also by what is made of it.")  # fmt: skip
    return Table("attributes", Text("标签目录", "Catalogue"), columns, rows, note)


def _fresh(one: Attribute, old: Mapping[str, int]) -> Cell:
    if one.name not in old:
        return Cell(Text(f"{one.freshness} 天内", f"within {one.freshness} d"), Tone.GOOD, tag=True)
    age = old[one.name]
    return Cell(
        Text("没有数据", "no data") if age > 9_000 else Text(f"已 {age} 天", f"{age} d old"), Tone.WARN, tag=True
    )


def _figures(console: Console, one: Attribute, old: Mapping[str, int]) -> tuple[Figure, ...]:
    used = fields_used(console.bank.store, console.bank.clock.now() - timedelta(days=USED_DAYS))
    times, people = used.get(one.name, (0, 0))
    secret = Text("，保密", ", confidential") if one.confidential else Text("", "")
    return (
        Figure(Text("类型", "Type"), say.same(one.type), ORIGINS[one.kind.value]),
        Figure(Text("负责", "Owner"), say.same(one.owner)),
        Figure(Text("分级", "Class"), Text(one.data_class.value + secret.zh, one.data_class.value + secret.en)),
        Figure(Text("新鲜", "Fresh"), _fresh(one, old).text),
        Figure(Text(f"{USED_DAYS} 天内看过明文", f"Seen plain in {USED_DAYS} days"), Text(f"{people} 人 {times} 次", f"{people} people, {times} times")),
    )  # fmt: skip


def _definition(one: Attribute) -> str:
    """Return what computes it, as its file says it."""
    body: Any = one.source[one.kind.value]
    said = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"{one.kind.value}: {said}"


def _spread(console: Console, one: Attribute) -> Picture | None:
    """Return how the bank's customers spread over the values; small groups are pooled, so that nobody is told of."""
    column = console.people_now().table[one.name]
    total = len(column)
    if not total:
        return None
    groups = _groups(column, one)
    shown = [(label, count) for label, count in groups if count >= _MIN_CELL]
    rest = total - sum(count for _, count in shown)
    if rest >= _MIN_CELL:
        shown.append((Text("其他或不知道", "other, or not known"), rest))
    bars = tuple(Bar(label, count / total, say.percent(count / total)) for label, count in shown)
    if not bars:
        return None
    alt = Text(
        "；".join(f"{bar.label.zh} {bar.said.zh}" for bar in bars),
        "; ".join(f"{bar.label.en} {bar.said.en}" for bar in bars),
    )
    return Picture("spread", Text("全行客户的分布", "How the bank's customers spread"), alt, Bars(bars))


def _groups(column: Any, one: Attribute) -> list[tuple[Text, int]]:
    counts = pc.value_counts(column.drop_null()).to_pylist()
    if len(counts) <= _MOST_BARS or str(one.type) in ("string", "bool", "date"):
        most = sorted(counts, key=lambda pair: -pair["counts"])[:_MOST_BARS]
        return [(_word(one, pair["values"]), pair["counts"]) for pair in most]
    values = column.drop_null().to_numpy()
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, 7)).astype(np.int64))
    placed = np.clip(np.searchsorted(cuts, values, side="right") - 1, 0, len(cuts) - 2)
    sizes = np.bincount(placed, minlength=len(cuts) - 1)
    return [(_between(one, int(cuts[i]), int(cuts[i + 1])), int(n)) for i, n in enumerate(sizes)]


def _between(one: Attribute, low: int, high: int) -> Text:
    first, last = _word(one, low), _word(one, high)
    return Text(f"{first.zh} 至 {last.zh}", f"{first.en} to {last.en}")


def _word(one: Attribute, value: Any) -> Text:
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if str(one.type) == "money":
        return say.money(value)
    return say.same(f"{value / 1_000_000:.2f}") if str(one.type) == "score" else say.same(value)
