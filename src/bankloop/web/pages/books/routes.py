"""Programme, plays, trace, a reading cut further, and files of what pages say: each is a book, shown or taken away."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Language, Text
from bankloop.loop import run as loop
from bankloop.loop.round.reading import cut_by, within
from bankloop.loop.round.trace import trace
from bankloop.organization.rights import require
from bankloop.organization.task import Performance
from bankloop.performance.cohorts import acquisition, execution, retention
from bankloop.performance.growth import programme_growth, programmes_of
from bankloop.performance.plays import play_records, values_of
from bankloop.performance.scorecard import metrics_of, scorecard
from bankloop.report.details import group_table
from bankloop.report.plays import acquisition_table, execution_table, metrics_book, plays_book, trace_book
from bankloop.report.programmes import programme_book
from bankloop.report.results import results_book
from bankloop.store.contracts import Principal
from bankloop.view.book import Book, book_html, book_plain, write_workbook
from bankloop.view.figures import Table
from bankloop.view.format import masked_number
from bankloop.web.pages.results.page import results_view, rounds_of
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console, known
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, language, page
from bankloop.web.shell.texts import WORDS
from bankloop.web.shell.words import MORE_WORDS

_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# A reading is always cut by these; managers and sub-branches are hundreds and are asked for.
CUTS: Mapping[str, Text] = {
    "branch": Text("分行", "Branch"),
    "sub_branch": Text("支行", "Sub-branch"),
    "manager": Text("客户经理", "Manager"),
    "channel": Text("渠道", "Channel"),
    "script": Text("话术", "Script"),
    "tier": Text("层级", "Tier"),
}
KINDS = ("xlsx", "html", "json")


def add_books(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/programme")
    def programme_page(
        request: Request, visitor: Here, name: str | None = None, metric: str | None = None
    ) -> HTMLResponse:
        require(visitor.principal, "round.read")
        console = console_of(request)
        programmes = programmes_of(console.bank)
        if not programmes or not console.stored_plans():
            return _empty(request, "programme", "no_programme")
        chosen = name or next(iter(programmes))
        found = programme_of(console, chosen, metric)
        links = [(one.title.text, f"/programme?name={key}", key == chosen) for key, one in programmes.items()]
        return _shown(request, "programme", found, links if len(links) > 1 else [], f"programme?name={chosen}")

    @app.get("/plays")
    def plays_page(
        request: Request,
        visitor: Here,
        customer: str = "",
        product: str = "",
        journey: str = "",
        scene: str = "",
    ) -> HTMLResponse:
        require(visitor.principal, "round.read")
        console = console_of(request)
        asked = {"customer": customer, "product": product, "journey": journey, "scene": scene}
        book = plays_of(console, visitor.principal, [(key, words) for key, words in asked.items() if words.strip()])
        if not book.tables[0].rows and not any(asked.values()):
            return _empty(request, "plays", "no_plays")
        return page(
            request, "book.html", at="plays", page=book, links=[], files=_files("plays"), asked=asked, ask="plays"
        )

    @app.get("/trace")
    def trace_page(request: Request, visitor: Here, id_: Annotated[str, Query(alias="id")] = "") -> HTMLResponse:
        require(visitor.principal, "decision.read")
        require(visitor.principal, "customer.list")
        if not id_.strip():
            empty = Book("trace", MORE_WORDS["trace"], MORE_WORDS["trace_lead"])
            return page(request, "book.html", at="trace", page=empty, links=[], files=[], asked={"id": ""}, ask="trace")
        # Under the reader's own principal: whose customer it is not learns nothing of it.
        found = trace(console_of(request).bank, visitor.principal, id_[:128])
        book = trace_book(found, masked_number)
        return page(request, "book.html", at="trace", page=book, links=[], files=[], asked={"id": id_}, ask="trace")

    @app.get("/results/{campaign}/{rounds}/by/{dimension}")
    def cut_page(request: Request, campaign: str, rounds: str, dimension: str, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "round.read")
        console = console_of(request)
        book = cut_of(console, visitor.principal, campaign, rounds_of(rounds), dimension)
        here = f"/results/{campaign}/{rounds}/by/"
        links = [(title, f"{here}{key}", key == dimension) for key, title in CUTS.items()]
        return page(
            request, "book.html", at="results", page=book, links=links, files=[], asked={}, ask="", back="/results"
        )

    @app.get("/save/{what}.{kind}")
    def export(request: Request, what: str, kind: str, visitor: Here, name: str | None = None) -> Response:
        require(visitor.principal, "round.read")
        book = book_of(console_of(request), visitor.principal, what, name)
        return taken(book, known({one: one for one in KINDS}, "kind", kind), language(request))


def book_of(console: Console, principal: Principal, what: str, name: str | None = None) -> Book:
    """Return what a file is asked for, as its reader sees it on the page: results, programme, metrics or plays; raise ``NotFoundError`` for anything else."""
    match what:
        case "results":
            view = results_view(console, principal)
            if view is None:
                raise NotFoundError("save.no_readings", WORDS["no_results"])
            return results_book(view)
        case "programme":
            return programme_of(console, name or next(iter(programmes_of(console.bank)), ""), None)
        case "metrics":
            day, bank = newest_day(console), console.bank
            numbers = console.scores.get((day, "bank"), lambda: scorecard(bank, day))
            kept, came = retention(bank, day), acquisition(bank, day)
            return metrics_book(numbers, metrics_of(bank), day, kept, came, _executed(console, principal, day))
        case "plays":
            return plays_of(console, principal, [])
        case _:
            raise errors.no_choice("what", what, "results, programme, metrics, plays")


def programme_of(console: Console, name: str, metric: str | None) -> Book:
    """Return a programme's book, read again when a day passed or another window ran."""
    day, plans = newest_day(console), tuple(str(plan.plan_id) for plan in console.stored_plans())

    def make() -> Book:
        found = programme_growth(console.bank, console.principal, name, day, metric)
        readings = [one for one in console.latest_readings() if one.campaign in found.spec.campaigns]
        return programme_book(found, readings, console.titles(), console.programme())

    return console.scores.get(("programme", name, metric, day, plans), make)


