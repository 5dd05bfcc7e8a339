"""The tables of the trail: rows, seals, checks, purges, legal holds.

``before`` and ``after`` are json, not jsonb: the digest is over the very text that was written.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from bankloop.store.tables import metadata

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("xid", BigInteger, nullable=False, server_default=FetchedValue()),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("principal", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("before", JSON, nullable=True),
    Column("after", JSON, nullable=True),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False, server_default=""),
    Column("purpose", Text, nullable=False, server_default=""),
    Column("approval_id", Uuid, nullable=True),
    Column("class", Text, nullable=False, server_default="operation"),
    # Whose personal data the row is about; what of it is personal lies in ``sealed``, under that customer's key.
    Column("subject", Text, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Index("audit_xid", "xid"),
    Index("audit_object", "object_kind", "object_id"),
    Index("audit_subject", "subject", postgresql_where=text("subject IS NOT NULL")),
)

# One seal covers the rows of all transactions from the last horizon up to its own.
audit_seal = Table(
    "audit_seal",
    metadata,
    Column("seal", BigInteger, primary_key=True, autoincrement=False),
    Column("horizon", BigInteger, nullable=False),
    Column("row_ids", ARRAY(BigInteger), nullable=False),
    Column("row_digests", ARRAY(Text), nullable=False),
    Column("chain", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
)

audit_check = Table(
    "audit_check",
    metadata,
    Column("check_id", BigInteger, Identity(always=True), primary_key=True),
    Column("checked_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("rows", BigInteger, nullable=False),
    Column("seals", BigInteger, nullable=False),
    Column("findings", JSONB, nullable=False),
)

audit_purge = Table(
    "audit_purge",
    metadata,
    Column("purge_id", Uuid, primary_key=True),
    Column("class", Text, nullable=False),
    Column("before_day", Date, nullable=False),
    Column("row_ids", ARRAY(BigInteger), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
)

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("hold_id", Uuid, primary_key=True),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("released_at", DateTime(timezone=True), nullable=True),
)
