"""The tables of triggers; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import ForeignKeyConstraint as Refers
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
_MOMENT = DateTime(timezone=True)
_NOW = text("bankloop_now()")

trigger_rule = Table(
    "trigger_rule",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("reads", ARRAY(Text), nullable=False),
    Column("since", _MOMENT, nullable=False, server_default=_NOW),
    Column("stopped_at", _MOMENT),
    Column("reason", Text, nullable=False, server_default=text("''")),
)

trigger_firing = Table(
    "trigger_firing",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("name", "event_key", "customer_no")),
    *(Column(name, Text, nullable=False) for name in ("unit_id", "digest", "state")),
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("reason", JSONB, nullable=False, server_default=text("'{}'")),
    Column("effects", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("occurred_at", _MOMENT, nullable=False),
    Column("accepted_at", _MOMENT, nullable=False),
    Column("fired_at", _MOMENT),
    Column("due_at", _MOMENT),
    Index("trigger_firing_due", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("trigger_firing_customer", "customer_no", "name", "occurred_at"),
    Index("trigger_firing_moment", "accepted_at"),
)

trigger_notice = Table(
    "trigger_notice",
    metadata,
    Column("notice_id", BigInteger, Identity(always=True), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("name", "event_key", "customer_no", "unit_id", "role")),
    Column("title", JSONB, nullable=False),
    Column("made_at", _MOMENT, nullable=False, server_default=_NOW),
    UniqueConstraint("name", "event_key", "customer_no", "role"),
    Refers(
        ["name", "event_key", "customer_no"],
        ["trigger_firing.name", "trigger_firing.event_key", "trigger_firing.customer_no"],
    ),
    Index("trigger_notice_role", "role", "made_at"),
)
