"""Who asks: read anew at every request from cookie or token, with the role granted now; nothing of it is remembered."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from fastapi import Request
from sqlalchemy import Connection

from bankloop.organization import account
from bankloop.organization.beginning import LOCAL, is_begun
from bankloop.organization.demonstration import AT_HEAD_OFFICE
from bankloop.organization.principals import everything
from bankloop.organization.rights import ROLES, grants_of, principal_for
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.web.shell import errors

SECURE_COOKIE, PLAIN_COOKIE = "__Host-session", "session"
# A person's page is for what their role does first of all; another purpose of the role is asked for by name.
_PURPOSES = (
    "campaign", "approval", "review", "tasks", "service", "analysis", "quality", "scene", "administration", "audit", "complaint",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visitor:
    """One person or machine at one request."""

    principal: Principal
    role: str
    roles: tuple[str, ...] = ()
    session: account.Session | None = None
    scopes: frozenset[str] | None = None
    token: str = field(default="", repr=False)

    @property
    def person(self) -> str:
        """Return the person's id."""
        return self.principal.id

    @property
    def is_local(self) -> bool:
        """Return whether this is who set the bank up, before anybody has a role."""
        return self.session is not None and self.session.method == LOCAL

    @property
    def csrf(self) -> str:
        """Return what a form of this session carries: only who holds the session's token can make it."""
        return csrf_of(self.token)

    def within(self, scope: str) -> None:
        """Raise ``DeniedError`` where a machine's credential is not for this; people's sessions are for everything."""
        if self.scopes is not None and scope not in self.scopes:
            raise errors.out_of_scope(scope)


def csrf_of(token: str) -> str:
    """Return the form token of a session's token."""
    return hmac.digest(token.encode(), b"bankloop form", sha256).hex()


def cookie_name(*, secure: bool) -> str:
    """Return the session cookie's name: with the __Host- prefix wherever the page is encrypted."""
    return SECURE_COOKIE if secure else PLAIN_COOKIE


def half_signed_in(request: Request, store: Store) -> tuple[account.Session, str]:
    """Return the session of the request's cookie at whatever step it is; raise ``SignInError`` without one."""
    token = request.cookies.get(cookie_name(secure=request.app.state.secure), "")
    with store.begin(account.SIGN_IN) as connection:
        session = account.read_session(connection, token) if token else None
    if session is None:
        raise account.sign_in_needed()
    return session, token


def visitor_of(request: Request, store: Store) -> Visitor:
    """Return who asks; raise ``SignInError`` where nobody can tell."""
    header = request.headers.get("authorization", "")
    scheme, _, given = header.partition(" ")
    if header and scheme.lower() != "bearer":
        raise account.bad_token_error()
    token = given.strip() or request.cookies.get(cookie_name(secure=request.app.state.secure), "")
    if not token:
        raise account.sign_in_needed()
    found = visitor_of_token(store, token, request.headers, bearer=bool(header))
    if found is None:
        raise account.bad_token_error() if header else account.sign_in_needed()
    return found


def visitor_of_token(store: Store, token: str, wishes: Mapping[str, str], *, bearer: bool = True) -> Visitor | None:
    """Return who a session's token, an API key or an access token stands for; None where it is worth nothing.

    ``wishes`` may name ``bankloop-role`` and ``bankloop-purpose``; both must be the person's own.
    """
    with store.begin(account.SIGN_IN) as connection:
        session = account.read_session(connection, token)
        if session is not None:
            if session.step is not account.SignInStep.FULL:
                return None
            if session.method == LOCAL:
                return None if is_begun(connection) else _local(session, token)
            return _visitor(connection, session.person_id, session.role, wishes, session=session, token=token)
        caller = account.read_credential(connection, token) if bearer else None
        if caller is None:
            return None
        return _visitor(connection, caller.person_id, None, wishes, scopes=caller.scopes, token=token)


def _visitor(
    connection: Connection,
    person: str,
    chosen: str | None,
    wishes: Mapping[str, str],
    *,
    session: account.Session | None = None,
    scopes: frozenset[str] | None = None,
    token: str = "",
) -> Visitor:
    held = grants_of(connection, person)
    roles = tuple(grant.role for grant in held)
    wanted = wishes.get("bankloop-role") or chosen
    role = wanted if wanted in roles else roles[0] if roles and not wishes.get("bankloop-role") else wanted
    purpose = wishes.get("bankloop-purpose") or main_purpose(role or "")
    principal = principal_for(connection, person, purpose, role=role, held=held)
    return Visitor(principal, role or "", roles, session, scopes, token)


def _local(session: account.Session, token: str) -> Visitor:
    """Return who set the bank up, at work as one of its people: nobody has a role yet, so that nothing is refused."""
    purpose = main_purpose(AT_HEAD_OFFICE[session.person_id])
    return Visitor(everything(session.person_id, purpose), LOCAL, (), session, None, token)


def main_purpose(role: str) -> str:
    """Return for what a role acts unless said otherwise."""
    purposes = ROLES[role].purposes if role in ROLES else frozenset()
    return next((purpose for purpose in _PURPOSES if purpose in purposes), "")


def proven(request: Request, visitor: Visitor, given: str) -> None:
    """Raise ``DeniedError`` unless a change comes from a page of ours: the form's token is the session's."""
    if visitor.session is None:
        return
    if not hmac.compare_digest(given.encode(), visitor.csrf.encode()) or foreign(request):
        raise errors.forged()


def foreign(request: Request) -> bool:
    """Return whether the browser says that another site sends this."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
