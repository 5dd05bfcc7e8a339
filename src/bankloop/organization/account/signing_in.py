"""Signing in: a proof is weighed, what it cost is written down whether or not it was right, a session opens or none.

Each function has its own transaction: a refused proof must leave its count behind, so it cannot be the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from bankloop.kit.errors import BankloopError
from bankloop.organization.account import errors
from bankloop.organization.account.accounts import (
    account_of,
    begin_totp,
    confirm_totp,
    person_of_subject,
    set_password,
    use_code,
)
from bankloop.organization.account.contracts import Opened, Session, SignInSettings, SignInStep
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
# Wrong proofs of each factor are counted in a column of its own; the last proof clears them all.
PASSWORD, CODE = "failures", "code_failures"
_CLEARED: Mapping[str, Any] = {PASSWORD: 0, CODE: 0, "locked_until": None}


@verb("account.sign_in")
def sign_in(store: Store, settings: SignInSettings, person_id: str, password: str) -> Opened:
    """Open a session by password, first code or the directory; it may still ask for a code or a new password.

    Raises ``SignInError`` ``signin.wrong`` whatever was wrong, also while the account is locked.
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
        refusal = _locked(connection, row)
        if refusal is None and session.step is not SignInStep.CHANGE and not verified(row["password_hash"], old or ""):
            refusal = _failed(connection, row, PASSWORD)
    if refusal is not None:
        raise refusal
    with store.begin(SIGN_IN) as connection:
        set_password(connection, session.person_id, new)
        return rotate_session(connection, session, _next(connection, settings, session.person_id, code_due=False))


def begin_factor(store: Store, settings: SignInSettings, session: Session, password: str, code: str) -> str:
    """Make a new second factor and return its secret; it asks for the password, and for a code of the one in force.

    A session alone proves nothing here: somebody else may sit at it. Only who is just signing in and has no factor yet is
    asked for neither.
    """
    with store.begin(SIGN_IN) as connection:
        row = _row(connection, session.person_id)
        refusal = _locked(connection, row)
        if refusal is None and (session.step is not SignInStep.ENROL or row["totp_confirmed"]):
            refusal = _weigh_again(connection, settings, row, password, code)
    if refusal is not None:
        raise refusal
    with store.begin(SIGN_IN) as connection:
        return begin_totp(connection, session.person_id)


def confirm_factor(store: Store, settings: SignInSettings, session: Session, code: str) -> Opened:
    """Put the second factor that was begun in force and go on under a new token."""
    with store.begin(SIGN_IN) as connection:
        refusal = _locked(connection, _row(connection, session.person_id))
        if refusal is not None:
            raise refusal
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
            outcome = open_session(connection, person_id, SignInStep.FULL, "oidc")
    return _opened(outcome)


def switch_person(store: Store, settings: SignInSettings, person_id: str) -> Opened:
    """Open a session as another person without a proof: the role switch of a demo bank, and of no other."""
    if not settings.demo:
        raise errors.wrong()
    with store.begin(SIGN_IN) as connection:
        if account_of(connection, person_id) is None:
            raise errors.no_account(person_id)
        record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": True, "method": "demo"})
        return open_session(connection, person_id, SignInStep.FULL, "demo")


def _weigh(connection: Connection, settings: SignInSettings, person_id: str, password: str) -> Opened | BankloopError:
    """Weigh a password; whatever is wrong, the answer is one and the work alike, so that no name can be told from another."""
    row, now = _row(connection, person_id), now_of(connection)
    if row is None or row["state"] != "active":
        _spend(settings, person_id, password)
        record_audit(connection, "account.sign_in", "account", person_id[:64], None, {"ok": False})
        return errors.wrong()
    if _locked(connection, row) is not None:
        verified(None, password)
        record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": False, "locked": True})
        return errors.wrong()
    method = _proven(settings, row, password, now)
    if method is None:
        _failed(connection, row, PASSWORD)
        return errors.wrong()
    # What was counted stands until the last proof: the first of two says nothing about the second.
    changes: dict[str, Any] = {} if row["totp_confirmed"] else dict(_CLEARED)
    if method == "code":
        changes |= {"code_digest": None, "code_until": None, "must_change": True}
    elif method == "password" and outdated(row["password_hash"]):
        changes["password_hash"] = hashed(password)
    if changes:
        _set(connection, person_id, changes)
    record_audit(connection, "account.sign_in", "account", person_id, None, {"ok": True, "method": method})
    step = _next(connection, settings, person_id, code_due=row["totp_confirmed"])
    return open_session(connection, person_id, step, method)


def _weigh_again(
    connection: Connection, settings: SignInSettings, row: Any, password: str, code: str
) -> BankloopError | None:
    """Weigh all that an account can be asked for, of who is signed in; wrong proofs count as at signing in."""
    has_password = row["password_hash"] is not None or settings.directory is not None
    if has_password and _proven(settings, row, password, now_of(connection)) not in ("password", "directory"):
        return _failed(connection, row, PASSWORD)
    if row["totp_confirmed"] and not use_code(connection, row["person_id"], code):
        return _failed(connection, row, CODE)
    _set(connection, row["person_id"], _CLEARED)
    return None


def _spend(settings: SignInSettings, person_id: str, password: str) -> None:
    """Do for a name that is nobody's what a wrong password of somebody costs."""
    if settings.directory is None:
        verified(None, password)
    else:
        bind(settings.directory, person_id, password)


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
    if row is None or session.step is not SignInStep.CODE:
        return errors.wrong()
    refusal = _locked(connection, row)
    if refusal is not None:
        return refusal
    if not use_code(connection, session.person_id, code):
        return _failed(connection, row, CODE)
    _set(connection, session.person_id, _CLEARED)
    record_audit(connection, "account.second_factor", "account", session.person_id, None, {"ok": True})
    return rotate_session(connection, session, _next(connection, settings, session.person_id, code_due=False))


def _locked(connection: Connection, row: Any) -> BankloopError | None:
    """Return the refusal of an account that is locked, or is not there."""
    if row is None:
        return errors.wrong()
    until = row["locked_until"]
    return errors.locked(until) if until and now_of(connection) < until else None


def _failed(connection: Connection, row: Any, factor: str) -> BankloopError:
    """Count a wrong proof of one factor, lock the account where there were too many, and return the refusal."""
    failures, now = row[factor] + 1, now_of(connection)
    wait = lock_for(failures)
    until = now + wait if wait else None
    _set(connection, row["person_id"], {factor: failures, "locked_until": until})
    after = {"ok": False, factor: failures, "locked_until": until.isoformat() if until else None}
    record_audit(connection, "account.sign_in", "account", row["person_id"], None, after)
    return errors.locked(until) if until else errors.wrong()


def _next(connection: Connection, settings: SignInSettings, person_id: str, *, code_due: bool) -> SignInStep:
    found = account_of(connection, person_id)
    assert found is not None
    enrol = settings.totp == "required" and not found.totp
    local = found.must_change and (settings.directory is None or found.has_password)
    return next_step(code_due=code_due, must_change=local, enrol=enrol)


def _set(connection: Connection, person_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(table).where(table.c.person_id == person_id).values(dict(values)))


def _row(connection: Connection, person_id: str) -> Any:
    return connection.execute(select(table).where(table.c.person_id == person_id).with_for_update()).mappings().first()


def _opened(outcome: Opened | BankloopError) -> Opened:
    if isinstance(outcome, BankloopError):
        raise outcome
    return outcome
