"""The tables of approvals: requests, every act on them, who edited what since."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bankloop.organization.tables import metadata

approval = Table(
    "approval",
    metadata,
    Column("approval_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("checker", Text, nullable=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("decided_at", DateTime(timezone=True), nullable=True),
    Column("unit_id", Text, nullable=False, server_default="*"),
    Column("lane", Text, nullable=False, server_default="agile"),
    Column("emergency", Boolean, nullable=False, server_default="false"),
    Column("demand", JSONB, nullable=False, server_default="{}"),
    Column("effect", JSONB, nullable=False, server_default="{}"),
    Column("route", ARRAY(Text), nullable=False, server_default="{first}"),
    Column("passed", Integer, nullable=False, server_default="0"),
    Column("base_digest", Text, nullable=True),
    Column("starts_on", Date, nullable=True),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Column("content", JSONB, nullable=True),
    Index("approval_object", "kind", "object_id", "submitted_at"),
    # One open question per object: a second submission voids the first.
    Index(
        "approval_open",
        "kind",
        "object_id",
        unique=True,
        postgresql_where=text("state IN ('submitted', 'consumer_ok', 'compliance_ok', 'first_ok')"),
    ),
)

act = Table(
    "approval_act",
    metadata,
    Column("approval_id", Uuid, ForeignKey("approval.approval_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("stage", Text, nullable=True),
    Column("person", Text, nullable=False),
    Column("acting_for", Text, nullable=True),
    Column("comment", Text, nullable=False),
    Column("attachments", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    # Nobody consents twice to one request, neither in the own name nor in another's.
    Index("approval_act_once", "approval_id", "person", unique=True, postgresql_where=text("act = 'pass'")),
    Index("approval_act_once_for", "approval_id", "acting_for", unique=True, postgresql_where=text("act = 'pass'")),
)

edit = Table(
    "approval_edit",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("object_id", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
)
