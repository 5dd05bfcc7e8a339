"""The tables of identity, segments and consent, as SQLAlchemy knows them; the store's migrations create them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
_OPEN = text("ended_at IS NULL")


def _text(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=key)


def _number(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, ForeignKey("identity.customer_no"), nullable=False, primary_key=key)


def _made(name: str = "made_at", *, key: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=False, primary_key=key, server_default=FetchedValue())


def _moment(name: str, *, null: bool = False, key: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=null, primary_key=key)


identity = Table(
    "identity",
    metadata,
    _text("customer_no", key=True),
    _text("source"),
    _text("key_blind"),
    Column("channel", Boolean, nullable=False),
    Column("rank", BigInteger, Identity(always=True), nullable=False),
    Column("as_of", Date, nullable=False),
    _text("load_id"),
    _made(),
    _made("changed_at"),
    _moment("linked_at", null=True),
    UniqueConstraint("source", "key_blind", name="identity_source"),
    Index("identity_waiting", "customer_no", postgresql_where=text("linked_at IS NULL")),
)

identity_record = Table(
    "identity_record",
    metadata,
    _number("customer_no", key=True),
    Column("sealed", LargeBinary, nullable=False),
    _text("digest"),
    _text("card", null=True),
)

identity_block = Table(
    "identity_block",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    _text("customer_no", key=True),
    Index("identity_block_customer", "customer_no"),
)

identity_mark = Table(
    "identity_mark",
    metadata,
    _number("customer_no", key=True),
    _text("kind", key=True),
    _text("blind", key=True),
    Column("sealed", LargeBinary, nullable=False),
    _moment("valid_from"),
    _moment("valid_to", null=True),
    Index("identity_mark_blind", "kind", "blind"),
)

identity_link = Table(
    "identity_link",
    metadata,
    _number("a", key=True),
    _number("b", key=True),
    _text("kind", key=True),
    Column("weight", Double, nullable=False),
    Column("evidence", JSONB, nullable=False),
    _text("reason"),
    _text("made_by"),
    _made(key=True),
    _moment("ended_at", null=True),
    Index("identity_link_open", "a", "b", "kind", unique=True, postgresql_where=_OPEN),
    Index("identity_link_b", "b", postgresql_where=_OPEN),
)

identity_separation = Table(
    "identity_separation",
    metadata,
    _number("a", key=True),
    _number("b", key=True),
    _text("reason"),
    _text("made_by"),
    _made(key=True),
    _moment("ended_at", null=True),
    Index("identity_separation_open", "a", "b", unique=True, postgresql_where=_OPEN),
    Index("identity_separation_b", "b", postgresql_where=_OPEN),
)

party_member = Table(
    "party_member",
    metadata,
    _number("customer_no", key=True),
    _number("party_no"),
    _moment("valid_from", key=True),
    _moment("valid_to", null=True),
    Index("party_member_open", "customer_no", unique=True, postgresql_where=text("valid_to IS NULL")),
    Index("party_member_party", "party_no"),
)

match_candidate = Table(
    "match_candidate",
    metadata,
    Column("candidate_id", Uuid, primary_key=True),
    _number("a"),
    _number("b"),
    Column("weight", Double, nullable=False),
    Column("evidence", JSONB, nullable=False),
    _text("why"),
    _text("state"),
    _text("decided_by", null=True),
    Column("reason", Text, nullable=False, server_default=""),
    _made(),
    _moment("decided_at", null=True),
    Index("match_candidate_open", "a", "b", unique=True, postgresql_where=text("state = 'waiting'")),
)

merge_event = Table(
    "merge_event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    _text("kind"),
    _text("party_no"),
    _text("other_no"),
    Column("moved", ARRAY(Text), nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("flags", ARRAY(Text), nullable=False),
    _text("made_by"),
    _text("reason"),
    _made(),
    Index("merge_event_party", "party_no"),
    Index("merge_event_other", "other_no"),
)

match_model = Table(
    "match_model",
    metadata,
    Column("version", BigInteger, Identity(always=True), primary_key=True),
    Column("model", JSONB, nullable=False),
    Column("records", BigInteger, nullable=False),
    _text("made_by"),
    _made(),
)

segment = Table(
    "segment",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    _text("kind"),
    _text("title_zh"),
    _text("title_en"),
    _text("expression"),
    Column("body", JSONB, nullable=False),
    _text("digest"),
    _text("unit_id"),
    _text("made_by"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("plan", JSONB, nullable=True),
    _moment("active_from", null=True),
    _moment("active_to", null=True),
    Index(
        "segment_active", "name", unique=True, postgresql_where=text("active_from IS NOT NULL AND active_to IS NULL")
    ),
)

identity_file = Table(
    "identity_file",
    metadata,
    _text("source", key=True),
    _text("digest", key=True),
    _text("line"),
    _text("file"),
    Column("day", Date, nullable=True),
    Column("read", BigInteger, nullable=False),
    Column("empty", BigInteger, nullable=False),
    _moment("taken_at"),
)

# Whoever reserves a contact or writes a word down holds the person's rows, so that no two count at the same time.
contact_customer = Table("contact_customer", metadata, _text("customer_no", key=True))

consent_record = Table(
    "consent_record",
    metadata,
    Column("record_no", BigInteger, Identity(always=True), primary_key=True),
    _text("customer_no"),
    _text("purpose"),
    _text("channel"),
    _text("recipient"),
    Column("stands", Boolean, nullable=False),
    Column("said_at", DateTime(timezone=True), nullable=False),
    _text("origin"),
    Column("evidence", JSONB, nullable=False),
    _text("made_by"),
    _made("recorded_at"),
    Index("consent_record_customer", "customer_no", "purpose"),
    Index("consent_record_file", "customer_no", postgresql_where=text("origin = 'file'")),
)
