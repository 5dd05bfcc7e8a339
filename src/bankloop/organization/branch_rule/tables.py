"""The table of what branches narrow; the store's migrations create it."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from bankloop.organization.tables import metadata

narrowing = Table(
    "narrowing",
    metadata,
    Column("narrowing_id", Uuid, primary_key=True),
    Column("unit_id", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("per_week", Integer, nullable=True),
    Column("withheld", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=True),
    Column("added", JSONB, nullable=False, server_default=text("'{}'")),
    Index("narrowing_open", "unit_id", "campaign", unique=True, postgresql_where=text("ended_at IS NULL")),
)
