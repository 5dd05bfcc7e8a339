"""One password for the people of a simulated bank, so that everybody can sign in as every role."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from bankloop.organization.account import errors
from bankloop.organization.account.accounts import open_account, set_password
from bankloop.organization.account.secrets import hashed, new_code
from bankloop.organization.account.settings import read_settings

_PLACE = Path("data") / "demo-password"


def open_demo_accounts(connection: Connection, folder: Path, people: Iterable[str]) -> str:
    """Open an account for each of the people and return their one password; refused outside of a demo bank."""
    if not read_settings(folder).demo:
        raise errors.not_demo()
    password = demo_password(folder) or new_code()
    made = hashed(password)
    for person in people:
        open_account(connection, person)
        set_password(connection, person, password, made)
    place = folder / _PLACE
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(password)
    return password


def demo_password(folder: Path) -> str:
    """Return the password of a demo bank's accounts; nothing anywhere else."""
    place = folder / _PLACE
    return place.read_text(encoding="ascii").strip() if place.exists() and read_settings(folder).demo else ""
