"""Legal holds: what is kept whatever its age, placed and released by compliance, seen by whoever keeps or reads the data."""

from __future__ import annotations

from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.store.audit import holds, place_hold, release_hold
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

# What a hold may be about: everything of a customer, or the trail of one object.
KINDS = {
    "customer": Text("客户", "customer"),
    "campaign": Text("战役", "campaign"),
    "staff": Text("员工", "member of staff"),
    "approval": Text("审批", "approval"),
}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/holds")
    def listed(request: Request, visitor: Here) -> Response:
        return _page(request, visitor)

    @app.post("/holds")
    def place(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, "hold.place")
        try:
            asked = _asked(form)
            with console_of(request).bank.store.begin(visitor.principal) as connection:
                place_hold(connection, *asked)
        except BankloopError as error:
            return _page(request, visitor, error, form)
        return RedirectResponse("/holds", 303)

    @app.post("/holds/{hold_id}/release")
    def release(request: Request, hold_id: UUID, form: Form, visitor: Acting) -> Response:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            release_hold(connection, hold_id, form.get("reason", "").strip()[:2_000])
        return RedirectResponse("/holds", 303)


def _asked(form: dict[str, str]) -> tuple[str, str, str]:
    kind, name, reason = (form.get(field, "").strip() for field in ("kind", "object", "reason"))
    if kind not in KINDS or not name or not reason:
        raise InputError(
            "hold.form",
            Text("请选对象类别，填对象编号和原因", "choose a kind of object, and give its id and a reason"),
        )
    return kind, name[:64], reason[:2_000]


def _page(
    request: Request, visitor: Visitor, error: BankloopError | None = None, form: dict[str, str] | None = None
) -> Response:
    require(visitor.principal, "hold.read")
    with console_of(request).bank.store.begin(visitor.principal) as connection:
        found = holds(connection)
    return page(
        request, "holds.html", error.http_status if error else 200, at="holds", error=error, holds=found, kinds=KINDS,
        given=form or {},
    )  # fmt: skip
