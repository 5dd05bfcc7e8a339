"""An error as a problem (RFC 9457) with the code, the sentence and its cure in both languages, and the fields."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from bankloop.kit.errors import BankloopError, DeniedError, SignInError
from bankloop.store.audit import record_audit
from bankloop.web.shell.rendering import console_of
from bankloop.web.shell.visitor import Visitor

MEDIA = "application/problem+json"


def problem(request: Request, error: BankloopError, status: int) -> JSONResponse:
    """Return the answer to a refused request."""
    body = {
        "type": f"urn:bankloop:error:{error.code}",
        "title": error.message.en,
        "status": status,
        **error.as_dict(),
        "request": request.scope.get("state", {}).get("request_id", ""),
    }
    headers = {"www-authenticate": "Bearer"} if isinstance(error, SignInError) else {}
    return JSONResponse(body, status, headers, MEDIA)


def note_refusal(request: Request, error: BankloopError) -> None:
    """Leave a row of who was refused what: an attempt is part of the trail."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None or not isinstance(error, DeniedError) or isinstance(error, SignInError):
        return
    route = getattr(request.scope.get("route"), "path", "")
    with console_of(request).bank.store.begin(visitor.principal) as connection:
        after = {"code": error.code, "method": request.method, "route": route}
        record_audit(connection, "access.denied", "route", route, None, after, class_="security")
