"""Forms: read whole, proven to be ours, and kept when the session ended while somebody was writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from bankloop.kit.errors import BankloopError, SignInError
from bankloop.web.shell import errors
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor, foreign, proven, visitor_of

_KIND = "form"
_OWN = ("csrf", "kept", "to")


class KeptForm(Exception):
    """A form whose session is over, or whose page is old: nothing was done, and nothing of it is lost."""

    def __init__(self, form: Mapping[str, str], *, signed_in: bool) -> None:
        super().__init__("kept")
        self.form = form
        self.signed_in = signed_in


async def posted(request: Request) -> dict[str, str]:
    """Return a form's fields; files are not taken."""
    return {name: value for name, value in (await request.form()).items() if not isinstance(value, UploadFile)}


Form = Annotated[dict[str, str], Depends(posted)]


def visitor(request: Request) -> Visitor:
    """Let somebody in to look; raise ``SignInError`` otherwise."""
    found = visitor_of(request, console_of(request).bank.store)
    request.state.visitor = found
    return found


def poster(request: Request, form: Form) -> Visitor:
    """Let somebody in to change something: signed in, and from a page of ours."""
    if foreign(request):
        raise errors.forged()
    try:
        found = visitor(request)
    except SignInError:
        raise KeptForm(form, signed_in=False) from None
    try:
        proven(request, found, form.get("csrf", ""))
    except BankloopError:
        raise KeptForm(form, signed_in=True) from None
    return found


Here = Annotated[Visitor, Depends(visitor)]
Acting = Annotated[Visitor, Depends(poster)]


def sealed_form(request: Request, form: Mapping[str, str]) -> str:
    """Return a form sealed, to be carried through signing in by the browser that wrote it."""
    plain = {"to": request.url.path, "form": {name: text for name, text in form.items() if name not in _OWN}}
    return console_of(request).bank.store.keys.seal(_KIND, json.dumps(plain)).hex()


def kept_page(request: Request, sealed: str) -> Response | None:
    """Return the page on which a kept form is checked and sent again; None where nothing is kept."""
    if not sealed:
        return None
    try:
        found = json.loads(console_of(request).bank.store.keys.unseal(_KIND, bytes.fromhex(sealed)))
    except (ValueError, BankloopError):
        return None
    return page(request, "kept.html", action=found["to"], fields=found["form"])


def come_back(request: Request, error: Exception) -> Response:
    """Answer a form that came too late: sign in first, or check it and send it again."""
    assert isinstance(error, KeptForm)
    sealed = sealed_form(request, error.form)
    if error.signed_in:
        found = kept_page(request, sealed)
        assert found is not None
        return found
    from bankloop.web.pages.signin import sign_in_page

    return sign_in_page(request, 401, kept=sealed)


def local(to: str) -> str:
    """Return a path of this console, whatever was asked for: no address may lead elsewhere."""
    odd = to.startswith(("//", "/\\")) or any(letter in to for letter in "\r\n\t\\")
    return to if to.startswith("/") and not odd else "/"
