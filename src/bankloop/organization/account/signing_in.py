"""Signing in: a proof is weighed, what it cost is written down whether or not it was right, a session opens or none.

Each function has its own transaction: a refused proof must leave its count behind, so it cannot be the caller's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from bankloop.kit.errors import BankloopError
from bankloop.organization.account import errors
from bankloop.organization.account.accounts import account_of, confirm_totp, person_of_subject, set_password, use_code
from bankloop.organization.account.contracts import Opened, Session, SignInSettings, Step
from bankloop.organization.account.directory import bind
from bankloop.organization.account.rules import lock_for, next_step
from bankloop.organization.account.secrets import digest_of, hashed, outdated, verified
from bankloop.organization.account.sessions import open_session, rotate_session
from bankloop.organization.account.tables import account as table
from bankloop.organization.principals import system
from bankloop.store.audit import record_audit
from bankloop.store.database import Store, now_of
from bankloop.store.verbs import verb

SIGN_IN = system("signin", "signin")


@verb("account.sign_in")
def sign_in(store: Store, settings: SignInSettings, person_id: str, password: str) -> Opened:
    """Open a session by password, first code or the directory; it may still ask for a code or a new password.

    Raises ``SignInError``: ``signin.wrong`` whatever was wrong, ``signin.locked`` while the account is locked.
    """
    with store.begin(SIGN_IN) as connection:
        outcome = _weigh(connection, settings, person_id, password)
    return _opened(outcome)


@verb("account.second_factor")
def give_code(store: Store, settings: SignInSettings, session: Session, code: str) -> Opened:
    """Carry a session on by a code of the second factor; wrong codes count and lock like wrong passwords."""
    with store.begin(SIGN_IN) as connection:
        outcome = _weigh_code(connection, settings, session, code)
    return _opened(outcome)


def change_password(store: Store, settings: SignInSettings, session: Session, old: str | None, new: str) -> Opened:
    """Set a new password and go on under a new token; outside of the first sign-in the old one is asked for."""
    with store.begin(SIGN_IN) as connection:
        row = _row(connection, session.person_id)
        refusal = None
        if session.step is not Step.CHANGE and not verified(row["password_hash"] if row else None, old or ""):
            refusal = _failed(connection, row)
    if refusal is not None:
        raise refusal
    with store.begin(SIGN_IN) as connection:
        set_password(connection, session.person_id, new)
        return rotate_session(connection, session, _next(connection, settings, session.person_id, code_due=False))


def confirm_factor(store: Store, settings: SignInSettings, session: Session, code: str) -> Opened:
    """Put a second factor in force and go on under a new token."""
    with store.begin(SIGN_IN) as connection:
        confirm_totp(connection, session.person_id, code)
        return rotate_session(connection, session, _next(connection, settings, session.person_id, code_due=False))


def sign_in_subject(store: Store, settings: SignInSettings, subject: str) -> Opened:
    """Open a session for whom the identity provider proved; its second factor is the provider's affair."""
    with store.begin(SIGN_IN) as connection:
        person_id = person_of_subject(connection, subject)
        if person_id is None:
            record_audit(connection, "account.sign_in", "account", "", None, {"ok": False, "method": "oidc"})
            outcome: Opened | BankloopError = errors.wrong()
        else:
            record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": True, "method": "oidc"})
            outcome = open_session(connection, person_id, Step.FULL, "oidc")
    return _opened(outcome)


def switch_person(store: Store, settings: SignInSettings, person_id: str) -> Opened:
    """Open a session as another person without a proof: the role switch of a demo bank, and of no other."""
    if not settings.demo:
        raise errors.wrong()
    with store.begin(SIGN_IN) as connection:
        if account_of(connection, person_id) is None:
            raise errors.no_account(person_id)
        record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": True, "method": "demo"})
        return open_session(connection, person_id, Step.FULL, "demo")


def _weigh(connection: Connection, settings: SignInSettings, person_id: str, password: str) -> Opened | BankloopError:
    row, now = _row(connection, person_id), now_of(connection)
    if row is None or row["state"] != "active":
        verified(None, password)
        record_audit(connection, "account.sign_in", "account", person_id[:64], None, {"ok": False})
        return errors.wrong()
    if row["locked_until"] and now < row["locked_until"]:
        record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": False, "locked": True})
        return errors.locked(row["locked_until"])
    method = _proven(settings, row, password, now)
    if method is None:
        return _failed(connection, row)
    changes: dict[str, Any] = {"failures": 0, "locked_until": None}
    if method == "code":
        changes |= {"code_digest": None, "code_until": None, "must_change": True}
    elif method == "password" and outdated(row["password_hash"]):
        changes["password_hash"] = hashed(password)
    connection.execute(update(table).where(table.c.person_id == person_id).values(changes))
    record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": True, "method": method})
    step = _next(connection, settings, person_id, code_due=row["totp_confirmed"])
    return open_session(connection, person_id, step, method)


def _proven(settings: SignInSettings, row: Any, password: str, now: Any) -> str | None:
    """Return by what a password is proven: the first code, the directory, or the account's own hash."""
    if row["code_digest"] and now < row["code_until"] and row["code_digest"] == digest_of(password.strip().upper()):
        return "code"
    if settings.directory is not None and row["password_hash"] is None:
        return "directory" if bind(settings.directory, row["person_id"], password) else None
    return "password" if verified(row["password_hash"], password) else None


def _weigh_code(
    connection: Connection, settings: SignInSettings, session: Session, code: str
) -> Opened | BankloopError:
    row = _row(connection, session.person_id)
    if row is None or session.step is not Step.CODE:
        return errors.wrong()
    if row["locked_until"] and now_of(connection) < row["locked_until"]:
        return errors.locked(row["locked_until"])
    if not use_code(connection, session.person_id, code):
        return _failed(connection, row)
    connection.execute(
        update(table).where(table.c.person_id == session.person_id).values(failures=0, locked_until=None)
    )
    record_audit(connection, "account.second_factor", "account", session.person_id, None, {"ok": True})
    return rotate_session(connection, session, _next(connection, settings, session.person_id, code_due=False))


def _failed(connection: Connection, row: Any) -> BankloopError:
    if row is None:
        return errors.wrong()
    failures, now = row["failures"] + 1, now_of(connection)
    wait = lock_for(failures)
    until = now + wait if wait else None
    connection.execute(
        update(table).where(table.c.person_id == row["person_id"]).values(failures=failures, locked_until=until)
    )
    after = {"ok": False, "failures": failures, "locked_until": until.isoformat() if until else None}
    record_audit(connection, "account.sign_in", "account", row["person_id"], None, after)
    return errors.locked(until) if until else errors.wrong()


def _next(connection: Connection, settings: SignInSettings, person_id: str, *, code_due: bool) -> Step:
    found = account_of(connection, person_id)
    assert found is not None
    enrol = settings.totp == "required" and not found.totp
    local = found.must_change and (settings.directory is None or found.has_password)
    return next_step(code_due=code_due, must_change=local, enrol=enrol)


def _row(connection: Connection, person_id: str) -> Any:
    return connection.execute(select(table).where(table.c.person_id == person_id).with_for_update()).mappings().first()


def _opened(outcome: Opened | BankloopError) -> Opened:
    if isinstance(outcome, BankloopError):
        raise outcome
    return outcome
