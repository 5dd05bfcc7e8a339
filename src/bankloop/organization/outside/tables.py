"""The table of outside staff: who is let in until when, of which company, and who answers for them."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, FetchedValue, Table, Text

from bankloop.organization.tables import metadata

outside_staff_table = Table(
    "outside_staff",
    metadata,
    Column("staff_id", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("sponsor_id", Text, nullable=False),
    Column("until", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
)
