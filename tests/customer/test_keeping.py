"""States on disk: read again as they were, never believed when they are not, never in the way."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from bankloop.customer.contracts import State
from bankloop.customer.keeping import KEPT_FILES, keep_state, kept_state, state_key
from bankloop.customer.state import table_digest

DAY = date(2026, 8, 23)


def _state(*ages: int | None) -> State:
    table = pa.table(
        {
            "customer_no": pa.array([f"C{i}" for i in range(len(ages))]),
            "age": pa.array(ages, pa.int64()),
            "frozen": pa.array([None] * len(ages), pa.bool_()),
            "next_maturity": pa.array([DAY] * len(ages), pa.date32()),
        }
    )
    return State(table, DAY, "catalogue", {"customer": "v1"}, table_digest(table))


def test_what_is_kept_is_found_by_its_key_and_by_its_digest(tmp_path: Path) -> None:
    state, other = _state(31, None), _state(32, 40)
    keep_state(tmp_path, state_key(DAY, "catalogue", {"customer": "v1"}), state)
    keep_state(tmp_path, state_key(DAY, "catalogue", {"customer": "v2"}), other)
    found = kept_state(tmp_path, key=state_key(DAY, "catalogue", {"customer": "v1"}))
    assert found == state
    assert kept_state(tmp_path, digest=other.digest) == other
    assert kept_state(tmp_path, key=state_key(DAY, "another", {"customer": "v1"})) is None


@pytest.mark.parametrize("damage", ["cut", "nothing", "another"])
def test_what_is_not_what_it_was_is_not_believed(tmp_path: Path, damage: str) -> None:
    state = _state(31, None)
    keep_state(tmp_path, "a" * 64, state)
    (path,) = tmp_path.glob("*.arrow")
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-40])
        case "nothing":
            path.write_bytes(b"")
        case _:
            keep_state(tmp_path / "other", "a" * 64, _state(99, None))
            (other,) = (tmp_path / "other").glob("*.arrow")
            other.replace(path)
    assert kept_state(tmp_path, digest=state.digest) is None


def test_a_disk_that_refuses_costs_nothing_but_the_copy(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.write_text("not a folder")
    keep_state(place, "a" * 64, _state(31))
    assert kept_state(place, key="a" * 64) is None
    assert place.read_text() == "not a folder"


def test_the_oldest_go(tmp_path: Path) -> None:
    for n in range(KEPT_FILES + 3):
        keep_state(tmp_path, f"{n:064d}"[::-1], _state(n))
        for path in tmp_path.glob("*.arrow"):
            os.utime(path, ns=(path.stat().st_mtime_ns - 10**9, path.stat().st_mtime_ns - 10**9))
    assert [n for n in range(KEPT_FILES + 3) if kept_state(tmp_path, digest=_state(n).digest)] == list(
        range(3, KEPT_FILES + 3)
    )
