"""The tables of rights: roles granted, sharing agreements with customers' consents, unmaskings."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, Column, DateTime, FetchedValue, ForeignKey, Index, Table, Text, Uuid, text

from bankloop.organization.tables import metadata


def _moment(name: str, *, key: bool = False, null: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), primary_key=key, nullable=null)


def _recorded() -> Column[object]:
    return Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue())


_LIVE = "state IN ('requested', 'open')"

role_grant = Table(
    "role_grant",
    metadata,
    Column("grant_id", Uuid, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    Column("lines", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    _moment("valid_from"),
    _moment("valid_to", null=True),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("decided_by", Text, nullable=True),
    _recorded(),
    Index("role_grant_once", "person_id", "role", unique=True, postgresql_where=text(_LIVE)),
    Index(
        "role_grant_administrators",
        "person_id",
        unique=True,
        postgresql_where=text(f"{_LIVE} AND role IN ('system_admin', 'security_admin', 'auditor')"),
    ),
)

sharing_agreement = Table(
    "sharing_agreement",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("owner_line", Text, nullable=False),
    Column("to_line", Text, nullable=False),
    Column("to_unit", Text, nullable=True),
    Column("purpose", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    Column("consent", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    _moment("valid_from"),
    _moment("valid_to"),
    Column("made_by", Text, nullable=False),
    Column("decided_by", Text, nullable=True),
    Column("reason", Text, nullable=False),
    _recorded(),
)

sharing_consent = Table(
    "sharing_consent",
    metadata,
    Column("agreement_id", Text, ForeignKey("sharing_agreement.agreement_id"), primary_key=True),
    Column("customer_no", Text, primary_key=True),
    _moment("given_at", key=True),
    _moment("withdrawn_at", null=True),
)

unmasking = Table(
    "unmasking",
    metadata,
    Column("unmasking_id", Uuid, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("customer_no", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    _moment("valid_from"),
    _moment("valid_to"),
    Index("unmasking_person", "person_id", "valid_to"),
)
