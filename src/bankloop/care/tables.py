"""The tables of this room; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, FetchedValue, Integer, MetaData, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

work_list = Table(
    "work_list",
    metadata,
    Column("list_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("due_on", Date, nullable=False),
    Column("read", Integer, nullable=False),
    Column("usable", Integer, nullable=False),
    Column("recalled_at", DateTime(timezone=True), nullable=True),
    Column("returned", JSONB, nullable=False, server_default=FetchedValue()),
    UniqueConstraint("unit_id", "name", "digest", name="work_list_once"),
)
