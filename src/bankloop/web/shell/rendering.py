"""Pages made of templates: language, who is there, what the menu may offer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse

from bankloop.kit.text import Language, Text
from bankloop.organization.rights import ROLES
from bankloop.web.shell.badges import badges_of
from bankloop.web.shell.console import Console
from bankloop.web.shell.front_words import FRONT_WORDS
from bankloop.web.shell.lead_words import LEAD_WORDS
from bankloop.web.shell.texts import WORDS
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may, may_open, read_by
from bankloop.web.shell.words import MORE_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment

COOKIE = "language"
# By what it is for: address, word, current marker.
MENU: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "menu_day": (
        ("/", "home", "home"),
        ("/workbench", "work", "work"),
        ("/board", "board", "board"),
        ("/daily", "daily", "daily"),
        ("/warroom", "warroom", "warroom"),
        ("/escalations", "escalations", "escalations"),
        ("/tasks", "tasks", "tasks"),
        ("/targets", "targets", "targets"),
        ("/credits", "credits", "credits"),
    ),
    "menu_customers": (
        ("/customers", "customers", "customers"),
        ("/book", "book", "book"),
        ("/maturities", "maturities", "maturities"),
        ("/falls", "falls", "falls"),
        ("/remote", "remote", "remote"),
        ("/collaboration", "collaboration", "collaboration"),
        ("/lists", "lists", "lists"),
        ("/audiences", "audiences", "audiences"),
        ("/attributes", "attributes", "attributes"),
        ("/tiers", "tiers", "tiers"),
        ("/points", "points", "points"),
        ("/codes", "codes", "codes"),
    ),
    "menu_loop": (
        ("/rounds", "rounds", "rounds"),
        ("/calendar", "calendar", "calendar"),
        ("/products", "products", "products"),
        ("/models", "models", "models"),
        ("/plan", "plan", "plan"),
        ("/slots", "slots", "slots"),
        ("/channels", "channels", "channels"),
        ("/benefits", "benefits", "benefits"),
        ("/results", "results", "results"),
        ("/programme", "programme", "programme"),
        ("/scorecard", "scorecard", "scorecard"),
        ("/journeys", "journeys", "journeys"),
        ("/triggers", "triggers", "triggers"),
        ("/plays", "plays", "plays"),
        ("/trace", "trace", "trace"),
        ("/approvals", "approvals", "approvals"),
    ),
    "menu_keep": (
        ("/bring", "bring", "bring"),
        ("/data", "data", "data"),
        ("/events", "events", "events"),
        ("/merges", "merges", "merges"),
        ("/agreements", "agreements", "agreements"),
        ("/people", "people", "people"),
        ("/rights", "rights", "rights"),
        ("/audit", "audit", "audit"),
        ("/holds", "holds", "holds"),
    ),
}


def console_of(request: Request) -> Console:
    """Return the open bank's console."""
    console: Console = request.app.state.console
    return console


def language(request: Request) -> Language:
    """Return the language that the person chose."""
    wanted = request.cookies.get(COOKIE)
    return Language(wanted) if wanted in set(Language) else Language.ZH


def _menu(visitor: Visitor | None) -> dict[str, list[tuple[str, str, str]]]:
    """Return what the menu offers somebody, by what it is for; a heading with nothing under it is left out."""
    offered = {group: [one for one in entries if may_open(visitor, one[0])] for group, entries in MENU.items()}
    return {group: entries for group, entries in offered.items() if entries}


def page(request: Request, template: str, status: int = 200, at: str = "", **values: Any) -> HTMLResponse:
    """Return a page; who is there was put on the request by whoever let them in."""
    pages: Environment = request.app.state.pages
    lang, visitor = language(request), getattr(request.state, "visitor", None)
    here = quote(request.url.path, safe="/:-_.~") + (f"?{request.url.query}" if request.url.query else "")
    console: Console | None = getattr(request.app.state, "console", None)
    listed = console is not None and status < 500 and may(visitor, "campaign.read")
    values = dict(
        status=status, lang=lang, other=Language.EN if lang is Language.ZH else Language.ZH, at=at,
        here=here if request.method == "GET" else "/", words={**WORDS, **MORE_WORDS, **LEAD_WORDS, **FRONT_WORDS},
        bank=console.title if console else Text("bankloop", "bankloop"),
        campaigns=console.titles() if console and listed else {},
        has_report=report_file(console.folder).exists() if console and listed else False,
        menu=_menu(visitor), visitor=visitor,
        badges=badges_of(console, visitor.principal) if console and visitor and status < 500 else {},
        roles=ROLES, may=lambda permission: may(visitor, permission),
        demo=request.app.state.settings.demo if console else False, **values,
    )  # fmt: skip
    with read_by(visitor):
        body = pages.get_template(template).render(values)
    return HTMLResponse(body, status)


def report_file(folder: Path) -> Path:
    """Return where a demo leaves its report."""
    return folder / "data" / "reports" / "demo.html"
