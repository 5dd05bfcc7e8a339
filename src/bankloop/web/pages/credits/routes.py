"""Scorecards of people, the evidence behind each, and the form that records a joint sale."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import read_amount, read_day
from bankloop.organization.rights import require
from bankloop.performance.credit import read_shares, record_deal
from bankloop.web.pages.credits.page import credits_page, evidence_page
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

# Two share most joint sales, three is the most that one form takes.
_PLACES = ("1", "2", "3")


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/credits")
    def cards(request: Request, visitor: Here) -> Response:
        return _cards(request, visitor)

    @app.get("/credits/{staff_id}")
    def evidence(request: Request, staff_id: str, visitor: Here) -> Response:
        require(visitor.principal, "credit.read")
        found = evidence_page(console_of(request), visitor.principal, staff_id)
        return page(request, "credits.html", at="credits", page=found, places=_PLACES, given={}, error=None)

    @app.post("/credits/record")
    def record(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "credit.record")
        try:
            shares = read_shares(
                {
                    form[f"staff-{n}"].strip(): (form.get(f"line-{n}", ""), form.get(f"share-{n}", ""))
                    for n in _PLACES
                    if form.get(f"staff-{n}", "").strip()
                }
            )
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                record_deal(
                    connection, form.get("key", "")[:64], form.get("customer", "")[:64], form.get("unit", "")[:64],
                    form.get("what", "")[:64], read_amount(form.get("amount", "")),
                    read_day(form.get("day", "")), shares,
                )  # fmt: skip
        except BankloopError as error:
            return _cards(request, visitor, form, error)
        return RedirectResponse("/credits", 303)


def _cards(
    request: Request, visitor: Visitor, form: Mapping[str, str] | None = None, error: BankloopError | None = None
) -> Response:
    require(visitor.principal, "credit.read")
    found = credits_page(console_of(request), visitor.principal)
    status = error.http_status if error else 200
    return page(
        request, "credits.html", status, at="credits", page=found, places=_PLACES, given=form or {}, error=error
    )
