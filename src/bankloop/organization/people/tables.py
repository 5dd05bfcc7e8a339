"""The tables of people: units, staff, posts, licences, leave, backups, books of customers and their transfers."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, FetchedValue, Index, Integer, Table, Text, Uuid, text

from bankloop.organization.tables import metadata


def _moment(name: str, *, key: bool = False, null: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), primary_key=key, nullable=null)


def _recorded() -> Column[object]:
    return Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue())


_OPEN = text("valid_to IS NULL")

# ``says`` is what the source said last, so that a load changes only what the source changed since.
org_unit = Table(
    "org_unit",
    metadata,
    Column("unit_id", Text, primary_key=True),
    _moment("valid_from", key=True),
    _moment("valid_to", null=True),
    Column("parent_id", Text, nullable=True),
    Column("kind", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("says", Text, nullable=False, server_default=""),
    Index("org_unit_open", "unit_id", unique=True, postgresql_where=_OPEN),
)

staff = Table(
    "staff",
    metadata,
    Column("staff_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("minutes_per_day", Integer, nullable=False),
    Column("on_leave", Boolean, nullable=False),
    _recorded(),
)

staff_post = Table(
    "staff_post",
    metadata,
    Column("staff_id", Text, primary_key=True),
    _moment("valid_from", key=True),
    _moment("valid_to", null=True),
    Column("unit_id", Text, nullable=False),
    Column("post", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("says", Text, nullable=False),
    Index("staff_post_open", "staff_id", unique=True, postgresql_where=_OPEN),
    Index("staff_post_unit", "unit_id"),
)

staff_licence = Table(
    "staff_licence",
    metadata,
    Column("staff_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("issued_on", Date, primary_key=True),
    Column("expires_on", Date, nullable=False),
)

staff_leave = Table(
    "staff_leave",
    metadata,
    Column("staff_id", Text, primary_key=True),
    Column("since", Date, primary_key=True),
    Column("until", Date, nullable=False),
    Column("reason", Text, nullable=False),
)

staff_backup = Table(
    "staff_backup",
    metadata,
    Column("staff_id", Text, primary_key=True),
    Column("backup_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    _moment("valid_from", key=True),
    _moment("valid_to", null=True),
    Column("reason", Text, nullable=False),
    Index("staff_backup_backup", "backup_id"),
)

customer_book = Table(
    "customer_book",
    metadata,
    Column("customer_no", Text, primary_key=True),
    Column("line", Text, primary_key=True),
    _moment("valid_from", key=True),
    _moment("valid_to", null=True),
    Column("unit_id", Text, nullable=False),
    Column("staff_id", Text, nullable=True),
    Column("says", Text, nullable=False),
    Index("customer_book_open", "customer_no", "line", unique=True, postgresql_where=_OPEN),
    Index("customer_book_unit", "unit_id", "customer_no"),
    Index("customer_book_staff", "staff_id", "customer_no", postgresql_where=text("staff_id IS NOT NULL")),
)

book_transfer = Table(
    "book_transfer",
    metadata,
    Column("transfer_id", Uuid, primary_key=True),
    Column("from_staff", Text, nullable=False),
    Column("to_staff", Text, nullable=False),
    Column("to_unit", Text, nullable=False),
    Column("unit_id", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("customers", ARRAY(Text), nullable=False),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("decided_by", Text, nullable=True),
    Column("moved", Integer, nullable=True),
    _recorded(),
)
