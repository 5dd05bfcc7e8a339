"""Every reader of what somebody else wrote, over any bytes and any tables: read, or refused with the reader's own words."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.care.worklist.reading import read_rows
from bankloop.customer.identity.reading import read_records
from bankloop.kit.bounded import read_json
from bankloop.kit.errors import BankloopError, DataError
from bankloop.kit.located import read_located
from bankloop.lake.engine import connect
from bankloop.lake.outside import HELD, parquet_within, text_within
from bankloop.lake.readers import read_file
from bankloop.lake.sheets import sheet_rows
from bankloop.lake.sources import Source
from bankloop.loop.evaluate.policy.contracts import LoggedFile
from bankloop.loop.evaluate.policy.logged import read_experiment
from tests.test_doors import BEHIND_A_DOOR, DOORS

_COLUMNS = ("source_key", "name", "phone", "accounts", "birth", "score", "group", "客户号")
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.binary(max_size=8),
    st.dates(), st.datetimes(), st.lists(st.text(max_size=4), max_size=3), st.fixed_dictionaries({"a": st.integers(0, 9)}),
)  # fmt: skip


def _logged(name: str) -> LoggedFile:
    columns = {
        "score": {"from": "score", "type": "number", "missing": 0.0},
        "paid": {"from": "source_key", "type": "money", "missing": 0.0},
        "group": {"from": "group", "type": "category"},
    }
    label = {"zh": "x", "en": "x"}
    return LoggedFile.model_validate({"file": name, "origin": label, "licence": label, "columns": columns})


def _experiment(path: Path) -> object:
    return read_experiment(path.parent, _logged(path.name))


def _delivered(path: Path) -> object:
    source = Source("units", "unit", "*", path.suffix[1:], "bank.yaml:1")
    with connect(path.parent / "spill", "256MB", 1) as engine:
        raw = read_file(engine, source, path, path.parent)
        return engine.sql(f"SELECT count(*) FROM ({raw.relation})").fetchall()


def _bounded(path: Path) -> object:
    try:
        return parquet_within(path, HELD) if path.suffix == ".parquet" else text_within(path, HELD)
    except OSError:
        return None  # as it says; whoever calls it words it


def _json(path: Path) -> object:
    try:
        return read_json(path.read_bytes(), path.name)
    except ValueError:
        return None  # no JSON, as it says


# By module that reads: the kinds of file that it takes, and how it is asked.
READERS: Mapping[str, tuple[tuple[str, ...], Callable[[Path], object]]] = {
    "kit/located.py": ((".yaml",), read_located),
    "kit/bounded.py": ((".json",), _json),
    "lake/outside.py": ((".csv", ".parquet"), _bounded),
    "lake/sheets.py": ((".xlsx",), lambda path: list(sheet_rows(path, path.name))),
    "lake/readers.py": ((".csv", ".xlsx", ".parquet"), _delivered),
    "customer/identity/reading.py": ((".csv", ".parquet"), read_records),
    "loop/evaluate/policy/logged.py": ((".csv", ".parquet"), _experiment),
    "care/worklist/reading.py": ((".xlsx",), lambda path: read_rows(path.read_bytes())),
}
CASES = [(module, kind) for module, (kinds, _) in READERS.items() for kind in kinds]


def test_every_door_and_what_reads_behind_one_is_tried() -> None:
    assert READERS.keys() >= DOORS | BEHIND_A_DOOR


def _table(columns: dict[str, list[Any]]) -> pa.Table | None:
    """Return columns of one kind each as a table; None where they hold several."""
    try:
        return pa.table(columns)
    except (pa.ArrowException, TypeError, OverflowError):
        return None


@st.composite
def _columns(draw: st.DrawFn) -> dict[str, list[Any]]:
    rows = draw(st.integers(0, 3))
    names = draw(st.lists(st.sampled_from(_COLUMNS), unique=True, max_size=5))
    return {name: [draw(_VALUES) for _ in range(1)] * rows for name in names}


def _written(kind: str, columns: dict[str, list[Any]]) -> bytes:
    """Return a file of a kind that holds the columns, as far as the kind can."""
    out, rows = io.BytesIO(), [list(columns), *map(list, zip(*columns.values(), strict=True))]
    match kind:
        case ".parquet":
            if (table := _table(columns)) is not None:
                pq.write_table(table, out)
        case ".xlsx":
            book = openpyxl.Workbook()
            for row in rows:
                book.active.append([value if isinstance(value, int | float) else ascii(value) for value in row])
            book.save(out)
        case ".json":
            out.write(json.dumps(columns, default=str).encode())
        case ".yaml":
            out.write(json.dumps(columns, default=str, ensure_ascii=False).encode())
        case _:
            out.write("\n".join(",".join(map(str, row)) for row in rows).encode("utf-8", "replace"))
    return out.getvalue()


def _with_a_fault(body: bytes, at: int, other: bytes) -> bytes:
    """Return a file of which a piece is another's."""
    place = at % (len(body) + 1)
    return body[:place] + other + body[place + len(other) :]


@pytest.mark.parametrize(("module", "kind"), CASES, ids=[f"{module}{kind}" for module, kind in CASES])
@settings(max_examples=60, deadline=None)
@given(
    columns=_columns(),
    any_bytes=st.none() | st.binary(max_size=200),
    at=st.integers(0, 10**6),
    other=st.binary(max_size=6),
)
def test_whatever_it_holds_it_is_read_or_refused_in_words(
    module: str, kind: str, columns: dict[str, list[Any]], any_bytes: bytes | None, at: int, other: bytes
) -> None:
    read = READERS[module][1]
    body = any_bytes if any_bytes is not None else _with_a_fault(_written(kind, columns), at, other)
    with TemporaryDirectory() as place:
        path = Path(place) / f"units{kind}"
        path.write_bytes(body)
        said = refusal_of(read, path)
    for engines_own in ("Error:", "Exception", "pyarrow", "duckdb"):
        assert engines_own not in said, said


def refusal_of(read: Callable[[Path], object], path: Path) -> str:
    """Return in which words a file is refused; empty where it is read. Anything but a refusal is a fault."""
    try:
        read(path)
    except BankloopError as error:
        return error.message.en
    return ""


@pytest.mark.parametrize(
    "scores",
    [pa.array([None, date(2026, 6, 30)]), pa.array([None, "many"]).dictionary_encode(), pa.array([None, b"many"])],
    ids=["days", "coded", "bytes"],
)
def test_a_logged_column_of_another_kind_is_refused_by_its_first_value(tmp_path: Path, scores: pa.Array) -> None:
    place = tmp_path / "log.parquet"
    pq.write_table(pa.table({"score": scores, "source_key": [1.0, 2.0], "group": ["a", "b"]}), place)
    with pytest.raises(DataError) as refused:
        _experiment(place)
    assert (refused.value.code, refused.value.fields["column"], refused.value.fields["row"]) == (
        "policy.value",
        "score",
        2,
    )
