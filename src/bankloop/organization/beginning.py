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
from bankloop.organization.demonstration import AT_HEAD_OFFICE
from bankloop.organization.principals import everything, system
from bankloop.organization.rights import (
    Grant,
    GrantState,
    begin_rights,
    grants,
    grants_of,
    holders_of,
    principal_for,
)
from bankloop.store.contracts import Principal
from bankloop.store.database import Store

_OPENS = "account.open"
# How whoever started the console is let in while nobody has a role.
LOCAL = "local"


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


def is_begun(connection: Connection) -> bool:
    """Return whether somebody has been granted a role: from then on everybody acts by their own."""
    return bool(grants(connection, GrantState.OPEN, limit=1))


def open_local(store: Store, person: str) -> account.Opened:
    """Open a session for whoever set the bank up, as one of the people of head office.

    Raises ``SignInError`` once somebody has been granted a role.
    """
    with store.begin(account.SIGN_IN) as connection:
        if person not in AT_HEAD_OFFICE or is_begun(connection):
            raise account.sign_in_needed()
        return account.open_session(connection, person, account.SignInStep.FULL, LOCAL)


def acting_now(connection: Connection, person: str, purpose: str, role: str | None = None) -> Principal:
    """Return who a person is now, by the roles granted to them.

    What was asked for in the role of whoever set the bank up is theirs while nobody has a role, and nobody's after.
    """
    if role == LOCAL and not is_begun(connection):
        return everything(person, purpose)
    return principal_for(connection, person, purpose, role=role)


def opener_of(connection: Connection, whom: str) -> Opener:
    """Return who is to open the account of ``whom`` now."""
    known = [one.person_id for one in account.accounts(connection)]
    if not known:
        return Opener.ANYBODY
    roles = {role.name for role in holders_of(_OPENS)}

    def opens(person: str) -> bool:
        return any(grant.role in roles for grant in grants_of(connection, person))

    return Opener.SYSTEM if any(map(opens, known)) or not opens(whom) else Opener.SECURITY
