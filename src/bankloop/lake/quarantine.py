"""Rows that broke a rule, kept with file, line, column, rule and masked value: Parquet for queries, CSV for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from bankloop.lake.contracts import RuleCount
from bankloop.lake.readers import RawFile
from bankloop.lake.rules import RULE_TEXT

_MASKED_LINE = 6
_Texts: TypeAlias = pa.ChunkedArray | Sequence[Any]


@dataclass(frozen=True, slots=True)
class Violations:
    """The broken rules of one source: ``table`` has file, line, column, rule, value and the rule in both languages."""

    table: pa.Table
    rows: int
    counts: tuple[RuleCount, ...]


def violations(found: pa.Table, files: Sequence[RawFile]) -> Violations:
    """Return broken rules with their lines; ``found`` has _file, _row, column, rule, value, in the order of rules.

    A row counts under its first broken rule, so that the counts add up to the rows in quarantine; a reject of several
    lines counts as so many.
    """
    parts = [_located(found, index, raw) for index, raw in enumerate(files)] + [_rejected(raw) for raw in files]
    table = pa.concat_tables(parts)
    seen: set[tuple[str, int]] = set()
    counts: Counter[tuple[str, str]] = Counter()
    spans = {(raw.path.name, one.line): one.span for raw in files for one in raw.rejects}
    columns = (table[name].to_pylist() for name in ("file", "line", "rule", "column"))
    for file, line, rule, column in zip(*columns, strict=True):
        if (file, line) not in seen:
            seen.add((file, line))
            counts[rule, column] += spans.get((file, line), 1)
    ordered = tuple(RuleCount(rule, column, rows) for (rule, column), rows in counts.most_common())
    return Violations(table, sum(counts.values()), ordered)


def write(folder: Path, source: str, found: Violations) -> Path:
    """Write the violations of ``source`` under ``folder``; return the CSV that people read."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(found.table, folder / f"{source}.parquet")
    report = folder / f"{source}.csv"
    with report.open("wb") as file:
        # A spreadsheet takes a CSV for UTF-8 only with the mark.
        file.write("\ufeff".encode())
        pa_csv.write_csv(found.table, file)
    return report


def _located(found: pa.Table, index: int, raw: RawFile) -> pa.Table:
    mine = found.filter(pc.equal(found["_file"], index))
    lines = raw.lines(mine["_row"].to_numpy().astype(np.int64))
    return _table(raw.path.name, lines, mine["column"], mine["rule"], mine["value"])


def _rejected(raw: RawFile) -> pa.Table:
    gone = raw.rejects
    masked = [f"{r.value[:_MASKED_LINE]}***" + (f" ({r.span} 行/lines)" if r.span > 1 else "") for r in gone]
    lines = np.array([r.line for r in gone], dtype=np.int64)
    return _table(raw.path.name, lines, [r.column for r in gone], [r.rule for r in gone], masked)


def _table(file: str, lines: np.ndarray, columns: _Texts, rules: _Texts, values: _Texts) -> pa.Table:
    names = _listed(rules)
    return pa.table(
        {
            "file": pa.array([file] * len(lines), pa.string()),
            "line": pa.array(lines, pa.int64()),
            "column": _text(columns),
            "rule": pa.array(names, pa.string()),
            "value": _text(values),
            "规则": pa.array([RULE_TEXT[rule].zh for rule in names], pa.string()),
            "meaning": pa.array([RULE_TEXT[rule].en for rule in names], pa.string()),
        }
    )


def _text(values: _Texts) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(_listed(values), pa.string())])


def _listed(values: _Texts) -> list[Any]:
    return values.to_pylist() if isinstance(values, pa.ChunkedArray) else list(values)
