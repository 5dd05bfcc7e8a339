"""How a bank's first people get in: two security administrators, then a system administrator.

While nobody has an account, whoever holds the bank's folder opens one. Accounts are the system administrator's work;
the
first of those cannot open their own, so that until one has an account a security administrator opens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from bankloop.organization import account
from bankloop.organization.principals import system
from bankloop.organization.rights import Grant, GrantState, begin_rights, grants, grants_of, holders_of
from bankloop.store.database import Store

_OPENS = "account.open"


class Opener(StrEnum):
    """Who opens an account: whoever holds the folder, a security administrator, or who has the right."""

    ANYBODY = "anybody"
    SECURITY = "security"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first two administrators' grants, and the first codes of those whose accounts were opened with them."""

    grants: tuple[Grant, ...]
    codes: Mapping[str, str]


def begin(store: Store, first: str, second: str) -> Beginning:
    """Name the first two security administrators and open the account of each who has none yet.

    The same two again get the codes of accounts that they still lack; raises what ``begin_rights`` does otherwise.
    """
    with store.begin(account.SIGN_IN) as connection:
        known = {one.person_id for one in account.accounts(connection)}
    fresh = [one for one in (first, second) if one not in known]
    with store.begin(system("begin", "setup")) as connection:
        named = [one for one in grants(connection, GrantState.OPEN) if one.role == "security_admin"]
        if {one.person_id for one in named} != {first, second} or not fresh:
            named = begin_rights(connection, first, second)
    with store.begin(account.SIGN_IN) as connection:
        return Beginning(tuple(named), {one: account.open_account(connection, one) for one in fresh})


def opener_of(connection: Connection, whom: str) -> Opener:
    """Return who is to open the account of ``whom`` now."""
    known = [one.person_id for one in account.accounts(connection)]
    if not known:
        return Opener.ANYBODY
    roles = {role.name for role in holders_of(_OPENS)}

    def opens(person: str) -> bool:
        return any(grant.role in roles for grant in grants_of(connection, person))

    return Opener.SYSTEM if any(map(opens, known)) or not opens(whom) else Opener.SECURITY
