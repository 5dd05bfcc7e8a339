"""Bring a bank's source files into the lake: all tables of a load become visible together, or none does."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.kit.ids import uuid7
from bankloop.lake import errors, expectations, extract, filelog, files, incoming, origins, quality, quarantine
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.conforming import Conformed, conform_files
from bankloop.lake.contracts import LoadReport, SourceReport
from bankloop.lake.engine import literal, name, parquet, schema_of
from bankloop.lake.incoming import Delivery
from bankloop.lake.rules import RULE_TEXT
from bankloop.lake.secret import hmac_pads, token_key
from bankloop.lake.service import Lake, contract_of
from bankloop.lake.sources import OWN, Source, read_sources
from bankloop.lake.standstill import unread_files
from bankloop.lake.writer import LakeWriter
from bankloop.store.contracts import LakeVersion

Progress = Callable[[str, int, int], None]
"""Called with a source's name, the deliveries done and their number."""

# Whose identifiers are kept: customers, by their number.
_PERSONS, _PERSON = "customer", "customer_no"
_SEALED_AT_ONCE = 100_000
# A bank that loses half of its customers, holdings or units in a day has lost a file.
_KEPT_SHARE = Fraction(1, 2)
_KNOWN = " ANTI JOIN (SELECT {person} AS key, {{token}} AS token FROM {stored}) USING (key, token)"


