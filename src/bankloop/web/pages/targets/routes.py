"""Targets: set by head office, split a level at a time, followed against time; each part leads to the parts below it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import read_amount, read_day
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.performance.target import (
    MEASURES,
    TargetUnit,
    bad_target,
    end_target,
    read_weights,
    set_target,
    split_target,
)
from bankloop.web.pages.targets.page import target_page, targets_page
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

_WEIGHT = "weight-"


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/targets")
    def every(request: Request, visitor: Here) -> Response:
        return _list(request, visitor)

    @app.post("/targets/set")
    def put(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "target.set")
        try:
            name, measure, first, last, total = _asked(form)
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                made = set_target(connection, name, measure, first, last, total, read_weights(_weights(form)))
        except BankloopError as error:
            return _list(request, visitor, form, error)
        return RedirectResponse(f"/targets/{made.target_id}", 303)

    @app.get("/targets/{target_id}")
    def one(request: Request, target_id: UUID, visitor: Here, unit: str | None = None) -> Response:
        return _one(request, visitor, target_id, unit)

    @app.post("/targets/{target_id}/split")
    def split(request: Request, target_id: UUID, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "target.split")
        unit = form.get("unit", "")
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                split_target(connection, target_id, unit, read_weights(_weights(form)))
        except BankloopError as error:
            return _one(request, visitor, target_id, unit, form, error)
        return RedirectResponse(f"/targets/{target_id}?unit={unit}", 303)

    @app.post("/targets/{target_id}/end")
    def end(request: Request, target_id: UUID, form: Form, visitor: Acting) -> Response:
        try:
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                end_target(connection, target_id, form.get("reason", ""))
        except BankloopError as error:
            return _one(request, visitor, target_id, None, form, error)
        return RedirectResponse("/targets", 303)


def _list(
    request: Request, visitor: Visitor, form: Mapping[str, str] | None = None, error: BankloopError | None = None
) -> Response:
    require(visitor.principal, "target.read")
    table, holders = targets_page(console_of(request), visitor.principal)
    return page(
        request, "targets.html", error.http_status if error else 200, at="targets", table=table, holders=holders,
        measures=MEASURES, given=form or {}, error=error,
    )  # fmt: skip


def _one(
    request: Request,
    visitor: Visitor,
    target_id: UUID,
    unit: str | None,
    form: Mapping[str, str] | None = None,
    error: BankloopError | None = None,
) -> Response:
    require(visitor.principal, "target.read")
    found = target_page(console_of(request), visitor.principal, target_id, unit)
    status = error.http_status if error else 200
    return page(request, "target.html", status, at="targets", page=found, given=form or {}, error=error)


def _asked(form: Mapping[str, str]) -> tuple[str, str, date, date, int]:
    measure = form.get("measure", "")
    try:
        first, last = read_day(form.get("first", "")), read_day(form.get("last", ""))
        money = measure in MEASURES and MEASURES[measure].unit is TargetUnit.MONEY
        total = read_amount(form.get("total", "")) if money else int(form.get("total", ""))
    except ValueError:
        raise bad_target(Text("需要起止日和总量（整数，金额为元）", "it needs its first and last day and a total (a whole number, yuan for money)")) from None  # fmt: skip
    return form.get("name", ""), measure, first, last, total


def _weights(form: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(_WEIGHT): words for name, words in form.items() if name.startswith(_WEIGHT) and words.strip()
    }
