"""The tables of contacts; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)

metadata = MetaData()


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, primary_key=key)


contact = Table(
    "contact",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    _text("customer_no"),
    _text("unit_id"),
    _text("channel"),
    _text("campaign"),
    _text("contact_class"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("due_day", Date, nullable=False),
    Column("accepted", Boolean, nullable=False),
    _text("refused_by"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Index("contact_customer_day", "customer_no", "due_day"),
)

# A contact that was reserved and will not be made: its product left the shelf or the customer's reach, or consent was withdrawn.
contact_stop = Table(
    "contact_stop",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    _text("customer_no"),
    _text("unit_id"),
    _text("campaign"),
    _text("reason"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
)

capacity_use = Table(
    "capacity_use",
    metadata,
    _text("channel", key=True),
    _text("unit_id", key=True),
    Column("day", Date, primary_key=True),
    Column("used", BigInteger, nullable=False),
)

offer_declined = Table(
    "offer_declined",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("customer_no", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("declined_at", DateTime(timezone=True), nullable=False),
    Column("quiet_days", Integer, nullable=False, server_default="180"),
    Index("offer_declined_customer", "customer_no", "campaign"),
)
