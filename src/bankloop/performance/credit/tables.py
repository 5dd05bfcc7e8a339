"""The tables of credit."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid

from bankloop.performance.tables import metadata

credit_deal = Table(
    "credit_deal",
    metadata,
    Column("deal_id", Uuid, primary_key=True),
    Column("source_key", Text, nullable=False, unique=True),
    Column("customer_no", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("task_id", Uuid, nullable=True),
    Column("credited_ppm", Integer, nullable=False, server_default="0"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Index("credit_deal_day", "happened_on"),
)

credit_share = Table(
    "credit_share",
    metadata,
    Column("deal_id", Uuid, ForeignKey("credit_deal.deal_id"), primary_key=True),
    Column("staff_id", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("share_ppm", Integer, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("task_id", Uuid, nullable=True),
    Index("credit_share_staff", "staff_id"),
)
