"""The tables of points; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Index, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
_NOW = text("bankloop_now()")

points_lot = Table(
    "points_lot",
    metadata,
    Column("lot", Text, primary_key=True),
    Column("customer_no", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("state", "rule", "reason", "issuer")),
    Column("earned_on", Date, nullable=False),
    Column("active_from", Date, nullable=False),
    Column("expires_on", Date, nullable=True),
    Column("earned_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("made_by", Text, nullable=False),
    Index("points_lot_customer", "customer_no", "expires_on", "lot"),
    Index("points_lot_pending", "active_from", postgresql_where=text("state = 'pending'")),
    Index("points_lot_ending", "expires_on", postgresql_where=text("state = 'active' AND remaining > 0")),
)

points_spend = Table(
    "points_spend",
    metadata,
    Column("spend", Text, primary_key=True),
    Column("customer_no", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("points_spend_customer", "customer_no", "made_at"),
)

points_part = Table(
    "points_part",
    metadata,
    Column("spend", Text, ForeignKey("points_spend.spend"), primary_key=True),
    Column("lot", Text, ForeignKey("points_lot.lot"), primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False, server_default="0"),
)

points_report = Table(
    "points_report",
    metadata,
    Column("day", Date, primary_key=True),
    Column("figures", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)
