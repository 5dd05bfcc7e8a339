"""The store's tables, as SQLAlchemy Core knows them; the migrations create them and a test holds both equal.

Wide facts are JSON, each read as a whole; what is filtered, joined or made unique is a column. ``organization``
declares its own tables on its own metadata, created by the same chain of migrations.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

metadata = MetaData()


def _text(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=key)


def _whole(name: str, *, null: bool = False, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null, primary_key=key, autoincrement=False)


def _round(*, key: bool = False) -> Column[int]:
    return Column("round", Integer, nullable=False, primary_key=key, autoincrement=False)


def _day(name: str, *, null: bool = False, key: bool = False) -> Column[Any]:
    return Column(name, Date, nullable=null, primary_key=key)


def _moment(name: str, *, null: bool = False) -> Column[Any]:
    """A moment; left out by the writer it is ``bankloop_now()``, the clock that the transaction was given."""
    return Column(name, DateTime(timezone=True), nullable=null, server_default=None if null else FetchedValue())


def _json(name: str) -> Column[Any]:
    return Column(name, JSONB, nullable=False)


# Uniqueness lives outside of the partitions: a unique key of a partitioned table would have to hold the month.
event_key = Table("event_key", metadata, _text("source", key=True), _whole("event_id", key=True))

event = Table(
    "event",
    metadata,
    _text("source"),
    _whole("event_id"),
    _text("customer_no"),
    _text("unit_id"),
    _text("type"),
    _day("occurred_on"),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    _text("channel"),
    _text("scene"),
    _whole("amount_fen", null=True),
    _json("properties"),
    Index("event_customer", "customer_no", "occurred_at"),
    Index("event_recorded", "recorded_at", postgresql_using="brin"),
    postgresql_partition_by="RANGE (occurred_on)",
)

decision_key = Table(
    "decision_key",
    metadata,
    _text("campaign"),
    _round(),
    _text("customer_no"),
    _text("placement"),
    _day("window_start"),
    Column("decision_id", Uuid, nullable=False),
    _text("unit_id"),
    PrimaryKeyConstraint("campaign", "round", "customer_no", "placement", "window_start"),
    UniqueConstraint("decision_id", name="decision_key_decision"),
)

decision = Table(
    "decision",
    metadata,
    Column("decision_id", Uuid, nullable=False),
    _text("campaign"),
    _round(),
    _text("customer_no"),
    _text("unit_id"),
    _text("placement"),
    _day("window_start"),
    _day("window_end"),
    _text("lock_digest"),
    Column("plan_id", Uuid, nullable=True),
    _day("as_of"),
    _text("state_digest"),
    _text("cell"),
    _text("intended_action", null=True),
    _text("issued_action", null=True),
    _json("propensities"),
    _json("attributes"),
    _json("model_versions"),
    _whole("value_fen", null=True),
    Column("reasons", ARRAY(Text), nullable=False),
    _day("due_on", null=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Index("decision_id", "decision_id", postgresql_using="hash"),
    Index("decision_customer", "customer_no", "window_start"),
    Index("decision_round", "campaign", "round"),
    postgresql_partition_by="RANGE (window_start)",
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _text("topic"),
    _text("key"),
    _text("unit_id"),
    _json("payload"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _text("last_error", null=True),
    _moment("created_at"),
    _moment("done_at", null=True),
    _text("held", null=True),
    _moment("due_at", null=True),
    _moment("tried_at", null=True),
    UniqueConstraint("topic", "key", name="outbox_once"),
    Index("outbox_waiting", "topic", "id", postgresql_where=text("done_at IS NULL")),
)

job = Table(
    "job",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    _text("kind"),
    _text("person_id"),
    _json("request"),
    _text("state"),
    _text("step"),
    Column("result", JSONB, nullable=True),
    Column("error", JSONB, nullable=True),
    _moment("made_at"),
    _moment("updated_at"),
    Column("role", Text, nullable=False, server_default=""),
    Column("purpose", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _moment("due_at"),
    _text("worker", null=True),
    _moment("held_until", null=True),
    _moment("cancel_at", null=True),
    Index("job_open", "due_at", "job_id", postgresql_where=text("state IN ('waiting', 'running')")),
)

duty = Table(
    "duty",
    metadata,
    _text("name", key=True),
    _moment("due_at"),
    _text("worker"),
    _moment("held_until"),
    _moment("began_at"),
    _moment("ended_at", null=True),
    Column("mark", Text, nullable=False, server_default=""),
    _text("error", null=True),
)

rate_count = Table(
    "rate_count",
    metadata,
    _text("key", key=True),
    Column("began_at", DateTime(timezone=True), primary_key=True),
    Column("hits", Integer, nullable=False),
)

lake_version = Table(
    "lake_version",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _text("table_name"),
    _text("version"),
    Column("files", ARRAY(Text), nullable=False),
    _whole("rows"),
    _text("digest"),
    _day("as_of"),
    _moment("recorded_at"),
    UniqueConstraint("table_name", "version", name="lake_version_once"),
)

campaign = Table(
    "campaign",
    metadata,
    _text("name", key=True),
    _text("state"),
    _text("lock_digest", null=True),
    _round(),
    _text("maker"),
    _moment("updated_at"),
)

campaign_step = Table(
    "campaign_step",
    metadata,
    _text("campaign", key=True),
    _round(key=True),
    _text("step", key=True),
    _text("state"),
    _json("detail"),
    _moment("updated_at"),
)

spec_lock = Table(
    "spec_lock",
    metadata,
    _text("digest", key=True),
    _text("campaign"),
    Column("content", JSON, nullable=False),
    _moment("recorded_at"),
)

plan = Table(
    "plan",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("campaigns", ARRAY(Text), nullable=False),
    _day("window_start"),
    _day("window_end"),
    _day("as_of"),
    _text("digest"),
    _json("prices"),
    _whole("value_fen"),
    _whole("bound_fen"),
    _whole("gap_ppm"),
    _json("summary"),
    _moment("recorded_at"),
    UniqueConstraint("window_start", "digest", name="plan_once"),
)

model_version = Table(
    "model_version",
    metadata,
    _text("model_id", key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("campaign"),
    _text("kind"),
    _json("card"),
    _text("artefact_digest"),
    _text("artefact_path"),
    _text("state"),
    _moment("recorded_at"),
    Index("model_champion", "model_id", unique=True, postgresql_where=text("state = 'champion'")),
)

audience_snapshot = Table(
    "audience_snapshot",
    metadata,
    _text("campaign", key=True),
    _round(key=True),
    _text("digest"),
    _json("waterfall"),
    _text("lake_table"),
    _text("lake_version"),
    _moment("recorded_at"),
)

result = Table(
    "result",
    metadata,
    _text("campaign", key=True),
    _round(key=True),
    _day("as_of", key=True),
    _json("reading"),
    _moment("recorded_at"),
)

shelf_notice = Table(
    "shelf_notice",
    metadata,
    Column("approval_id", Uuid, primary_key=True),
    _text("product"),
    _json("change"),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    _text("made_by"),
    _moment("recorded_at"),
)

product_review = Table(
    "product_review",
    metadata,
    Column("review_id", Uuid, primary_key=True),
    _text("product"),
    _text("trigger"),
    _whole("measured_ppm"),
    _whole("limit_ppm"),
    _moment("opened_at"),
    _moment("closed_at", null=True),
    _text("closed_by", null=True),
    _text("outcome", null=True),
    Index("product_review_open", "product", "trigger", unique=True, postgresql_where=text("closed_at IS NULL")),
)
