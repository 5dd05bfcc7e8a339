"""What a load would do with the files that are there, without a database and changing nothing: every fault in one run.

A load stops at the first broken contract. A trial goes on: a column that is missing is taken for empty, a file that
cannot be read is passed over, and each is a finding with its cure, beside unknown codes, broken values and dangling keys.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from bankloop.kit.clock import Clock
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.lake import errors, extract, incoming
from bankloop.lake.conforming import checks_of, create_views, drop_dangling, drop_doubles, violations_sql
from bankloop.lake.contracts import ColumnType
from bankloop.lake.engine import arrow, literal, name
from bankloop.lake.incoming import DRAWN, Delivery
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.mapping import Mapped, try_columns
from bankloop.lake.quarantine import violations
from bankloop.lake.readers import RawFile, read_file
from bankloop.lake.rules import RULE_TEXT
from bankloop.lake.secret import hmac_pads
from bankloop.lake.service import Lake
from bankloop.lake.sources import Source, read_sources
from bankloop.lake.standstill import unread_files

PREVIEW = 20
# Examples of one rule on one column: enough to see the kind.
_EXAMPLES = 5
_HIDDEN = "●"


@dataclass(frozen=True, slots=True)
class TrialFinding:
    """One fault of a source's files: of ``rows`` rows, or of the file as a whole where ``rows`` is 0."""

    source: str
    file: str
    column: str
    rule: str
    rows: int
    said: Text
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """What one source would bring: rows read and good, and the first of these as they would load, as text."""

    source: str
    table: str
    files: tuple[str, ...]
    read: int
    good: int
    columns: tuple[str, ...] = ()
    preview: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class DataTrial:
    """What a load would do: by source, every finding, and what it would leave lying."""

    sources: tuple[SourceTrial, ...]
    findings: tuple[TrialFinding, ...]
    waiting: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def try_load(
    folder: Path, clock: Clock, only: frozenset[str] = frozenset(), there: Mapping[str, Sequence[str]] | None = None
) -> DataTrial:
    """Return what loading the bank's files would do; raise ``SpecError`` for a bank.yaml that cannot be.

    ``only`` are the sources to try where not all are, beside what is ``there``: the files of each table that is loaded.
    """
    every = read_sources(folder)
    sources = tuple(one for one in every if not only or one.name in only)
    unread = unread_files(folder, every)
    with _aside(folder, clock) as lake, lake.engine() as connection:
        trial = _Trial(lake, connection, lake.folder / "data" / "tmp")
        trial.beside = there is not None
        trial.stored = {table: list(paths) for table, paths in (there or {}).items()}
        for pad, variable in zip(hmac_pads(b"trial"), ("token_inner", "token_outer"), strict=True):
            connection.execute(f"SET VARIABLE {variable} = unhex('{pad.hex()}')").fetchall()
        for source in sources:
            trial.source(source)
    return DataTrial(tuple(trial.found), tuple(trial.findings), tuple(dict.fromkeys(trial.waiting)), unread)


@contextmanager
def _aside(folder: Path, clock: Clock) -> Iterator[Lake]:
    """Give an empty lake in a folder of its own that sees the bank's files as they arrived."""
    with tempfile.TemporaryDirectory(prefix="bankloop-trial-") as place:
        aside, arrived = Path(place), folder / "data" / "incoming"
        (aside / "data" / "incoming").mkdir(parents=True)
        (aside / "data" / "tmp").mkdir()
        (aside / "bank.yaml").symlink_to((folder / "bank.yaml").resolve())
        for entry in sorted(arrived.iterdir()) if arrived.is_dir() else ():
            if entry.name != DRAWN:
                (aside / "data" / "incoming" / entry.name).symlink_to(entry.resolve())
        yield Lake(aside, MemoryManifest(), clock)


