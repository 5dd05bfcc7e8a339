"""The table of what came of events that were told; the store's migrations create it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

event_receipt = Table(
    "event_receipt",
    metadata,
    Column("receipt_id", BigInteger, Identity(always=True), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("source", "type")),
    *(Column(name, BigInteger, nullable=False) for name in ("taken", "late", "known")),
    Column("refused", JSONB, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("bankloop_now()")),
    Index("event_receipt_moment", "received_at"),
)
