"""Tables in the order of customers, mapped into memory: one customer's rows are a slice, found without asking an engine.

A table is two Arrow files: the rows without their customer, texts as numbers of words; and for each customer where their
rows begin, with the words beside it. Memory pages are shared by all who read, and hold only what was looked at.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KEY = "customer_no"
_FIRST = "first"
_WORDS = b"words"


def write_ordered(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write rows that come in the order of their ``customer_no`` to ``path`` and its index beside it."""
    texts = {field.name: pa.array([], pa.string()) for field in schema if field.name != KEY and _is_text(field.type)}
    fields = [pa.field(f.name, pa.int32() if f.name in texts else f.type) for f in schema if f.name != KEY]
    numbers: list[pa.Array] = []
    firsts: list[np.ndarray] = []
    last, count = None, 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema(fields)) as writer:
        for batch in batches:
            if not batch.num_rows:
                continue
            whose = batch.column(KEY)
            begins = _begins(whose, last)
            numbers.append(whose.take(pa.array(begins)))
            firsts.append(begins + count)
            last, count = whose[-1].as_py(), count + batch.num_rows
            columns = []
            for field in fields:
                column = batch.column(field.name)
                if field.name in texts:
                    column, texts[field.name] = _coded(column, texts[field.name])
                columns.append(column)
            writer.write_batch(pa.record_batch(columns, schema=pa.schema(fields)))
    first = np.concatenate([*firsts, np.array([count])]) if firsts else np.array([0])
    ends = pa.concat_arrays([*numbers, pa.array([None], pa.string())])
    words = json.dumps({name: known.to_pylist() for name, known in texts.items()})
    index = pa.table({KEY: ends, _FIRST: pa.array(first, pa.int64())}).replace_schema_metadata({_WORDS: words})
    with pa.OSFile(str(_index(path)), "wb") as sink, pa.ipc.new_file(sink, index.schema) as writer:
        writer.write_table(index.combine_chunks())


class Ordered:
    """One table, open for reading by any number of threads."""

    def __init__(self, path: Path) -> None:
        self._files = [pa.memory_map(str(one)) for one in (path, _index(path))]
        rows, index = (pa.ipc.open_file(one) for one in self._files)
        self._batches = [rows.get_batch(place) for place in range(rows.num_record_batches)]
        self._starts = [0, *accumulate(batch.num_rows for batch in self._batches)]
        found = index.read_all()
        self._numbers, self._first = (found[name].combine_chunks() for name in (KEY, _FIRST))
        self._words: dict[str, list[str]] = json.loads(found.schema.metadata[_WORDS])

    def rows(self, number: str, most: int | None = None) -> list[dict[str, Any]]:
        """Return the first ``most`` rows of a customer, all of them where that is None."""
        customers = len(self._numbers) - 1  # the last one says where the rows end
        place = bisect_left(range(customers), number, key=lambda at: self._numbers[at].as_py())
        if place == customers or self._numbers[place].as_py() != number:
            return []
        start, stop = self._first[place].as_py(), self._first[place + 1].as_py()
        return self._between(start, stop if most is None else min(stop, start + most))

    def close(self) -> None:
        """Let go of the files."""
        for one in self._files:
            one.close()

    def _between(self, start: int, stop: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for place in range(bisect_right(self._starts, start) - 1, len(self._batches)):
            low, high = self._starts[place], self._starts[place + 1]
            if low >= stop:
                break
            found += self._batches[place].slice(max(start - low, 0), min(stop, high) - max(start, low)).to_pylist()
        for name, words in self._words.items():
            for row in found:
                if row[name] is not None:
                    row[name] = words[row[name]]
        return found


def _index(path: Path) -> Path:
    return path.with_suffix(".index.arrow")


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _begins(whose: pa.Array, last: str | None) -> np.ndarray:
    """Return the places at which another customer's rows begin than those before."""
    other = pc.not_equal(whose.slice(1), whose.slice(0, len(whose) - 1)).to_numpy(zero_copy_only=False)
    begins = np.flatnonzero(np.concatenate([[True], other]))
    return begins[1:] if whose[0].as_py() == last else begins


def _coded(column: pa.Array, known: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return texts as places among ``known`` words, and those with what is new."""
    column = column.cast(pa.string())
    codes = pc.index_in(column, value_set=known) if len(known) else pa.nulls(len(column), pa.int32())
    if codes.null_count > column.null_count:
        new = column.filter(pc.and_(pc.is_null(codes), pc.is_valid(column))).unique()
        known = pa.concat_arrays([known, new])
        codes = pc.index_in(column, value_set=known)
    return codes, known
