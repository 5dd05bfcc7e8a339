"""Accounts: opened with a code for the first sign-in, closed, bound to a provider's subject; second factors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from bankloop.organization.account import errors
from bankloop.organization.account.contracts import Account
from bankloop.organization.account.rules import CODE_LIFE, TOTP_SECONDS, matched_step, weakness
from bankloop.organization.account.secrets import digest_of, hashed, new_code
from bankloop.organization.account.sessions import end_sessions
from bankloop.organization.account.tables import account as table
from bankloop.store.audit import record_audit
from bankloop.store.database import keys_of, now_of
from bankloop.store.resealing import SealedColumn, register_sealed
from bankloop.store.verbs import verb

_TOTP = "totp"
for _column in ("totp_secret", "totp_next"):
    register_sealed(SealedColumn("account", ("person_id",), _column, f"'{_TOTP}'", "person_id"))
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@verb("account.open")
def open_account(connection: Connection, person_id: str) -> str:
    """Open a person's account, or renew its first sign-in, and return the code for it: shown once, valid for a day.

    Whatever password and sessions there were end with it.
    """
    code, now = new_code(), now_of(connection)
    fresh = {
        "state": "active", "password_hash": None, "must_change": True, "code_digest": digest_of(code), "code_until": now + CODE_LIFE,
        "failures": 0, "code_failures": 0, "locked_until": None, "updated_at": now,
    }  # fmt: skip
    connection.execute(
        insert(table)
        .values(person_id=person_id, **fresh)
        .on_conflict_do_update(index_elements=["person_id"], set_=fresh)
    )
    end_sessions(connection, person_id)
    record_audit(connection, "account.open", "account", person_id, None, {"until": (now + CODE_LIFE).isoformat()})
    return code


@verb("account.close")
def close_account(connection: Connection, person_id: str, reason: str = "") -> None:
    """Let a person sign in no more; their sessions end at once."""
    _known(connection, person_id)
    _change(connection, person_id, state="disabled", password_hash=None, code_digest=None)
    end_sessions(connection, person_id)
    record_audit(connection, "account.close", "account", person_id, None, {"state": "disabled"}, reason)


@verb("account.reset")
def reset_account(connection: Connection, person_id: str, reason: str = "") -> str:
    """Give an account that there is a new code for a first sign-in, its second factor gone, and return the code."""
    _known(connection, person_id)
    code = _renew(connection, person_id)
    _change(connection, person_id, totp_secret=None, totp_next=None, totp_confirmed=False, totp_step=0)
    record_audit(connection, "account.reset", "account", person_id, None, {"reset": True}, reason)
    return code


@verb("account.lock")
def lock_account(connection: Connection, person_id: str, reason: str) -> None:
    """Lock an account until it is unlocked, and end its sessions."""
    _known(connection, person_id)
    _change(connection, person_id, locked_until=_FOREVER)
    end_sessions(connection, person_id)
    record_audit(connection, "account.lock", "account", person_id, None, {"locked": True}, reason)


@verb("account.unlock")
def unlock_account(connection: Connection, person_id: str, reason: str = "") -> None:
    """Unlock an account and forget its wrong tries."""
    _known(connection, person_id)
    _change(connection, person_id, locked_until=None, failures=0, code_failures=0)
    record_audit(connection, "account.unlock", "account", person_id, None, {"locked": False}, reason)


@verb("account.bind")
def bind_subject(connection: Connection, person_id: str, subject: str | None) -> None:
    """Say which subject of the identity provider a person is; none unbinds. The account needs no password."""
    now = now_of(connection)
    other = connection.scalar(select(table.c.person_id).where(table.c.subject == subject)) if subject else None
    if other not in (None, person_id):
        raise errors.taken(str(subject))
    values = {"subject": subject, "state": "active", "updated_at": now}
    connection.execute(
        insert(table)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=["person_id"], set_=values)
    )
    record_audit(connection, "account.bind", "account", person_id, None, {"bound": subject is not None})


@verb("account.password")
def set_password(connection: Connection, person_id: str, password: str, made: str | None = None) -> None:
    """Set a person's password; raise ``InputError`` for a weak one. All their other sessions end.

    ``made`` is its hash, where several people get one password.
    """
    reason = weakness(person_id, password)
    if reason is not None:
        raise errors.weak(reason)
    _known(connection, person_id)
    _change(
        connection,
        person_id,
        password_hash=made or hashed(password),
        must_change=False,
        code_digest=None,
        code_until=None,
    )
    end_sessions(connection, person_id)
    record_audit(connection, "account.password", "account", person_id, None, {"changed": True})


@verb("account.enrol")
def begin_totp(connection: Connection, person_id: str) -> str:
    """Make a new second factor and return its secret, to be typed or read into an authenticator; not yet in force.

    The one in force stays so until the first right code of the new one.
    """
    import pyotp

    secret = pyotp.random_base32()
    _known(connection, person_id)
    _change(connection, person_id, totp_next=keys_of(connection).seal(_TOTP, secret, person_id))
    record_audit(connection, "account.enrol", "account", person_id, None, {"second_factor": "begun"})
    return secret


@verb("account.confirm")
def confirm_totp(connection: Connection, person_id: str, code: str) -> None:
    """Put the second factor that waits in force by a first right code; the one before ends with it."""
    row = _locked_row(connection, person_id)
    step = None if row is None else _step_of(connection, person_id, row["totp_next"], code, 0)
    if row is None or step is None:
        raise errors.wrong()
    _change(connection, person_id, totp_secret=row["totp_next"], totp_next=None, totp_confirmed=True, totp_step=step)
    record_audit(connection, "account.confirm", "account", person_id, None, {"second_factor": "in force"})


def use_code(connection: Connection, person_id: str, code: str) -> bool:
    """Use up a code of the person's second factor; one step early or late is accepted, none twice."""
    row = _locked_row(connection, person_id)
    step = None if row is None else _step_of(connection, person_id, row["totp_secret"], code, row["totp_step"])
    if step is None:
        return False
    _change(connection, person_id, totp_step=step)
    return True


