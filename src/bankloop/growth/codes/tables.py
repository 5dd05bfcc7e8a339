"""The tables of channel codes; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Identity, Index, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()
_NOW = text("bankloop_now()")

channel_code = Table(
    "channel_code",
    metadata,
    Column("code", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("title", "staff_id", "unit_id", "campaign", "scene")),
    Column("places", ARRAY(Text), nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    Column("reason", Text, nullable=False, server_default=""),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("channel_code_staff", "staff_id"),
    Index("channel_code_unit", "unit_id", "made_at"),
)

channel_code_scan = Table(
    "channel_code_scan",
    metadata,
    Column("scan_id", BigInteger, Identity(always=True), primary_key=True),
    Column("code", Text, ForeignKey("channel_code.code"), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("place", "device", "state")),
    Column("scanned_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("channel_code_scan_code", "code", "scanned_at"),
)
