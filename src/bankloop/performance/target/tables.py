"""The tables of targets, and of what branches narrow."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Index, Table, Text, Uuid

from bankloop.performance.tables import metadata

target = Table(
    "target",
    metadata,
    Column("target_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=True),
)

target_part = Table(
    "target_part",
    metadata,
    Column("target_id", Uuid, ForeignKey("target.target_id"), primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("parent", Text, nullable=True),
    Column("weight", Text, nullable=False),
    Column("capacity", BigInteger, nullable=True),
    Column("amount", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    Index("target_part_parent", "target_id", "parent"),
)