def plays_of(console: Console, principal: Principal, filters: Sequence[tuple[str, str]]) -> Book:
    """Return the library of plays, filtered; what they earned by branch is of the reader's own."""
    places, every = console.places_of(principal), play_records(console.bank, console.principal, filters)
    found = [replace(one, readings=tuple(within(reading, places) for reading in one.readings)) for one in every]
    return plays_book(found, lambda play, one: values_of(console.bank, play, one), console.titles(), filters)


def cut_of(console: Console, principal: Principal, campaign: str, rounds: Sequence[int], dimension: str) -> Book:
    """Return a campaign's rounds cut by one dimension, down to the sub-branches and managers whom the reader sees."""
    titles = console.titles()
    if campaign not in titles:
        raise errors.no_campaign(campaign)
    title = known(dict(CUTS), "by", dimension)
    key = ("cut", campaign, tuple(rounds), dimension, console.today)
    cuts = console.readings.get(key, lambda: cut_by(console.bank, console.principal, campaign, rounds, dimension))
    reading = loop.evaluate(console.bank, console.principal, campaign, rounds, keep=False)
    shown = within(replace(reading, cuts=cuts, differs={}), console.places_of(principal))
    table = group_table(shown, [dimension], titles[campaign])
    which = ", ".join(str(one) for one in rounds)
    named = Text(
        f"{titles[campaign].zh} · 第 {which} 轮 · 按{title.zh}",
        f"{titles[campaign].en} · round {which} · by {title.en.lower()}",
    )
    return Book("cut", named, Text(f"{reading.sentence.zh}。", f"{reading.sentence.en}."), (), (), (table,))


def operating_tables(console: Console, principal: Principal, day: date) -> tuple[Table, ...]:
    """Return what stands below the metrics: acquisition cost by source, execution of the reader's units' tasks."""
    bank = console.bank
    found = console.scores.get(
        ("operating", day),
        lambda: (acquisition_table(acquisition(bank, day)),),
    )
    every = (*found, execution_table(_executed(console, principal, day)))
    return tuple(one for one in every if one.rows)


def _executed(console: Console, principal: Principal, day: date) -> list[Performance]:
    """Return how tasks were done by the units whose figures somebody may read."""
    places = console.places_of(principal)
    every = console.scores.get(("execution", day), lambda: execution(console.bank, day))
    return [one for one in every if places.shows("sub_branch", one.who, one.instructed)]


def newest_day(console: Console) -> date:
    """Return the newest day that the lake knows."""
    versions = console.bank.lake.manifest.versions("customer")
    return min(console.today, max((one.as_of for one in versions), default=console.today))


def taken(book: Book, kind: str, speaks: Language) -> Response:
    """Return a book as a file."""
    if kind == "json":
        return JSONResponse(book_plain(book))
    if kind == "html":
        return HTMLResponse(book_html(book, speaks), headers={"content-security-policy": _ALONE})
    with tempfile.TemporaryDirectory(prefix="bankloop-export-") as room:
        content = write_workbook(book, Path(room) / "book.xlsx", speaks).read_bytes()
    return Response(
        content, media_type=_SHEET, headers={"content-disposition": f'attachment; filename="{book.name}.xlsx"'}
    )


def _files(what: str, **more: str) -> list[tuple[str, str]]:
    asked = f"?{urlencode(more)}" if more else ""
    return [(kind, f"/save/{what}.{kind}{asked}") for kind in KINDS]


def _shown(request: Request, at: str, book: Book, links: list[tuple[Text, str, bool]], what: str) -> HTMLResponse:
    name, _, query = what.partition("?name=")
    files = _files(name, name=query) if query else _files(name)
    return page(request, "book.html", at=at, page=book, links=links, files=files, asked={}, ask="")


def _empty(request: Request, at: str, word: str) -> HTMLResponse:
    return page(request, "empty.html", at=at, title=MORE_WORDS[at], say_first=MORE_WORDS[word])


__all__ = ["add_books", "operating_tables"]