@dataclass
class _Trial:
    lake: Lake
    connection: duckdb.DuckDBPyConnection
    scratch: Path
    found: list[SourceTrial] = field(default_factory=list)
    findings: list[TrialFinding] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    stored: dict[str, list[str]] = field(default_factory=dict)
    beside: bool = False

    def source(self, source: Source) -> None:
        """Try the files of one source: of snapshots the newest day's, else all of them."""
        try:
            delivered, waiting = incoming.find(self.lake.folder / "data" / "incoming", [source])
            incoming.check_days(delivered, self.lake.today())
            drawn, lacking = extract.draw(self.lake, [source], self.scratch, [])
        except BankloopError as error:
            return self._fault(source, "", error)
        self.waiting += [*waiting, *lacking]
        deliveries = incoming.in_order([*delivered, *drawn], [source])
        for delivery in deliveries[-1:] if source.mode == "replace" else deliveries:
            self._delivery(source, delivery)
        if not deliveries:
            said = Text(
                f"没有它要的文件：{source.path or source.name}；请放入 data/incoming 的日期文件夹并加 .ok",
                f"no file that it asks for: {source.path or source.name}; put it into a dated folder of "
                f"data/incoming with .ok",
            )
            self.findings.append(TrialFinding(source.name, "", "", "no_file", 0, said))

    def _delivery(self, source: Source, delivery: Delivery) -> None:
        files: list[RawFile] = []
        mapped: list[list[Mapped]] = []
        for path in delivery.files:
            try:
                with errors.guarded(path.name):
                    raw = read_file(self.connection, source, path, self.scratch)
            except BankloopError as error:
                self._fault(source, path.name, error)
                continue
            columns, faults = try_columns(source, raw)
            for fault in faults:
                self._fault(source, path.name, fault)
            files.append(raw)
            mapped.append(columns)
        if files:
            self._rows(source, files, mapped)

    def _rows(self, source: Source, files: Sequence[RawFile], mapped: Sequence[Sequence[Mapped]]) -> None:
        checks = checks_of(source, mapped, self.lake.clock.now(), self.lake.today())
        create_views(self.connection, source, files, mapped, checks)
        read = self._count("typed")
        broken = arrow(self.connection, violations_sql(mapped[0], checks))
        found = [broken.cast(_SCHEMA)] if broken.num_rows else []
        lacking = {m.column.name for columns in mapped for m in columns if m.missing}
        stored = self.stored.setdefault(source.table, [])
        if not lacking & set(source.contract.key):
            # A day's snapshot is the union of its sources: a new one must not bring what another has brought.
            taken = stored if self.beside or source.mode != "replace" else []
            drop_doubles(self.connection, source, taken, found)
        found += drop_dangling(
            self.connection, source, {t: p for t, p in self.stored.items() if p and t != source.table}
        )
        self._violations(source, pa.concat_tables(found) if found else _SCHEMA.empty_table(), files)
        kept = (
            "FROM typed WHERE _ok AND NOT EXISTS (FROM dropped d WHERE d._file = typed._file AND d._row = typed._row)"
        )
        part = self.scratch / f"{source.table}-{len(stored)}-{len(self.found)}.parquet"
        columns = ", ".join(name(c) for c in source.contract.names)
        self.connection.execute(f"COPY (SELECT {columns} {kept}) TO {literal(part)} (FORMAT parquet)").fetchall()
        stored.append(str(part))
        shown, preview = self._preview(source, mapped[0], kept)
        rejected = sum(raw.rejected for raw in files)
        names = tuple(raw.path.name for raw in files)
        good = int(self.connection.execute(f"SELECT count(*) {kept}").fetchall()[0][0])
        self.found.append(SourceTrial(source.name, source.table, names, read + rejected, good, shown, preview))

    def _count(self, relation: str) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])

    def _violations(self, source: Source, found: pa.Table, files: Sequence[RawFile]) -> None:
        """Say of each rule and column how many rows break it, with the commonest values."""
        table = violations(found, files).table
        self.connection.register("broken", table)
        rows = self.connection.execute(
            'SELECT any_value(file), "column", rule, sum(n)::BIGINT, list(value ORDER BY n DESC, value) FROM '
            '(SELECT min(file) AS file, "column", rule, value, count(*) AS n '
            'FROM broken GROUP BY "column", rule, value) '
            'GROUP BY "column", rule ORDER BY 4 DESC, 2, 3'
        ).fetchall()
        self.connection.unregister("broken")
        for file, column, rule, count, values in rows:
            examples = tuple(str(value) for value in values[:_EXAMPLES] if value is not None)
            said = _said(source, column, rule, count, examples)
            self.findings.append(TrialFinding(source.name, file, column, rule, count, said, examples))

    def _preview(
        self, source: Source, mapped: Sequence[Mapped], kept: str
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Return the first good rows as text: only columns that the files bring, and identifiers as a dot."""
        shown = [m for m in mapped if not m.missing and m.shown != "NULL"]
        if not shown:
            return (), ()
        fields = ", ".join(
            f"CASE WHEN {name(m.column.name)} IS NULL THEN '' ELSE {literal(_HIDDEN)} END"
            if m.pii
            else f"coalesce(CAST({_at_home(source, m)} AS VARCHAR), '')"
            for m in shown
        )
        rows = self.connection.execute(f"SELECT {fields} {kept} ORDER BY _file, _row LIMIT {PREVIEW}").fetchall()
        return tuple(m.column.name for m in shown), tuple(tuple(map(str, row)) for row in rows)

    def _fault(self, source: Source, file: str, error: BankloopError) -> None:
        column = str(error.fields.get("column", ""))
        self.findings.append(TrialFinding(source.name, file, column, error.code.rpartition(".")[2], 0, error.message))


_SCHEMA = pa.schema(
    [
        ("_file", pa.int32()),
        ("_row", pa.int64()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("value", pa.string()),
    ]
)


def _at_home(source: Source, mapped: Mapped) -> str:
    """Return a moment as the source's zone writes it; anything else as it is."""
    field = name(mapped.column.name)
    return f"timezone({literal(source.zone)}, {field})" if mapped.column.type is ColumnType.TIMESTAMP else field


def _said(source: Source, column: str, rule: str, rows: int, examples: Sequence[str]) -> Text:
    """Return what is wrong with a column's values and what to do about it."""
    shown = ", ".join(examples)
    meaning = RULE_TEXT[rule]
    cure = _cure(source, column, rule)
    return Text(
        f"{column} {rows:,} 行{meaning.zh}" + (f"：{shown}" if shown else "") + f"；{cure.zh}",
        f"{column}: {rows:,} rows, {meaning.en}" + (f": {shown}" if shown else "") + f"; {cure.en}",
    )


def _cure(source: Source, column: str, rule: str) -> Text:
    match rule:
        case "allowed":
            codes = " / ".join(source.contract.column(column).allowed)
            return Text(f"用 values 译成 {codes}", f"map them by values to {codes}")
        case "reference":
            table = _referred(source, column)
            return Text(f"核对 {table} 的文件是否齐全", f"check whether the files of {table} are complete")
        case "type":
            return Text("写明 date、yes/no、money 或 values", "say date, yes and no, money or values")
        case "duplicate_key":
            return Text("每个键只留一行，或换一个主键", "keep one row a key, or choose another key")
    return Text("更正这些行，或写明 values", "correct these rows, or say values")


def _referred(source: Source, column: str) -> str:
    found = source.contract.column(column).references
    return found[0] if found else source.table
