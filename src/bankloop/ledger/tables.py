"""The tables of the ledger; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
_NOW = text("bankloop_now()")

ledger_asset = Table(
    "ledger_asset",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("scale", Integer, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

ledger_account = Table(
    "ledger_account",
    metadata,
    Column("account", Text, primary_key=True),
    Column("asset", Text, ForeignKey("ledger_asset.asset"), nullable=False),
    Column("customer_no", Text, nullable=True),
    Column("bounded", Boolean, nullable=False),
    Column("shards", Integer, nullable=False, server_default="1"),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("closed_at", DateTime(timezone=True), nullable=True),
    Index("ledger_account_customer", "customer_no", postgresql_where=text("customer_no IS NOT NULL")),
    Index("ledger_account_asset", "asset"),
)

ledger_balance = Table(
    "ledger_balance",
    metadata,
    Column("account", Text, ForeignKey("ledger_account.account"), primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("bounded", Boolean, nullable=False),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in ("debits", "credits")),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in ("held_out", "held_in")),
)

ledger_request = Table(
    "ledger_request",
    metadata,
    Column("request", Text, primary_key=True),
    Column("asked", JSONB, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

ledger_refusal = Table(
    "ledger_refusal",
    metadata,
    Column("request", Text, ForeignKey("ledger_request.request"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("line", Integer, nullable=False),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("entry_id", BigInteger, Identity(always=True), nullable=False),
    Column("request", Text, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("debit", Text, nullable=False),
    Column("debit_shard", Integer, nullable=False),
    Column("credit", Text, nullable=False),
    Column("credit_shard", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("of_request", Text, nullable=True),
    Column("of_line", Integer, nullable=True),
    Column("reason", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index(
        "ledger_entry_resolved",
        "of_request",
        "of_line",
        unique=True,
        postgresql_where=text("kind IN ('take', 'release', 'expire')"),
    ),
    Index("ledger_entry_reversed", "of_request", "of_line", unique=True, postgresql_where=text("kind = 'reverse'")),
    Index("ledger_entry_debit", "debit", "entry_id"),
    Index("ledger_entry_credit", "credit", "entry_id"),
)

ledger_hold = Table(
    "ledger_hold",
    metadata,
    Column("request", Text, ForeignKey("ledger_request.request"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("debit", Text, nullable=False),
    Column("debit_shard", Integer, nullable=False),
    Column("credit", Text, nullable=False),
    Column("credit_shard", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Index("ledger_hold_due", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    Index("ledger_hold_of", "debit"),
)
