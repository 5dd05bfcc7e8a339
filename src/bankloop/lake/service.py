"""The lake of one bank folder: publish, append, and read through a scope."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bankloop.kit.clock import Clock, local_day
from bankloop.kit.later import later
from bankloop.lake import errors, files
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType, ContractColumn, Scope, TableContract
from bankloop.lake.engine import DUCK_TYPE, connect, literal, name, parquet, schema_of, session
from bankloop.lake.manifest import Manifest, StoreManifest
from bankloop.lake.rules import row_checks
from bankloop.lake.settings import read_zone
from bankloop.lake.vault import StoreVault, Vault
from bankloop.lake.writer import LakeWriter
from bankloop.store.contracts import LakeVersion, Principal
from bankloop.store.database import Store

if TYPE_CHECKING:
    import duckdb
    import ibis
    import ibis.expr.types as ir
    import pyarrow as pa
    import pyarrow.parquet as pq
    from ibis.backends.duckdb import Backend
else:
    ibis, pa, pq = later("ibis"), later("pyarrow"), later("pyarrow.parquet")

Rows: TypeAlias = "pa.Table | pa.RecordBatchReader"
Versions: TypeAlias = tuple[tuple[str, str], ...]

PART = "part-0.parquet"
DEFAULT_MEMORY = "2GB"
_MASKED = "***"


class Lake:
    """The analytical tables of a bank as immutable versions of Parquet files under ``data/lake``.

    ``folder`` is the bank's folder, ``manifest`` says which versions exist, ``clock`` dates them. ``memory`` and
    ``threads`` bound every engine connection that the lake opens. Without a ``vault`` identifiers are nowhere but in the files.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        clock: Clock,
        *,
        memory: str = DEFAULT_MEMORY,
        threads: int | None = None,
        vault: Vault | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.root = self.folder / "data" / "lake"
        self.root.mkdir(parents=True, exist_ok=True)
        self.manifest, self.clock, self.vault = manifest, clock, vault
        self.memory, self.threads = memory, threads
        self.zone = read_zone(self.folder)
        self._viewed: tuple[Versions, duckdb.DuckDBPyConnection] | None = None
        self._opening, self._own = threading.Lock(), threading.local()

    # Reading

    def version(self, table: str, version: str | None = None) -> LakeVersion:
        """Return the current, or the named, version of ``table``; raise ``NotFoundError`` when there is none."""
        contract_of(table)
        if version is None:
            found = self.manifest.current(table)
        else:
            found = next((v for v in self.manifest.versions(table) if v.version == version), None)
        if found is None:
            raise errors.no_version(table)
        return found

    def current_versions(self) -> dict[str, str]:
        """Return the current version of every table that has one."""
        found = self.manifest.currents()
        return {table: found[table].version for table in CONTRACTS if table in found}

    def paths(self, version: LakeVersion) -> list[str]:
        """Return the absolute paths of a version's files."""
        return [str(self.root / file) for file in version.files]

    def reading(self, version: LakeVersion) -> str:
        """Return how the engine reads a version's rows in a FROM, unmasked: for batch stages."""
        return parquet(self.paths(version))

    def connection(self, scope: Scope, versions: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
        """Return an engine connection with one view a table, nothing masked; the caller closes it.

        Views are on the current versions, or on ``versions`` (table → version) where given. A table without a version
        is an empty view. This is the door of batch stages, which say so by a whole-bank scope; people read through
        ``table``. Raises ``DeniedError`` for any narrower scope.
        """
        if not scope.whole:
            raise errors.not_whole_bank(scope.purpose)
        current, views = self.manifest.currents(), []
        for table, contract in CONTRACTS.items():
            found, wanted = current.get(table), (versions or {}).get(table)
            if wanted and (found is None or found.version != wanted):
                found = self.version(table, wanted)
            body = f"SELECT * FROM {parquet(self.paths(found))}" if found else _empty(contract)
            views.append(f"CREATE VIEW {name(table)} AS {body}")
        connection = self.engine()
        connection.execute("; ".join(views)).fetchall()
        return connection

    def engine(self) -> duckdb.DuckDBPyConnection:
        """Return an engine connection within the lake's limits, without views; the caller closes it."""
        return connect(self.folder / "data" / "tmp", self.memory, self.threads)

    def table(self, table: str, scope: Scope) -> ir.Table:
        """Return ``table`` as an Ibis table that holds only the scope's rows and masks what it may not show.

        Class C2 and confidential columns are masked (text as ``***``, the rest NULL) unless ``scope.unmask`` names
        them, or with ``scope.fields`` every column that it does not name. Tables that one thread reads share a backend as long as no new version is published, so they can be joined.
        """
        contract = contract_of(table)
        backend = self._shared_backend()
        rows = _scoped(backend, contract, scope)
        masked = {c.name: _mask(c) for c in contract.columns if scope.hides(c, contract.key)}
        return rows.mutate(**masked) if masked else rows

    def _shared_backend(self) -> Backend:
        """Return this thread's session on the current versions: the engine refuses a second call on one that is busy."""
        versions: Versions = tuple(sorted(self.current_versions().items()))
        held: tuple[Versions, Backend] | None = getattr(self._own, "held", None)
        if held is None or held[0] != versions:
            held = (versions, ibis.duckdb.from_connection(self._session(versions)))
            self._own.held = held
        return held[1]

    def _session(self, versions: Versions) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._viewed is None or self._viewed[0] != versions:
                self._viewed = (versions, self.connection(Scope.whole_bank("table"), dict(versions)))
            return session(self._viewed[1])

    # Writing

    def publish(self, table: str, rows: Rows, as_of: date) -> LakeVersion:
        """Store ``rows`` as the whole of ``table`` and return its new version.

        Raises ``DataError`` when the contract is broken (columns, types, empties, key, ranges), ``LockedError`` when
        another command writes, ``EnvironmentFault`` when the disk is full; each leaves everything as it was.
        """
        contract = contract_of(table)
        with self.writing() as writer, errors.guarded(f"data/lake/{table}"):
            folder = writer.folder()
            count = _write(contract, rows, folder / PART)
            self._check(contract, folder / PART)
            version = writer.stage(table, folder, count, as_of)
            writer.commit()
        return version

    def append(self, table: str, rows: Rows, as_of: date) -> LakeVersion:
        """Add ``rows`` to ``table``: a new version that shares the old files. A key stored already is stored once.

        Returns the current version when nothing is new. Raises as ``publish`` does.
        """
        contract = contract_of(table)
        with self.writing() as writer, errors.guarded(f"data/lake/{table}"):
            folder = writer.folder()
            count = _write(contract, rows, folder / PART)
            current = writer.current(table)
            self._check(contract, folder / PART, key=False)
            count = self._only_new(contract, folder / PART, current, count)
            if current is not None and count == 0:
                return current
            keep = current.files if current else ()
            version = writer.stage(table, folder, count + (current.rows if current else 0), as_of, keep)
            writer.commit()
        return version

    def take_back(self, table: str) -> LakeVersion:
        """Make the version before the current one current again, and return it; doing so twice undoes it.

        What the current version superseded loads with the next load. Raises ``NotFoundError`` where there is none before.
        """
        contract_of(table)
        with self.writing() as writer:
            versions = self.manifest.versions(table)
            if len(versions) < 2:
                raise errors.nothing_before(table)
            before = versions[-2]
            label = f"{before.as_of:%Y%m%d}-{len(versions) + 1:05d}-{before.digest[:8]}"
            version = replace(before, version=label, recorded_at=self.clock.now())
            writer.staged.append(version)
            writer.commit()
        return version

    @contextmanager
    def writing(self) -> Iterator[LakeWriter]:
        """Hold the writer's lock; what is staged and not committed at the end is removed."""
        with files.writer_lock(self.root):
            writer = LakeWriter(self.root, self.manifest, self.clock.now())
            try:
                yield writer
            finally:
                writer.abandon()

    def today(self) -> date:
        """Return the bank-local day."""
        return local_day(self.clock.now(), self.zone)

    def _check(self, contract: TableContract, file: Path, *, key: bool = True) -> None:
        with self.engine() as connection:
            check_file(connection, contract, [str(file)], self.clock.now(), self.today(), key=key)

    def _only_new(self, contract: TableContract, file: Path, current: LakeVersion | None, count: int) -> int:
        """Rewrite ``file`` without doubles and without the keys ``current`` holds; return its rows."""
        keys = ", ".join(name(k) for k in contract.key)
        connection = self.engine()
        new = f"SELECT * FROM {parquet([str(file)])} QUALIFY row_number() OVER (PARTITION BY {keys}) = 1"
        if current is not None:
            new = f"SELECT * FROM ({new}) ANTI JOIN {parquet(self.paths(current))} USING ({keys})"
        left = int(connection.execute(f"SELECT count(*) FROM ({new})").fetchall()[0][0])
        if left < count:
            slim = file.with_suffix(".slim")
            connection.execute(f"COPY ({new}) TO {literal(slim)} (FORMAT parquet)").fetchall()
            slim.rename(file)
        connection.close()
        return left


def open_lake(
    folder: Path, store: Store, principal: Principal, *, memory: str = DEFAULT_MEMORY, threads: int | None = None
) -> Lake:
    """Return the lake of ``folder`` whose manifest is in ``store``; ``principal`` reads and publishes it."""
    manifest, vault = StoreManifest(store, principal), StoreVault(store, principal)
    return Lake(folder, manifest, store.clock, memory=memory, threads=threads, vault=vault)


def contract_of(table: str) -> TableContract:
    """Return the contract of ``table``; raise ``NotFoundError`` with the nearest name when there is none."""
    if table not in CONTRACTS:
        raise errors.unknown_table(table, CONTRACTS)
    return CONTRACTS[table]


def check_file(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    paths: list[str],
    now: datetime,
    today: date,
    *,
    key: bool = True,
) -> None:
    """Raise ``DataError`` for the first rule of ``contract`` that the rows of Parquet files break."""
    checks = row_checks(contract, now, today)
    counts = ", ".join(f"count(*) FILTER (WHERE {check.broken})" for check in checks)
    found = connection.execute(f"SELECT {counts} FROM {parquet(paths)}").fetchall()[0] if counts else ()
    for check, rows in zip(checks, found, strict=True):
        if rows:
            raise errors.broken_rule(contract.name, check.column, check.rule, int(rows))
    keys = ", ".join(name(k) for k in contract.key)
    if not key:
        return
    doubles = connection.execute(
        f"SELECT {keys} FROM {parquet(paths)} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1000"
    ).fetchall()
    if doubles:
        example = ", ".join(str(value) for value in doubles[0])
        raise errors.duplicate_key(contract.name, ", ".join(contract.key), len(doubles), example)


def conform(contract: TableContract, schema: pa.Schema) -> None:
    """Raise ``DataError`` unless ``schema`` has the contract's columns in types that cast without loss."""
    for column in schema.names:
        if column not in contract.names:
            raise errors.unknown_column(contract.name, column, contract.names)
    for column in contract.columns:
        if column.name not in schema.names:
            raise errors.missing_column(contract.name, column.name, schema.names)
        found = schema.field(column.name).type
        if not _castable(found, column.type):
            raise errors.wrong_type(contract.name, column.name, str(found), column.type.value)


def _castable(found: pa.DataType, wanted: ColumnType) -> bool:
    if pa.types.is_dictionary(found):
        return _castable(found.value_type, wanted)
    if pa.types.is_null(found):
        return True
    match wanted:
        case ColumnType.STR:
            return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))
        case ColumnType.INT:
            return bool(pa.types.is_integer(found))
        case ColumnType.BOOL:
            return bool(pa.types.is_boolean(found))
        case ColumnType.DATE:
            return bool(pa.types.is_date(found))
        case ColumnType.TIMESTAMP:
            return bool(pa.types.is_timestamp(found))