def account_of(connection: Connection, person_id: str) -> Account | None:
    """Return a person's account."""
    row = connection.execute(select(table).where(table.c.person_id == person_id)).mappings().first()
    return _account(row) if row else None


def accounts(connection: Connection) -> list[Account]:
    """Return all accounts, by person."""
    return [_account(row) for row in connection.execute(select(table).order_by(table.c.person_id)).mappings()]


def person_of_subject(connection: Connection, subject: str) -> str | None:
    """Return who a subject of the identity provider is."""
    query = select(table.c.person_id).where(table.c.subject == subject, table.c.state == "active")
    found: str | None = connection.scalar(query)
    return found


def _renew(connection: Connection, person_id: str) -> str:
    code, now = new_code(), now_of(connection)
    fresh = {
        "state": "active", "password_hash": None, "must_change": True, "code_digest": digest_of(code), "code_until": now + CODE_LIFE,
        "failures": 0, "code_failures": 0, "locked_until": None, "updated_at": now,
    }  # fmt: skip
    made = insert(table).values(person_id=person_id, **fresh)
    connection.execute(made.on_conflict_do_update(index_elements=["person_id"], set_=fresh))
    end_sessions(connection, person_id)
    return code


def _step_of(connection: Connection, person_id: str, sealed: bytes | None, code: str, last: int) -> int | None:
    """Return the time step of a sealed factor whose code this is; None for a wrong code, and for one of ``last`` or before."""
    import pyotp

    if sealed is None:
        return None
    totp = pyotp.TOTP(keys_of(connection).unseal(_TOTP, bytes(sealed), person_id), interval=TOTP_SECONDS)
    now = int(now_of(connection).timestamp()) // TOTP_SECONDS
    codes = {step: totp.at(step * TOTP_SECONDS) for step in (now - 1, now, now + 1)}
    return matched_step(codes, code.replace(" ", ""), last)


def _locked_row(connection: Connection, person_id: str) -> Any:
    return connection.execute(select(table).where(table.c.person_id == person_id).with_for_update()).mappings().first()


def _known(connection: Connection, person_id: str) -> None:
    if connection.scalar(select(table.c.person_id).where(table.c.person_id == person_id)) is None:
        raise errors.no_account(person_id)


def _change(connection: Connection, person_id: str, **values: object) -> None:
    changed: dict[str, Any] = {**values, "updated_at": now_of(connection)}
    connection.execute(update(table).where(table.c.person_id == person_id).values(changed))


def _account(row: Any) -> Account:
    locked: datetime | None = row["locked_until"]
    return Account(
        row["person_id"], row["state"] == "active", row["password_hash"] is not None, row["must_change"],
        row["totp_confirmed"], locked, row["subject"],
    )  # fmt: skip
