"""The tables of signing in: accounts, sessions, machines and their tokens, idempotency keys."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy import BigInteger as Big
from sqlalchemy.dialects.postgresql import JSONB

from bankloop.organization.tables import metadata


def _moment(name: str, *, null: bool = False, stamped: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=null, server_default=FetchedValue() if stamped else None)


account = Table(
    "account",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("password_hash", Text, nullable=True),
    Column("must_change", Boolean, nullable=False, server_default="false"),
    Column("code_digest", Text, nullable=True),
    _moment("code_until", null=True),
    Column("totp_secret", LargeBinary, nullable=True),
    Column("totp_confirmed", Boolean, nullable=False, server_default="false"),
    Column("totp_step", Big, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    _moment("locked_until", null=True),
    Column("subject", Text, nullable=True),
    _moment("updated_at", stamped=True),
    Column("code_failures", Integer, nullable=False, server_default="0"),
    Column("totp_next", LargeBinary, nullable=True),
    UniqueConstraint("subject", name="account_subject"),
)

session = Table(
    "session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("role", Text, nullable=True),
    _moment("made_at", stamped=True),
    _moment("seen_at", stamped=True),
    _moment("until"),
    _moment("ended_at", null=True),
    Index("session_person", "person_id", postgresql_where=text("ended_at IS NULL")),
)

machine = Table(
    "machine",
    metadata,
    Column("machine_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _moment("until"),
    _moment("revoked_at", null=True),
    _moment("made_at", stamped=True),
)

# A machine has two secrets while one replaces the other, so that it never stands outside.
machine_secret = Table(
    "machine_secret",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("machine_id", Text, ForeignKey("machine.machine_id"), nullable=False),
    Column("person_id", Text, nullable=False),
    _moment("until"),
    _moment("made_at", stamped=True),
)

access_token = Table(
    "access_token",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("machine_id", Text, ForeignKey("machine.machine_id"), nullable=False),
    Column("person_id", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _moment("until"),
    _moment("made_at", stamped=True),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    _moment("until"),
    _moment("made_at", stamped=True),
)