def _write(contract: TableContract, rows: Rows, target: Path) -> int:
    conform(contract, rows.schema)
    schema, count = schema_of(contract), 0
    # Nullability is a rule with a message of its own, not a failure of the writer.
    schema = pa.schema([pa.field(f.name, f.type) for f in schema])
    batches = rows.to_batches() if isinstance(rows, pa.Table) else rows
    with pq.ParquetWriter(target, schema) as writer:
        for batch in batches:
            columns = [_cast(batch.column(field.name), field.type) for field in schema]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
            count += batch.num_rows
    return count


def _cast(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if column.type == wanted else column.cast(wanted, safe=not pa.types.is_timestamp(wanted))


def _empty(contract: TableContract) -> str:
    columns = ", ".join(f"NULL::{DUCK_TYPE[c.type]} AS {name(c.name)}" for c in contract.columns)
    return f"SELECT {columns} WHERE false"


def _scoped(backend: Backend, contract: TableContract, scope: Scope) -> ir.Table:
    rows = backend.table(contract.name)
    if scope.customers is not None:
        column = _customer_column(contract)
        if column is not None:
            named = ibis.memtable(pa.table({"_number": pa.array(sorted(scope.customers), pa.string())}))
            return rows.semi_join(named, rows[column] == named["_number"])
        return rows.filter(rows.unit_id.isin(sorted(scope.units or ()))) if "unit_id" in contract.names else rows
    if scope.units is None:
        return rows
    units = sorted(scope.units)
    if "branch_id" in contract.names:
        return rows.filter(rows.branch_id.isin(units) | rows.sub_branch_id.isin(units))
    if "unit_id" in contract.names:
        return rows.filter(rows.unit_id.isin(units))
    customers = backend.table("customer")
    mine = customers.filter(customers.branch_id.isin(units) | customers.sub_branch_id.isin(units))
    column = _customer_column(contract)
    return rows if column is None else rows.semi_join(mine, rows[column] == mine.customer_no)


def _customer_column(contract: TableContract) -> str | None:
    """Return the column that says whose a row is, if it is about a customer."""
    return next((name for name in ("customer_no", "from_no", "owner_no") if name in contract.names), None)


def _mask(column: ContractColumn) -> ir.Scalar:
    if column.type is ColumnType.STR:
        return ibis.literal(_MASKED)
    kinds = {ColumnType.INT: "int64", ColumnType.BOOL: "boolean", ColumnType.DATE: "date"}
    return ibis.null(kinds.get(column.type, "timestamp('UTC')"))
