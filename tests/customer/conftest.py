"""People as sources write them, and the steward who judges them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from bankloop.customer.identity import RECORD_SCHEMA, Linked, Registered, link_identities, register
from bankloop.organization.rights import ROLES
from bankloop.store.contracts import Principal
from bankloop.store.database import Store

PROGRAM = Principal("system:identity", frozenset({"system"}), ("*",), "quality")
STEWARD = Principal("steward", frozenset({"data_steward"}), ("*",), "quality", rights=ROLES["data_steward"].rights)
MANAGER = Principal(
    "M1",
    frozenset({"relationship_manager"}),
    ("S1",),
    "service",
    ("retail",),
    "M1",
    rights=ROLES["relationship_manager"].rights,
)
DAY = date(2026, 6, 29)

Record = dict[str, Any]
Load = Callable[..., Registered]


def person(key: str, name: str = "王小明", **more: Any) -> Record:
    """A record with a name and a birth date, and whatever else is given."""
    return {"source_key": key, "name": name, "birth": "1990-05-04", **more}


def table_of(records: list[Record]) -> pa.Table:
    return pa.Table.from_pylist(
        [{name: one.get(name) for name in RECORD_SCHEMA.names} for one in records], RECORD_SCHEMA
    )


def linked(store: Store, **more: Any) -> Linked:
    with store.begin(PROGRAM) as connection:
        return link_identities(connection, **more)


@pytest.fixture
def load(store: Store) -> Load:
    """Take records of a source in, by default of the core system and of yesterday."""

    def take(*records: Record, source: str = "core", as_of: date = DAY, load_id: str = "L1") -> Registered:
        with store.begin(PROGRAM) as connection:
            return register(connection, source, table_of(list(records)), as_of, load_id)

    return take
