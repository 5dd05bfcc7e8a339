"""The manifest in PostgreSQL: versions commit together, with an audit row each, and are found again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy.exc import IntegrityError

from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.store.contracts import LakeVersion
from bankloop.store.database import Store

LOADER = system("loader")
UNIT = {"unit_id": "0000", "parent_id": None, "kind": "head_office", "name_zh": "总行", "name_en": "Head office"}


def units(*ids: str) -> pa.Table:
    return pa.Table.from_pylist([{**UNIT, "unit_id": i} for i in ids], schema=schema_of(CONTRACTS["unit"]))


@pytest.fixture
def lake(tmp_path: Path, store: Store) -> Lake:
    return open_lake(tmp_path, store, LOADER, memory="512MB", threads=2)


def test_versions_survive_the_process(tmp_path: Path, store: Store, lake: Lake) -> None:
    first = lake.publish("unit", units("0000"), date(2026, 6, 30))
    second = lake.publish("unit", units("0000", "0100"), date(2026, 6, 30))
    again = open_lake(tmp_path, store, LOADER)
    assert again.version("unit") == second
    assert [v.version for v in again.manifest.versions("unit")] == [first.version, second.version]


def test_all_versions_of_a_load_commit_or_none(lake: Lake) -> None:
    good = lake.publish("unit", units("0000"), date(2026, 6, 30))
    fresh = LakeVersion("staff", "new", (), 0, "d", good.as_of, good.recorded_at)
    with pytest.raises(IntegrityError):
        lake.manifest.publish([fresh, good])
    assert lake.manifest.current("staff") is None
