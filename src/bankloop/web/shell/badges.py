"""What waits for who signed in, counted beside the menu on every page."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.organization.rights import allowed
from bankloop.organization.task import count_escalations, told_at
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.web.shell.console import Console

# More than a day's attention; beyond, the badge says no more than that there are more.
MOST = 100


def badges_of(console: Console, principal: Principal) -> Mapping[str, str]:
    """Return by the menu's marker how many things wait for a person: tasks escalated to them and untouched.

    Head office watches them all and is told of none by a badge.
    """
    told = told_at(principal)
    if told is None or not allowed(principal, "read", "task") or (told.staff is None and EVERY_UNIT in principal.units):
        return {}
    with console.bank.store.begin(principal) as connection:
        count = count_escalations(connection, MOST)
    return {"escalations": f"{MOST - 1}+" if count >= MOST else str(count)} if count else {}
