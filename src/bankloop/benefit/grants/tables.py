"""The table of grants; the store's migrations create it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, MetaData, Table, Text, Uuid, text

metadata = MetaData()

benefit_grant = Table(
    "benefit_grant",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("customer_no", "unit_id", "benefit")),
    Column("reserved_fen", BigInteger, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("refused_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("bankloop_now()")),
    Column("expires_on", Date, nullable=True),
)
