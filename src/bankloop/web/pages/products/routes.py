"""The shelf's pages: what is offered where, how products do, who holds what; a change is asked for, and another approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import read_moment
from bankloop.kit.text import Text
from bankloop.loop.offering import assortment
from bankloop.loop.offering.assortment import due_reviews
from bankloop.loop.offering.migration import migration_list
from bankloop.loop.offering.shelf import granted_notices, known_product, read_change, shelf_of, submit_change
from bankloop.loop.product import Notice
from bankloop.loop.spec import Policies, Risk
from bankloop.organization.rights import require
from bankloop.report.shelf import (
    PRODUCT_CLASSES,
    PRODUCT_LINES,
    gaps_picture,
    matrix_table,
    migration_table,
    offered_in_words,
    products_table,
    review_table,
    shelf_table,
)
from bankloop.report.solutions import solutions_table
from bankloop.store.shelf import read_reviews
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/products")
    def listed(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "product.read")
        return _list_page(request, visitor)

    @app.get("/products/{key}")
    def one(request: Request, key: str, visitor: Here) -> Response:
        require(visitor.principal, "product.read")
        return _product_page(request, visitor, key)

    @app.post("/products/{key}/change")
    def change(request: Request, key: str, form: Form, visitor: Acting) -> Response:
        bank = console_of(request).bank
        try:
            asked = read_change(key, _fields(form, bank.spec.policies, bank.lake.zone))
            approval = submit_change(bank, visitor.principal, asked, form.get("reason", ""))
        except BankloopError as error:
            return _product_page(request, visitor, key, error, form)
        return RedirectResponse(f"/approvals/{approval}", 303)

    @app.post("/products/reviews/{review_id}/conclude")
    def conclude(request: Request, review_id: UUID, form: Form, visitor: Acting) -> Response:
        assortment.conclude(console_of(request).bank, visitor.principal, review_id, form.get("outcome", "").strip())
        return RedirectResponse("/products#reviews", 303)


def _list_page(request: Request, visitor: Visitor) -> Response:
    console = console_of(request)
    spec = console.bank.spec
    with console.bank.store.begin(visitor.principal) as connection:
        shelf, reviews = shelf_of(connection), read_reviews(connection)
    cards, matrix = _measured(console)
    moving = migration_list(shelf.all_of(spec.products.values()), cards, console.today)
    due = due_reviews(cards, spec.policies) if cards else ()
    titles = {key: product.title.text for key, product in spec.products.items()}
    return page(
        request, "products.html", at="products", answer=_answer(console, shelf.notices, len(due)),
        figures=_figures(console, len(shelf.notices), sum(one.closed_at is None for one in reviews)),
        picture=gaps_picture(matrix, spec.policies) if matrix else None,
        shelf=shelf_table(tuple(spec.products.values()), shelf, spec.policies),
        cards=products_table(cards, titles, due) if cards else None,
        solutions=solutions_table(spec) if spec.solutions else None,
        matrix=matrix_table(matrix, spec.policies) if matrix else None,
        migration=migration_table(moving) if moving else None,
        reviews=review_table(reviews, titles) if reviews else None,
        waiting=[(one, titles.get(one.product, say.same(one.product))) for one in reviews if one.closed_at is None],
    )  # fmt: skip


def _measured(console: Console) -> tuple[tuple[assortment.Scorecard, ...], tuple[assortment.Penetration, ...]]:
    """Return scorecards and matrix, counted once a day and version of the lake; nothing before the first load."""
    versions = console.bank.lake.current_versions()
    if "holding" not in versions or "customer" not in versions:
        return (), ()
    key = ("shelf", console.today, *sorted(versions.items()), *console.bank.spec.products)
    return console.scores.get(
        key, lambda: (assortment.scorecards(console.bank), assortment.product_matrix(console.bank))
    )


def _answer(console: Console, notices: Mapping[str, Notice], due: int) -> Text:
    products = console.bank.spec.products.values()
    off = sum(not notices[one.key].available.on for one in products if one.key in notices)
    off += sum(not one.available.on for one in products if one.key not in notices)
    return Text(
        f"货架上有 {len(products)} 个产品，{off} 个已下架；{due} 项指标超出复核限值。",
        f"{len(products)} products, {off} of them off the shelf; {due} figures are beyond the limits of review.",
    )


def _figures(console: Console, noticed: int, open_reviews: int) -> tuple[Figure, ...]:
    products = list(console.bank.spec.products.values())
    lines = len({one.line for one in products})
    return (
        Figure(Text("产品", "Products"), say.count(len(products)), Text(f"{lines} 条业务线", f"{lines} lines of business")),
        Figure(Text("组合", "Bundles"), say.count(sum(bool(one.legs) for one in products)), Text("风险取最高一腿", "risk of the highest leg")),
        Figure(Text("方案包", "Solutions"), say.count(len(console.bank.spec.solutions)), Text("按客群、有版本", "by segment, versioned")),
        Figure(Text("生效中的变更", "Changes in force"), say.count(noticed)),
        Figure(Text("待复核", "Open reviews"), say.count(open_reviews)),
    )  # fmt: skip


def _product_page(
    request: Request,
    visitor: Visitor,
    key: str,
    error: BankloopError | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    console = console_of(request)
    written, policies = known_product(console.bank, key), console.bank.spec.policies
    with console.bank.store.begin(visitor.principal) as connection:
        shelf = shelf_of(connection)
        notices = [one for one in granted_notices(connection) if one.product == key]
    now = {one.key: one for one in shelf.all_of(console.bank.spec.products.values())}[key]
    cards = [one for one in _measured(console)[0] if one.product == key]
    titles = {key: written.title.text}
    legs = [console.bank.spec.products[leg] for leg in written.legs]
    return page(
        request, "product.html", error.http_status if error else 200, at="products", product=now, error=error,
        offered=offered_in_words(now.available, policies), line=PRODUCT_LINES[now.line], kind=PRODUCT_CLASSES[now.product_class],
        card=products_table(cards, titles, due_reviews(cards, policies)) if cards else None,
        legs=shelf_table(legs, shelf, policies) if legs else None, notices=_notices(notices, policies, console.bank.lake.zone),
        channels={name: one.title.text for name, one in policies.channels.items()},
        segments={name: one.title.text for name, one in policies.segments.items()},
        risks=[one.value for one in Risk], form=dict(form or {}),
    )  # fmt: skip


def _notices(found: list[Notice], policies: Policies, zone: str) -> Table | None:
    if not found:
        return None
    rows = tuple(
        (
            Cell(say.same(one.since.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M"))),
            Cell(Text("在架", "on") if one.available.on else Text("下架", "off")),
            Cell(offered_in_words(one.available, policies)),
            Cell(say.same("—") if one.risk is None else say.same(f"{one.risk.issuer} / {one.risk.seller}")),
            Cell(say.same(one.made_by)),
        )
        for one in reversed(found)
    )
    columns = (
        Column(Text("生效", "In force from")),
        Column(Text("在架", "On the shelf")),
        Column(Text("提供范围", "Offered")),
        Column(Text("评级（发行 / 销售）", "Rating (issuer / seller)")),
        Column(Text("经办", "Maker")),
    )
    return Table("notices", Text("货架变更", "Changes of the shelf"), columns, rows)


def _fields(form: Mapping[str, str], policies: Policies, zone: str) -> dict[str, Any]:
    """Return a change's plain values from the form: what is all ticked is no restriction."""

    def ticked(kind: str, known: Mapping[str, object]) -> list[str] | None:
        chosen = [name for name in known if form.get(f"{kind}:{name}")]
        return None if len(chosen) == len(known) or f"{kind}:any" in form else chosen

    branches = [one.strip() for one in form.get("branches", "").replace("，", ",").split(",") if one.strip()]
    moment = form.get("effective_at", "")
    begins = read_moment(moment, ZoneInfo(zone)) if moment else None
    return {
        "on": form.get("on", "yes") == "yes",
        "branches": branches or None,
        "segments": ticked("segment", policies.segments),
        "channels": ticked("channel", policies.channels),
        "issuer": form.get("issuer") or None,
        "seller": form.get("seller") or form.get("issuer") or None,
        "effective_at": begins,
    }
