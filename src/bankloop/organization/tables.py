"""The organization's metadata and the table of staff tasks; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    text,
)

metadata = MetaData()

staff_task = Table(
    "staff_task",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    Column("campaign", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("customer_no", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("staff_id", Text, nullable=True),
    Column("due_on", Date, nullable=False),
    Column("action", Text, nullable=False),
    Column("value_fen", BigInteger, nullable=False),
    Column("script_version", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("risk", Integer, nullable=False, server_default="0"),
    Column("licence", Text, nullable=False, server_default=""),
    Index("staff_task_unit", "unit_id", "due_on"),
    Index("staff_task_staff", "staff_id", "customer_no", postgresql_where=text("staff_id IS NOT NULL")),
    Index("staff_task_customer", "customer_no"),
)
