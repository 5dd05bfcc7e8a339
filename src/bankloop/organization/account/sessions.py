"""Sessions: read from the database at every request, so that what ends a session ends it at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from bankloop.kit.ids import uuid7
from bankloop.organization.account.contracts import Opened, Session, SignInStep
from bankloop.organization.account.rules import ABSOLUTE, TOUCH, is_over
from bankloop.organization.account.secrets import digest_of, new_token
from bankloop.organization.account.tables import session as table
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of
from bankloop.store.verbs import verb

PREFIX = "bls_"


@verb("session.open")
def open_session(
    connection: Connection,
    person_id: str,
    step: SignInStep,
    method: str,
    *,
    role: str | None = None,
    until: datetime | None = None,
) -> Opened:
    """Open a session and return it with its token; one that replaces another keeps that one's absolute end."""
    now, token = now_of(connection), new_token(PREFIX)
    end = until or now + ABSOLUTE
    made = uuid7(int(now.timestamp() * 1000))
    connection.execute(
        table.insert().values(
            digest=digest_of(token), session_id=made, person_id=person_id, step=step, method=method, role=role,
            made_at=now, seen_at=now, until=end,
        )
    )  # fmt: skip
    record_audit(
        connection, "session.open", "session", str(made), None, {"person": person_id, "step": step, "method": method}
    )
    return Opened(Session(made, person_id, step, method, role, now, now, end), token)


@verb("session.end")
def end_session(connection: Connection, session_id: UUID, reason: str = "") -> bool:
    """End a session; return whether it was open."""
    done = connection.execute(
        update(table)
        .where(table.c.session_id == session_id, table.c.ended_at.is_(None))
        .values(ended_at=now_of(connection))
    )
    if done.rowcount:
        record_audit(connection, "session.end", "session", str(session_id), None, {"ended": True}, reason)
    return bool(done.rowcount)


def end_sessions(connection: Connection, person_id: str) -> int:
    """End all sessions of a person, as part of what made them worthless."""
    done = connection.execute(
        update(table)
        .where(table.c.person_id == person_id, table.c.ended_at.is_(None))
        .values(ended_at=now_of(connection))
    )
    return done.rowcount


def rotate_session(connection: Connection, old: Session, step: SignInStep, *, role: str | None = None) -> Opened:
    """Replace a session's token where its rights change, so that one planted or seen before is worth nothing."""
    end_session(connection, old.session_id, "rotated")
    return open_session(connection, old.person_id, step, old.method, role=role or old.role, until=old.until)


def read_session(connection: Connection, token: str) -> Session | None:
    """Return the session of a token and note that it was seen; None where there is none, or it is over."""
    row = (
        connection.execute(select(table).where(table.c.digest == digest_of(token), table.c.ended_at.is_(None)))
        .mappings()
        .first()
    )
    if row is None:
        return None
    found, now = _session(row), now_of(connection)
    if is_over(found, now):
        return None
    if now - found.seen_at >= TOUCH:
        connection.execute(update(table).where(table.c.digest == row["digest"]).values(seen_at=now))
    return found


def sessions_of(connection: Connection, person_id: str) -> list[Session]:
    """Return a person's open sessions, the newest first."""
    now = now_of(connection)
    query = (
        select(table).where(table.c.person_id == person_id, table.c.ended_at.is_(None)).order_by(table.c.made_at.desc())
    )
    return [found for row in connection.execute(query).mappings() if not is_over(found := _session(row), now)]


def forget_sessions(connection: Connection) -> int:
    """Delete the sessions that are over; the audit trail remembers them."""
    return connection.execute(delete(table).where(table.c.until < now_of(connection))).rowcount


def _session(row: Any) -> Session:
    return Session(
        row["session_id"], row["person_id"], SignInStep(row["step"]), row["method"], row["role"], row["made_at"], row["seen_at"], row["until"]
    )  # fmt: skip
