"""The tree of units: opened, put under another parent, closed; who stands in for whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from bankloop.kit.fields import Moment, Name, Words
from bankloop.kit.text import Text
from bankloop.organization.people import close_unit, move_unit, name_backup, open_unit
from bankloop.store.contracts import EVERY_LINE
from bankloop.web.api.dependencies import PREFIX, Body, Manages, Open, WhyBody, does
from bankloop.web.api.idempotency import once_in

router = APIRouter(prefix=PREFIX, tags=["units"])


class UnitBody(Body):
    """A new unit under a parent, with its kind, business line and both names."""

    unit_id: Name
    parent_id: Name
    kind: Name
    line: Name = EVERY_LINE
    zh: Annotated[str, Field(min_length=1, max_length=64)]
    en: Annotated[str, Field(min_length=1, max_length=64)]


class ParentBody(Body):
    """Under which parent a unit is from a moment on; at once where none is said."""

    parent_id: Name
    reason: Words
    at: Moment | None = None


class DeputyBody(Body):
    """Who stands in: the B of an A/B pair, or by delegation until a moment."""

    deputy: Name
    reason: Words
    kind: Literal["backup", "delegation"] = "backup"
    until: Moment | None = None


@router.post("/units", status_code=201, openapi_extra=does("unit.open"))
def make(request: Request, body: UnitBody, console: Open, visitor: Manages) -> Response:
    """Open a unit under a parent from now on."""

    def effect(connection: Connection) -> Any:
        name = Text(body.zh, body.en)
        return open_unit(connection, body.unit_id, body.parent_id, body.kind, name, body.line)

    return once_in(request, console.bank.store, visitor, "unit.open", body.unit_id, body, effect, 201)


@router.post("/units/{unit_id}/move", openapi_extra=does("unit.move"))
def move(request: Request, unit_id: Name, body: ParentBody, console: Open, visitor: Manages) -> Response:
    """Put a unit under another parent; itself and those below it are refused."""

    def effect(connection: Connection) -> dict[str, Any]:
        move_unit(connection, unit_id, body.parent_id, body.reason, body.at)
        return {"unit_id": unit_id, "parent_id": body.parent_id}

    return once_in(request, console.bank.store, visitor, "unit.move", unit_id, body, effect)


@router.post("/units/{unit_id}/close", openapi_extra=does("unit.close"))
def close(request: Request, unit_id: Name, body: WhyBody, console: Open, visitor: Manages) -> Response:
    """End a unit; 409 while units, staff or customers are in it."""

    def effect(connection: Connection) -> dict[str, Any]:
        close_unit(connection, unit_id, body.reason)
        return {"unit_id": unit_id, "state": "closed"}

    return once_in(request, console.bank.store, visitor, "unit.close", unit_id, body, effect)


@router.post("/people/{staff_id}/deputy", openapi_extra=does("staff.deputize"))
def deputize(request: Request, staff_id: Name, body: DeputyBody, console: Open, visitor: Manages) -> Response:
    """Name who stands in for a member of staff."""

    def effect(connection: Connection) -> dict[str, Any]:
        name_backup(connection, staff_id, body.deputy, body.reason, kind=body.kind, until=body.until)
        return {"staff_id": staff_id, "deputy": body.deputy, "kind": body.kind}

    return once_in(request, console.bank.store, visitor, "staff.deputize", staff_id, body, effect)
