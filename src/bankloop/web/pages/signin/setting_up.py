"""How whoever started the console gets in while nobody has a role: by an address that their terminal alone says.

They act as whom they choose among the people of head office, so that what needs two people is done by two names, as on
the command line. The first role that is granted ends it.
"""

from __future__ import annotations

import hmac
from secrets import token_urlsafe

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.organization import account
from bankloop.organization.beginning import is_begun, open_local
from bankloop.store.database import Store
from bankloop.web.pages.signin.routes import FIRST, signed_in
from bankloop.web.shell.rendering import console_of


def local_key(store: Store) -> str:
    """Return a new key to an open bank in which nobody has a role; nothing where somebody has."""
    with store.begin(account.SIGN_IN) as connection:
        return "" if is_begun(connection) else token_urlsafe(24)


def add_setting_up(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/local/{key}")
    def let_in(request: Request, key: str) -> Response:
        known = request.app.state.local_key
        if not known or not hmac.compare_digest(known.encode(), key.encode()):
            raise account.sign_in_needed()
        return signed_in(request, open_local(console_of(request).bank.store, FIRST), "/")