def load_bank(
    folder: Path,
    lake: Lake,
    progress: Progress | None = None,
    *,
    accept_loss: Collection[str] = (),
    again: Collection[str] = (),
) -> LoadReport:
    """Load what has arrived under ``folder``/data/incoming since the last load.

    Files are taken day by day. Bad rows go to data/quarantine/<load>/, the good ones into new versions that are
    committed in one transaction at the end. A snapshot may lose most of its rows only in the tables of ``accept_loss``.
    The tables of ``again`` are made anew of every file that is still there: by a mapping that was corrected.
    Raises ``SpecError`` for bank.yaml, ``DataError`` for a broken contract, too many bad rows, a day after today or a
    snapshot that lost its rows, ``LockedError`` and ``EnvironmentFault``; each leaves the lake as it was.
    """
    sources = read_sources(folder)
    for table in again:
        contract_of(table)
    deliveries, waiting = incoming.find(folder / "data" / "incoming", sources)
    scratch = folder / "data" / "tmp" / f"load-{uuid4().hex}"
    with lake.writing() as writer, errors.guarded("data/lake"):
        # One load at a time: what lies here is of a load that was killed.
        for dead in scratch.parent.glob("load-*"):
            shutil.rmtree(dead, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            with lake.engine() as connection:
                load = _Load(lake, writer, connection, scratch, sources, frozenset(accept_loss), frozenset(again))
                incoming.check_days(deliveries, lake.today())
                drawn, lacking = extract.draw(lake, sources, scratch, load.superseded)
                waiting += lacking
                together = incoming.in_order([*deliveries, *drawn], sources)
                load.check_again(together)
                load.run(together, progress or (lambda *_: None))
                versions = {v.table: v.version for v in writer.staged if v.table not in OWN}
                load.seal()
                writer.commit()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    known, beside = (tuple(load.already), tuple(load.superseded)), tuple(load.remapped)
    unread = unread_files(folder, sources)
    return LoadReport(load.id, tuple(load.reports), versions, tuple(waiting), *known, beside, unread)


@dataclass
class _Load:
    lake: Lake
    writer: LakeWriter
    connection: duckdb.DuckDBPyConnection
    scratch: Path
    sources: Sequence[Source]
    accept_loss: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    reports: list[SourceReport] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    remapped: list[str] = field(default_factory=list)
    anew: dict[str, LakeVersion] = field(default_factory=dict)
    measures: list[dict[str, object]] = field(default_factory=list)
    personal: list[list[tuple[str, pa.Table]]] = field(default_factory=list)
    all_aside: bool = False

    def __post_init__(self) -> None:
        self.id = str(uuid7(int(self.lake.clock.now().timestamp() * 1000)))
        inner, outer = hmac_pads(token_key(self.lake.folder))
        for variable, pad in (("token_inner", inner), ("token_outer", outer)):
            self.connection.execute(f"SET VARIABLE {variable} = unhex('{pad.hex()}')").fetchall()
        version = self.writer.current(filelog.TABLE)
        self.log = filelog.read_log(self.connection, self.writer.paths(version) if version else ())

    def check_again(self, deliveries: Sequence[Delivery]) -> None:
        """Raise ``DataError`` where a table cannot be made anew without losing rows that nobody said may go."""
        delivered = {self._label(path) for delivery in deliveries for path in delivery.files}
        for source in self.sources:
            # A database is asked anew, and its answer of now is the whole of a snapshot.
            answered = source.query is not None and source.query.database and source.mode == "replace"
            if source.table in self.again - self.accept_loss and not answered:
                self.log.check_there(source, delivered)

    def run(self, deliveries: Sequence[Delivery], progress: Progress) -> None:
        done = 0
        for (day, table), group in itertools.groupby(deliveries, key=lambda d: (d.day, d.source.table)):
            together = list(group)
            self._table(table, day, together)
            for delivery in together:
                done += 1
                progress(delivery.source.name, done, len(deliveries))
        self._write_log()

    def _table(self, table: str, day: date | None, deliveries: list[Delivery]) -> None:
        """Stage the next version of ``table`` from one day's deliveries; nothing new, no version."""
        digests = {path: files.file_digest(path) for delivery in deliveries for path in delivery.files}
        fresh = {
            path: digests[path]
            for delivery in deliveries
            for path in delivery.files
            if table in self.again or not self.log.knows(delivery.source, self._label(path), digests[path])
        }
        self._note_known(deliveries, digests, fresh)
        if not fresh:
            return
        as_of, current = day or self.lake.today(), self._current(table)
        mode = deliveries[0].source.mode
        if mode == "replace" and current is not None and day is not None and current.as_of > day:
            self.superseded.extend(self._label(path) for path in fresh)
            return
        old = self.writer.paths(current) if current is not None and mode == "append" else []
        target, made, rows = self.writer.folder(), 0, 0
        for delivery in deliveries:
            # A snapshot is the union of its files; of the others, only what is new.
            paths = [p for p in delivery.files if mode == "replace" or p in fresh]
            if not paths:
                continue
            stored = [*old, *(str(p) for p in sorted(target.glob("*.parquet")))]
            result = self._conform(delivery, paths, stored)
            totals = self._control(delivery.source, paths, result)
            rows += result.loaded
            made += self._store(delivery.source, result, digests, target, made, keep_empty=mode != "append")
            self._record(delivery, paths, digests, result)
            self._measure(delivery, result, current, totals)
            if mode != "append":
                self._set_aside(delivery.source, result, self.writer.paths(current) if current else [])
        if mode == "upsert" and current is not None:
            rows += self._keep_unchanged(table, self.writer.paths(current), target)
        if mode == "replace" and current is not None and table not in self.accept_loss:
            self._check_loss(current, rows, deliveries)
        elif (
            table in self.again - self.accept_loss and (before := self.writer.current(table)) and before.as_of <= as_of
        ):
            self._check_loss(before, rows, deliveries)
        if mode == "append" and not made:
            shutil.rmtree(target)
            return
        keep = current.files if current is not None and mode == "append" else ()
        total = rows + (current.rows if current is not None and mode == "append" else 0)
        self.anew[table] = self.writer.stage(table, target, total, as_of, keep)

    def _current(self, table: str) -> LakeVersion | None:
        """Return the version that what comes is added to: of a table that is made anew, what this load made of it."""
        return self.anew.get(table) if table in self.again else self.writer.current(table)

    def _note_known(
        self, deliveries: Sequence[Delivery], digests: Mapping[Path, str], fresh: Mapping[Path, str]
    ) -> None:
        for delivery in deliveries:
            for path in (path for path in delivery.files if path not in fresh):
                label = self._label(path)
                self.already.append(label)
                if self.log.remapped(delivery.source, label, digests[path]):
                    self.remapped.append(f"{delivery.source.table}: {label}")

    def _check_loss(self, current: LakeVersion, rows: int, deliveries: Sequence[Delivery]) -> None:
        """Raise ``DataError`` where a snapshot loses most of its rows: cut short more likely than true."""
        if rows < current.rows * _KEPT_SHARE:
            place = ", ".join(self._label(path) for delivery in deliveries for path in delivery.files)
            raise errors.lost_rows(current.table, place, rows, current.rows)

    def _conform(self, delivery: Delivery, paths: Sequence[Path], stored: Sequence[str]) -> Conformed:
        source = delivery.source
        references = {}
        for column in source.contract.columns:
            if column.references and (version := self.writer.current(column.references[0])) is not None:
                references[column.references[0]] = self.writer.paths(version)
        return conform_files(
            self.connection,
            source,
            paths,
            self.scratch,
            now=self.lake.clock.now(),
            today=self.lake.today(),
            stored=stored,
            references=references,
        )

    def _control(self, source: Source, paths: Sequence[Path], result: Conformed) -> int:
        """Reconcile what each file's flag states with what the file holds; return how many totals agreed."""
        agreed = 0
        for index, path in enumerate(paths):
            stated = expectations.stated_totals(path) or {}
            for total in source.expected.control:
                if total not in stated:
                    raise errors.no_control_total(self._label(path), total)
            for total, wanted in stated.items():
                found = self._total(total, index, result)
                if found != wanted:
                    raise errors.control_total(self._label(path), total, _plain(found), _plain(wanted))
                agreed += 1
        return agreed

    def _total(self, total: str, index: int, result: Conformed) -> Decimal | None:
        """Return a file's rows, unreadable ones included, or the sum of one of its columns; None where it has no such one."""
        if total == expectations.ROWS:
            count = self.connection.execute(f"SELECT count(*) FROM raw WHERE _file = {index}").fetchall()[0][0]
            return Decimal(count) + result.files[index].rejected
        if total not in result.files[index].columns:
            return None
        value = f"TRY_CAST(replace(CAST({name(total)} AS VARCHAR), ',', '') AS DECIMAL(38, 4))"
        found = self.connection.execute(f"SELECT sum({value}) FROM raw WHERE _file = {index}").fetchall()[0][0]
        return Decimal(found or 0)

    def _measure(self, delivery: Delivery, result: Conformed, current: LakeVersion | None, totals: int) -> None:
        source = delivery.source
        found = quality.measured(
            self.connection, source.name, source.contract, source.expected, result,
            self.writer.paths(current) if current else [], delivery.day, self.lake.today(), totals,
        )  # fmt: skip
        now = self.lake.clock.now()
        self.measures += [one.row(self.id, now) for one in found]

    def _store(
        self,
        source: Source,
        result: Conformed,
        digests: Mapping[Path, str],
        target: Path,
        made: int,
        *,
        keep_empty: bool,
    ) -> int:
        """Write the good rows into ``target``; return how many files that took."""
        if not result.loaded and not (keep_empty and made == 0):
            return 0
        for index, place in enumerate(sorted(result.verbatim)):
            shutil.copyfile(result.files[place].path, target / f"part-{made + index}.parquet")
        copied = len(result.verbatim)
        if copied == len(result.files):
            return copied
        part = target / f"part-{made + copied}.parquet"
        self.connection.execute(f"COPY ({result.good}) TO {literal(part)} (FORMAT parquet)").fetchall()
        origins.write_lines(self.connection, source.contract, part, result, digests)
        return copied + 1

    def _set_aside(self, source: Source, result: Conformed, stored: Sequence[str]) -> None:
        """Remember the identifiers of customers that are new or another than those stored; an empty vault gets them all."""
        if self.lake.vault is None or source.table != _PERSONS or not result.personal:
            return
        everybody = not stored or (not self.all_aside and self.lake.vault.empty())
        known = "" if everybody else _KNOWN.format(stored=parquet(list(stored)), person=_PERSON)
        aside = []
        for kind, query in result.personal.items():
            column = next(c for c, given in source.columns.items() if given.pii == kind)
            found = self.connection.sql(f"FROM ({query}){known.replace('{token}', name(column))}")
            aside.append((kind, found.to_arrow_table()))
        self.personal.append(aside)
        # Of a snapshot that all were taken from, the next day's file is known but for what it changes.
        self.all_aside = self.all_aside or (everybody and source.mode == "replace")

    def seal(self) -> None:
        """Hand what was set aside to the vault, in batches: when every source has passed, just before the versions commit.

        A load that is killed in between has not loaded its files: it hands the same identifiers over once more.
        """
        vault = self.lake.vault

        def keep(kind: str, batch: pa.RecordBatch, first: bool) -> int:
            assert vault is not None
            return vault.keep(kind, batch["key"].to_pylist(), batch["value"].to_pylist(), first=first)

        # One batch is sealed here while the database takes another in; a day waits for the one before, whose word it changes.
        with ThreadPoolExecutor(2) as pool:
            for day, aside in enumerate(self.personal):
                first = day == 0 and vault is not None and vault.empty()
                batches = [
                    (kind, one, first)
                    for kind, table in aside
                    for one in table.to_batches(max_chunksize=_SEALED_AT_ONCE)
                ]
                for kept in [pool.submit(keep, *one) for one in batches]:
                    kept.result()

    def _keep_unchanged(self, table: str, old: list[str], target: Path) -> int:
        keys = ", ".join(name(k) for k in CONTRACTS[table].key)
        new = parquet([str(p) for p in sorted(target.glob("*.parquet"))])
        kept = f"SELECT * FROM (FROM {parquet(old)}) ANTI JOIN (FROM {new}) USING ({keys})"
        self.connection.execute(f"COPY ({kept}) TO {literal(target / 'kept.parquet')} (FORMAT parquet)").fetchall()
        origins.keep_lines(self.connection, CONTRACTS[table], old, new, target / "kept.parquet")
        return int(pq.read_metadata(target / "kept.parquet").num_rows)

    def _record(self, delivery: Delivery, paths: Sequence[Path], digests: dict[Path, str], result: Conformed) -> None:
        """Keep the report; write the quarantine; stop the load when too much of the source is bad."""
        source, report = delivery.source, None
        if result.bad.rows:
            folder = self.lake.folder / "data" / "quarantine" / self.id
            label = f"{source.name}-{delivery.day:%Y%m%d}" if delivery.day else source.name
            report = quarantine.write(folder, label, result.bad).relative_to(self.lake.folder).as_posix()
        if result.bad.rows * 1_000_000 > source.reject_ppm * result.read:
            worst = result.bad.counts[0]
            text = RULE_TEXT[worst.rule]
            raise errors.too_many_bad_rows(
                f"{source.name} ({source.place})",
                result.bad.rows,
                result.read,
                source.reject_ppm,
                f"{worst.column} {text.zh}/{text.en}".strip(),
                report or "",
            )
        names = tuple(self._label(path) for path in paths)
        self.reports.append(
            SourceReport(
                source.name,
                source.table,
                delivery.day,
                names,
                result.read,
                result.loaded,
                result.known,
                result.bad.rows,
                result.bad.counts,
                report,
            )
        )
        counts = {"load_id": self.id, "rows_read": result.read, "quarantined": result.bad.rows}
        for path in paths:
            self.log.add(source, self._label(path), digests[path], delivery.day, **counts)

    def _write_log(self) -> None:
        for table, rows in ((filelog.TABLE, self.log.added), (quality.TABLE, self.measures)):
            if not rows:
                continue
            current, target = self.writer.current(table), self.writer.folder()
            pq.write_table(pa.Table.from_pylist(rows, schema=schema_of(CONTRACTS[table])), target / "part-0.parquet")
            count = len(rows) + (current.rows if current else 0)
            self.writer.stage(table, target, count, self.lake.today(), current.files if current else ())

    def _label(self, path: Path) -> str:
        return path.relative_to(self.lake.folder / "data" / "incoming").as_posix()


def _plain(total: Decimal | None) -> str:
    return "—" if total is None else f"{total:,f}"
