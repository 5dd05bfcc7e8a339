"""Units, staff, roles and grants."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from bankloop.kit.fields import Day, Moment, Name, Reason, Words
from bankloop.kit.plain import plain
from bankloop.organization.granting import approve_grant, ask_grant, reject_grant, revoke_grant
from bankloop.organization.outside import admit_outside
from bankloop.organization.people import (
    engage_staff,
    licences_of,
    license_staff,
    move_staff,
    people,
    person_of,
    record_leave,
    units,
)
from bankloop.organization.rights import MATRIX, ROLES, grants, grants_of, require
from bankloop.organization.staffing import ending_licences, staffing_of
from bankloop.store.contracts import EVERY_LINE, EVERY_UNIT
from bankloop.web.api.dependencies import (
    KNOWN,
    PREFIX,
    Body,
    Cursor,
    Limit,
    Manages,
    Open,
    Reads,
    after,
    does,
    page_of,
    tagged,
)
from bankloop.web.api.idempotency import once
from bankloop.web.shell.errors import no_choice

router = APIRouter(prefix=PREFIX, tags=["people"])


class GrantBody(Body):
    """Which role for whom, within which units and lines, until when."""

    person_id: Name
    role: Name
    reason: Words
    units: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)
    lines: Annotated[list[Name], Field(max_length=8)] = Field(default_factory=lambda: [EVERY_LINE])
    valid_to: Moment | None = None


class DecisionBody(Body):
    """Why."""

    reason: Reason = ""


class PersonBody(Body):
    """A new member of staff with a first post."""

    staff_id: Name
    name: Name
    unit_id: Name
    post: Name
    line: Name = EVERY_LINE


class MoveBody(Body):
    """Another post for a member of staff."""

    unit_id: Name
    post: Name
    reason: Words


class LeaveBody(Body):
    """Leave from a day to a day, both inclusive."""

    since: Day
    until: Day
    reason: Words


class LicenceBody(Body):
    """A qualification to sell."""

    kind: Name
    issued_on: Day
    expires_on: Day


class OutsideBody(Body):
    """Until when somebody of another company is let in, and who answers for them."""

    company: Name
    sponsor_id: Name
    until: Day
    reason: Words


@router.get("/me")
def me(visitor: Reads) -> dict[str, Any]:
    """Return who the caller is: role, roles, purpose, units, scopes of the credential."""
    return {
        "person": visitor.person, "role": visitor.role, "roles": list(visitor.roles), "purpose": visitor.principal.purpose,
        "units": list(visitor.principal.units), "scopes": sorted(visitor.scopes) if visitor.scopes is not None else None,
    }  # fmt: skip


@router.get("/units")
def all_units(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the units that the caller's role reads: its own and those below."""
    require(visitor.principal, "unit.read")
    sees = visitor.principal.units
    with console.bank.store.begin(visitor.principal) as connection:
        found = [one for one in units(connection) if EVERY_UNIT in sees or not sees or one.unit_id in sees]
    return {"items": plain(found), "next": None}


