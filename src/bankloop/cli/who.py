"""In whose name a command acts: a person on record with a role granted now, or a usual role of a bank without people."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from bankloop.kit import Origin

if TYPE_CHECKING:
    from bankloop.store import Principal, Store


def acting(store: Store, person: str, purpose: str, usual: Callable[[str], Principal]) -> Principal:
    """Return who ``person`` is now for a purpose; ``usual`` serves while nobody has been granted a role."""
    from bankloop.organization import GrantState, grants, principal_for, system

    with store.begin(system("cli")) as connection:
        if not grants(connection, GrantState.OPEN, limit=1):
            return usual(person)
        return principal_for(connection, person, purpose)


def here() -> Origin:
    """Return the origin of a command: the user of this host, as the system knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.geteuid())
    return Origin("cli", user, os.uname().nodename)
