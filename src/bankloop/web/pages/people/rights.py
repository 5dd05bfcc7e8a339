"""The rights matrix, as the catalogue has it: what every role may do, for everybody who works here to see."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.organization.rights import MATRIX, OBJECTS, ROLES
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import page


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/rights")
    def matrix(request: Request, visitor: Here, role: str = "") -> HTMLResponse:
        if role and role not in ROLES:
            raise errors.no_choice("role", role[:64], ", ".join(ROLES))
        shown = [role] if role else list(ROLES)
        rows: dict[tuple[str, str], dict[str, bool]] = {}
        for cell in MATRIX:
            rows.setdefault((cell.object_kind, cell.verb), {})[cell.role] = cell.allowed
        return page(request, "rights.html", at="rights", shown=shown, rows=rows, objects=OBJECTS, role=role)
