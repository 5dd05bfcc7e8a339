"""Audiences: an expression written with completion, counted as it is written, its waterfall and a masked sample; saved as a version."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bankloop.customer.segment import Completion, complete, save_segment
from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.text import Text
from bankloop.loop.membership.members import Look
from bankloop.organization.rights import require
from bankloop.report.plan import waterfall_picture
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Picture, StepKind, Table, WaterfallStep
from bankloop.web.pages.audiences.clustering import keep, learn
from bankloop.web.pages.audiences.segments import map_of, overlap_table, segments_table
from bankloop.web.pages.audiences.words import SCRIPT, TEXTS
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.guard import POLICY
from bankloop.web.shell.rendering import console_of, language, page
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

_LONGEST = 4_000
# The one page with a script of its own; it asks this console only, and everything on it works without.
_POLICY = f"{POLICY}; script-src 'self'; connect-src 'self'"
_HIDDEN = "***"
Asked = Annotated[str, Query(max_length=_LONGEST)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/audiences")
    def audiences(
        request: Request, visitor: Here, expression: Asked = "", help_: Annotated[str, Query(alias="help")] = ""
    ) -> Response:
        require(visitor.principal, "segment.read")
        return _page(request, visitor, expression, help_=bool(help_))

    @app.get("/audiences/look")
    def look(request: Request, visitor: Here, expression: Asked = "") -> HTMLResponse:
        require(visitor.principal, "segment.read")
        return page(request, "look.html", texts=TEXTS, **_looked(console_of(request), visitor, expression))

    @app.get("/audiences/complete")
    def completed(request: Request, visitor: Here, text: Asked = "") -> JSONResponse:
        require(visitor.principal, "segment.read")
        lang, found = language(request), complete(text, console_of(request).bank.catalogue)
        words = [{"word": s.word, "title": s.title.say(lang), "type": s.type} for s in found.suggestions]
        return JSONResponse({"before": len(found.before), "words": words})

    @app.get("/audiences.js")
    def script() -> Response:
        return Response(SCRIPT.read_text(encoding="utf-8"), media_type="text/javascript")

    @app.post("/audiences/save")
    def save(request: Request, form: Form, visitor: Acting) -> Response:
        bank, name = console_of(request).bank, form.get("name", "").strip()
        title = Text(form.get("title_zh", "")[:80], form.get("title_en", "")[:80])
        try:
            with bank.store.begin(visitor.principal) as connection:
                save_segment(connection, bank.catalogue, name, title, form.get("expression", "")[:_LONGEST])
        except BankloopError as error:
            return _page(request, visitor, form.get("expression", "")[:_LONGEST], error=error, form=form)
        return RedirectResponse(f"/segments/{name}", 303)

    @app.post("/audiences/cluster")
    def cluster(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "segment.cluster")
        try:
            _cluster(console_of(request), visitor, form)
        except BankloopError as error:
            return _page(request, visitor, "", error=error, form=form)
        return RedirectResponse("/audiences#segments", 303)


def _cluster(console: Console, visitor: Visitor, form: dict[str, str]) -> None:
    try:
        count = int(form.get("count", ""))
    except ValueError:
        raise InputError("segment.count", Text("类数应为整数", "the number of clusters is a whole number")) from None
    names = [name for name in console.bank.catalogue.attributes if form.get(f"by-{name}")]
    learned = learn(console, names, count)
    with console.bank.store.begin(visitor.principal) as connection:
        keep(connection, console, form.get("name", "").strip()[:40], learned)


def _page(
    request: Request,
    visitor: Visitor,
    expression: str,
    *,
    help_: bool = False,
    error: BankloopError | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    console = console_of(request)
    catalogue = console.bank.catalogue
    table, parted = segments_table(console, visitor)
    answer = page(
        request, "audiences.html", error.http_status if error else 200, at="audiences", texts=TEXTS, error=error, form={"name": "", "title_zh": "", "title_en": "", **(form or {})},
        segments=table, map=map_of(console, parted), overlaps=overlap_table(console, parted, visitor),
        next_words=_next_words(complete(expression, catalogue)) if help_ else None,
        features=[one for one in catalogue.attributes.values() if _is_feature(one)],
        **_looked(console, visitor, expression),
    )  # fmt: skip
    answer.headers["content-security-policy"] = _POLICY
    return answer


def _is_feature(one: Any) -> bool:
    return not one.confidential and one.name in _FEATURES


# What people are grouped by in practice: what they have, how long they stay, what they do.
_FEATURES = ("age", "tenure_days", "aum", "deposits", "wealth_balance", "products_held", "relationship_score", "login_days_30d", "payroll", "score_interaction", "score_network")  # fmt: skip


def _looked(console: Console, visitor: Visitor, expression: str) -> dict[str, Any]:
    """Return what an expression comes to for who asks: figures, waterfall, sample; or what is wrong with it."""
    found: dict[str, Any] = {
        "expression": expression,
        "figures": (),
        "falls": None,
        "sample": None,
        "wrong": None,
        "warnings": (),
    }
    if not expression.strip():
        return found
    try:
        shows = may(visitor, "customer.list")
        looked = console.look(visitor.principal, expression, sample=shows)
    except BankloopError as error:
        return {**found, "wrong": error}
    found["warnings"] = looked.warnings
    if looked.fewer_than:
        return {**found, "figures": _few(looked)}
    sample = _sample(console, looked) if shows else None
    return {**found, "figures": _figures(looked), "falls": _falls(looked), "sample": sample}


def _few(found: Look) -> tuple[Figure, ...]:
    few = Text(f"少于 {found.fewer_than} 人", f"fewer than {found.fewer_than}")
    note = Text("人数太少，不再细分。", "Too few to tell more.")
    return (Figure(Text("命中", "Meet the condition"), few, note),)


def _figures(found: Look) -> tuple[Figure, ...]:
    share = found.hit / found.everybody if found.everybody else 0.0
    return (
        Figure(Text("可用", "May be reached"), say.count(found.usable)),
        Figure(Text("命中", "Meet the condition"), say.count(found.hit)),
        Figure(Text("排除", "Left out"), say.count(found.hit - found.usable)),
        Figure(Text("占范围内客户", "Of the customers in scope"), say.percent(share), Text(f"共 {found.everybody:,}", f"{found.everybody:,} in all")),
    )  # fmt: skip


def _falls(found: Look) -> Picture:
    steps = (
        WaterfallStep(Text("命中", "Meet it"), found.hit, StepKind.START),
        *(WaterfallStep(fall.title, fall.count) for fall in found.falls),
        WaterfallStep(Text("可用", "Usable"), found.usable, StepKind.END),
    )
    return waterfall_picture("audience", Text("这个客群", "this audience"), steps)


def _sample(console: Console, found: Look) -> Table:
    catalogue = console.bank.catalogue
    rows = tuple(
        (Cell(say.same(masked(number))), *(Cell(_said(value)) for value in values)) for number, values in found.sample
    )
    titles = [catalogue[name].label for name in found.columns]
    columns = (Column(Text("客户", "Customer")), *(Column(title) for title in titles))
    note = Text("个人信息（C2）一律遮盖；按全行均匀抽取。", "What describes a person (C2) is masked; spread evenly over the bank.")  # fmt: skip
    return Table("sample", Text("样例", "Sample"), columns, rows, note)


def _said(value: Any) -> Text:
    if isinstance(value, bool):
        return Text("是" if value else "否", "yes" if value else "no")
    return say.same(_HIDDEN if value is None else value)


def _next_words(found: Completion) -> list[tuple[str, str, Text]]:
    """Return each word that the expression may go on with, the address that takes it, and what it means."""
    return [
        (one.word, "/audiences?" + urlencode({"expression": found.before + one.word + " "}), one.title)
        for one in found.suggestions
    ]
