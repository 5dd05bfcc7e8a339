"""The tables of the daily report."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, ForeignKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from bankloop.performance.tables import metadata

daily_report = Table(
    "daily_report",
    metadata,
    Column("day", Date, primary_key=True),
    Column("unit_id", Text, primary_key=True),
    Column("figures", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

daily_delivery = Table(
    "daily_delivery",
    metadata,
    Column("day", Date, primary_key=True),
    Column("unit_id", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("delivered_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["day", "unit_id"], ["daily_report.day", "daily_report.unit_id"]),
)
