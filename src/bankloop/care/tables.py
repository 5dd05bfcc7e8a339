"""The tables of this room; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

work_list = Table(
    "work_list",
    metadata,
    Column("list_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("due_on", Date, nullable=False),
    Column("read", Integer, nullable=False),
    Column("usable", Integer, nullable=False),
    Column("recalled_at", DateTime(timezone=True), nullable=True),
    Column("returned", JSONB, nullable=False, server_default=FetchedValue()),
    UniqueConstraint("unit_id", "name", "digest", name="work_list_once"),
)

account_plan = Table(
    "account_plan",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("customer_no", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("goal", Text, nullable=False),
    Column("until", Date, nullable=False),
    Column("outcome", Text, nullable=False, server_default=FetchedValue()),
    Column("said", Text, nullable=False, server_default=FetchedValue()),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=True),
    Index("account_plan_open", "customer_no", "staff_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("account_plan_staff", "staff_id", postgresql_where=text("ended_at IS NULL")),
)

account_plan_step = Table(
    "account_plan_step",
    metadata,
    Column("plan_id", Uuid, ForeignKey("account_plan.plan_id"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=True),
    Column("done_by", Text, nullable=False, server_default=FetchedValue()),
    Column("said", Text, nullable=False, server_default=FetchedValue()),
)