@router.get("/people")
def staff(console: Open, visitor: Reads, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List the staff of the caller's units, in order of their ids."""
    require(visitor.principal, "staff.read")
    store, principal = console.bank.store, visitor.principal
    wide = EVERY_UNIT in principal.units or not principal.units
    with store.begin(principal) as connection:
        start = after(store, principal, "people", cursor) or ""
        found = people(connection, None if wide else principal.units, start, limit + 1)
    return page_of(store, principal, "people", found, limit, lambda one: one.staff_id)


@router.get("/people/{staff_id}", responses=KNOWN)
def person(request: Request, staff_id: Name, console: Open, visitor: Reads) -> Response:
    """Return a member of staff with licences and roles; out of the caller's units is 404."""
    require(visitor.principal, "staff.read")
    sees = visitor.principal.units
    with console.bank.store.begin(visitor.principal) as connection:
        found = person_of(connection, staff_id)
        if sees and EVERY_UNIT not in sees and found.unit_id not in sees:
            raise no_choice("person", staff_id, "…")
        held = [grant.role for grant in grants_of(connection, found.staff_id)]
        licences = licences_of(connection, found.staff_id)
    return tagged(request, {**plain(found), "roles": held, "licences": plain(licences)})


@router.post("/people", status_code=201, openapi_extra=does("staff.engage"))
def engage(request: Request, body: PersonBody, console: Open, visitor: Manages) -> Response:
    """Record a new member of staff."""
    return _staff(request, console, visitor, "staff.engage", body.staff_id, body, engage_staff, **body.model_dump())


@router.post("/people/{staff_id}/move", openapi_extra=does("staff.move"))
def move(request: Request, staff_id: Name, body: MoveBody, console: Open, visitor: Manages) -> Response:
    """Give a member of staff another post from now on."""
    return _staff(
        request,
        console,
        visitor,
        "staff.move",
        staff_id,
        body,
        move_staff,
        staff_id=staff_id,
        **body.model_dump(),
    )


@router.post("/people/{staff_id}/leave", openapi_extra=does("staff.leave"))
def leave(request: Request, staff_id: Name, body: LeaveBody, console: Open, visitor: Manages) -> Response:
    """Record leave; meanwhile the backup may act."""
    return _staff(
        request,
        console,
        visitor,
        "staff.leave",
        staff_id,
        body,
        record_leave,
        staff_id=staff_id,
        **body.model_dump(),
    )


@router.post("/people/{staff_id}/licences", status_code=201, openapi_extra=does("staff.license"))
def license(request: Request, staff_id: Name, body: LicenceBody, console: Open, visitor: Manages) -> Response:
    """Record a licence to sell."""
    return _staff(
        request,
        console,
        visitor,
        "staff.license",
        staff_id,
        body,
        license_staff,
        staff_id=staff_id,
        **body.model_dump(),
    )


@router.post("/people/{staff_id}/outside", status_code=201, openapi_extra=does("staff.admit"))
def admit(request: Request, staff_id: Name, body: OutsideBody, console: Open, visitor: Manages) -> Response:
    """Let a member of staff of another company in through a last day, answered for by one of the bank's own."""
    return _staff(
        request,
        console,
        visitor,
        "staff.admit",
        staff_id,
        body,
        admit_outside,
        staff_id=staff_id,
        **body.model_dump(),
    )


@router.get("/staffing")
def staffing(console: Open, visitor: Reads) -> dict[str, Any]:
    """Return the staffing of the caller's units, and the licences and training there that have ended or end soon."""
    require(visitor.principal, "staff.read")
    sees = visitor.principal.units
    own = None if EVERY_UNIT in sees or not sees else sees
    with console.bank.store.begin(visitor.principal) as connection:
        hands = staffing_of(connection, own, console.today)
        ending = ending_licences(connection, own, console.today)
    return {"units": plain(hands), "ending": plain(ending)}


@router.get("/roles")
def roles(visitor: Reads) -> dict[str, Any]:
    """Return the catalogue of roles and the whole matrix role × object × verb."""
    catalogue = [
        {"name": role.name, "title": role.title, "scope": role.scope, "purposes": sorted(role.purposes)}
        for role in ROLES.values()
    ]
    return {"roles": plain(catalogue), "matrix": [[c.role, c.object_kind, c.verb, c.allowed] for c in MATRIX]}


@router.get("/grants")
def all_grants(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the roles granted, the latest first."""
    require(visitor.principal, "grant.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(grants(connection)), "next": None}


@router.post("/grants", status_code=201, openapi_extra=does("grant.submit"))
def ask(request: Request, body: GrantBody, console: Open, visitor: Manages) -> Response:
    """Ask that a role be given to a person; a second security administrator approves it."""
    store = console.bank.store

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return ask_grant(
                connection,
                body.person_id,
                body.role,
                body.reason,
                units=body.units,
                lines=body.lines,
                valid_to=body.valid_to,
            )

    return once(request, store, visitor, "grant.submit", body.person_id, body, effect, 201)


@router.post("/grants/{grant_id}/{decision}", openapi_extra=does("approval.approve", "approval.reject", "grant.revoke"))
def decide(
    request: Request,
    grant_id: UUID,
    decision: Literal["approve", "reject", "revoke"],
    body: DecisionBody,
    console: Open,
    visitor: Manages,
) -> Response:
    """Approve, reject or revoke a grant."""
    store, verbs = console.bank.store, {"approve": approve_grant, "reject": reject_grant, "revoke": revoke_grant}

    def effect() -> Any:
        with store.begin(visitor.principal) as connection:
            return verbs[decision](connection, grant_id, body.reason)

    return once(request, store, visitor, f"grant.{decision}", str(grant_id), body, effect)


def _staff(
    request: Request, console: Any, visitor: Any, name: str, whose: str, body: Body, verb: Any, /, **values: Any
) -> Response:
    store = console.bank.store

    def effect() -> dict[str, Any]:
        with store.begin(visitor.principal) as connection:
            verb(connection, **values)
        return {"staff_id": whose, "done": name}

    return once(
        request,
        store,
        visitor,
        name,
        whose,
        body,
        effect,
        201 if request.url.path.endswith(("people", "licences")) else 200,
    )
