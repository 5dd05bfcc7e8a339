"""The tables of sealed things: a data key a customer, and the vault of identifiers."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, FetchedValue, Index, LargeBinary, Table, Text

from bankloop.store.tables import metadata

customer_key = Table(
    "customer_key",
    metadata,
    Column("customer_no", Text, primary_key=True),
    Column("sealed_key", LargeBinary, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("erased_at", DateTime(timezone=True), nullable=True),
)

identifier = Table(
    "identifier",
    metadata,
    Column("customer_no", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("blind", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Index("identifier_blind", "blind", postgresql_using="hash"),
)
