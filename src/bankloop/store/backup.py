"""Backup and restore of a whole bank: one snapshot of the database, and the files that belong to it.

Tables are written by COPY, so that the server's version does not matter and a small bank needs no tool; a lake version
is immutable files, so that whatever the snapshot names is still there to be copied. Keys are never in a backup: they
have one of their own. Restoring makes a new bank out of it, whole or not at all, and is an event of the anchored trail.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bankloop.kit.bounded import read_json
from bankloop.kit.clock import Clock
from bankloop.kit.ids import canonical_json, digest
from bankloop.kit.wording import system_reason
from bankloop.store import errors
from bankloop.store.audit import record_audit, seal_audit
from bankloop.store.audit.anchor import add_restore
from bankloop.store.audit.chain import SEALER, SEALS, as_seal
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, open_store
from bankloop.store.schema import HEAD, counted_as
from bankloop.store.verbs import verb

FORMAT = 1
MANIFEST = "manifest.json"
# What belongs to this machine or to a moment, what can be computed again, and what is copied by the snapshot's own list.
_LEFT = ("data/tmp", "data/cluster", "data/server.lock", "data/lake", "data/state", "data/backups")
_MONTHLY = {"event": "occurred_on", "decision": "window_start"}
_CHUNK = 1 << 20
# It names every file of the bank with its digest: a hundred bytes each.
_MOST_MANIFEST = 64 << 20

_TABLES = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
    "AND NOT c.relispartition AND c.relname <> 'alembic_version' ORDER BY 1"
)
_REFERENCES = (
    "SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
    "WHERE contype = 'f' AND conrelid <> confrelid"
)
_COLUMNS = (
    "SELECT attname, attidentity <> '' FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
    "AND NOT attisdropped ORDER BY attnum"
)
# Transactions count on from where the restored trail ended; the sealer reads the offset from this default.
_COUNT_ON = "ALTER TABLE audit ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint + {offset}"
_ENDED = "SELECT greatest((SELECT max(xid) + 1 FROM audit), (SELECT max(horizon) FROM audit_seal), 0)"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: where, when, of which schema, how many rows and files."""

    place: Path
    made_at: datetime
    schema: str
    rows: int
    files: int
    digest: str


@verb("backup.make")
def make_backup(store: Store, principal: Principal, target: Path, version: str) -> Backup:
    """Write a backup of the bank to the new folder ``target``, whole or not at all, and return what it holds."""
    if target.exists():
        raise errors.backup_exists(target)
    seal_audit(store)
    draft = target.with_name(f".{target.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "tables").mkdir(parents=True)
    try:
        with _admin(store) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute("SET LOCAL row_security = off")  # refuse rather than leave rows out
            tables = {name: _dump(connection, name, draft / "tables" / name) for name in _tables(connection)}
            months = {name: _months(connection, name, column) for name, column in _MONTHLY.items()}
            lake = [path for (files,) in connection.execute("SELECT files FROM lake_version") for path in files]
        files = _copy_files(store.folder, draft / "files", sorted(set(lake)))
        manifest = {
            "format": FORMAT,
            "schema": HEAD,
            "version": version,
            "made_at": store.clock.now().isoformat(),
            "tables": tables,
            "months": months,
            "files": files,
        }
        _write(draft / MANIFEST, canonical_json(manifest))
        draft.rename(target)
    except OSError as error:
        raise errors.disk_full(target, system_reason(error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    made = _described(target, manifest)
    with store.begin(principal) as connection:
        after = {"digest": made.digest, "rows": made.rows, "files": made.files}
        record_audit(connection, "backup.make", "backup", target.name, None, after, class_="security")
    return made


def read_backup(source: Path) -> Backup:
    """Return what a backup holds; raise ``DataError`` when it is none, of another format, or damaged."""
    manifest = _checked(source)
    return _described(source, manifest)


def restore_backup(source: Path, folder: Path, clock: Clock, principal: Principal) -> Backup:
    """Make the bank of a backup in the new ``folder``, with its database; refuse a folder that holds one."""
    manifest = _checked(source)
    if folder.exists() and any(folder.iterdir()):
        raise errors.not_empty(folder)
    try:
        shutil.copytree(source / "files", folder, dirs_exist_ok=True)
        with open_store(folder, clock) as store:
            with _admin(store) as connection:
                _refuse_a_database_in_use(connection, store.place)
                _fill(connection, source, manifest)
            _record_restore(store, source, manifest, principal)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # it was empty before
        raise
    return _described(source, manifest)


@verb("backup.restore")
def _record_restore(store: Store, source: Path, manifest: Mapping[str, Any], principal: Principal) -> None:
    """Anchor where the restored trail stands, then write the restore into it."""
    with store.begin(SEALER, Role.AUDITOR) as connection:
        last = [as_seal(row) for row in connection.exec_driver_sql(SEALS + "ORDER BY seal DESC LIMIT 1")]
    if last:
        add_restore(store.folder, last[0].seal, last[0].chain, store.clock.now().isoformat())
    with store.begin(principal) as connection:
        after = {"digest": digest(manifest), "made_at": manifest["made_at"], "version": manifest["version"]}
        record_audit(connection, "backup.restore", "backup", source.name, None, after, class_="security")
    seal_audit(store)


@contextmanager
def _admin(store: Store) -> Iterator[psycopg.Connection[Any]]:
    """One transaction of whoever migrates, who alone sees every row."""
    with closing(psycopg.connect(store.admin_dsn())) as connection, connection.transaction():
        yield connection


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables, each after those that it refers to."""
    graph: dict[str, set[str]] = {name: set() for (name,) in connection.execute(_TABLES)}
    for name, other in connection.execute(_REFERENCES):
        if name in graph and other in graph:
            graph[name].add(other)
    return list(TopologicalSorter(graph).static_order())


def _dump(connection: psycopg.Connection[Any], table: str, path: Path) -> dict[str, Any]:
    names = [name for name, _ in connection.execute(_COLUMNS, [table])]
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table)
    )
    sha = hashlib.sha256()
    with path.open("wb") as file, connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for block in copy:
                file.write(block)
                sha.update(block)
        file.flush()
        os.fsync(file.fileno())
        return {"columns": names, "rows": cursor.rowcount, "sha256": sha.hexdigest()}


def _months(connection: psycopg.Connection[Any], table: str, column: str) -> list[str]:
    query = sql.SQL("SELECT DISTINCT date_trunc('month', {})::date FROM {} ORDER BY 1")
    rows = connection.execute(query.format(sql.Identifier(column), sql.Identifier(table)))
    return [month.isoformat() for (month,) in rows if isinstance(month, date)]


def _copy_files(folder: Path, target: Path, lake: Iterable[str]) -> dict[str, str]:
    """Copy the bank's files and the lake's named ones; return the sha256 of each."""
    own = [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _left(path.relative_to(folder).as_posix())
    ]
    found = {}
    for name in [*own, *(f"data/lake/{file}" for file in lake)]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)
        shutil.copymode(folder / name, target / name)
        found[name] = _digest(target / name)
    target.mkdir(exist_ok=True)
    return found


def _left(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in _LEFT)


def _checked(source: Path) -> Mapping[str, Any]:
    """The manifest of a backup whose every byte is as it was written."""
    try:
        manifest: dict[str, Any] = read_json((source / MANIFEST).read_bytes(), MANIFEST, _MOST_MANIFEST)
        format_, schema = int(manifest["format"]), counted_as(str(manifest["schema"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.no_backup(source, type(error).__name__) from None
    if format_ > FORMAT or schema > HEAD:
        raise errors.newer_backup(source, str(manifest.get("version")), f"{format_}/{schema}", f"{FORMAT}/{HEAD}")
    if format_ < FORMAT or schema < HEAD:
        raise errors.older_backup(source, str(manifest.get("version")), f"{format_}/{schema}", f"{FORMAT}/{HEAD}")
    wanted = {f"tables/{name}": body["sha256"] for name, body in manifest["tables"].items()}
    wanted |= {f"files/{name}": value for name, value in manifest["files"].items()}
    for name, value in wanted.items():
        if not (source / name).is_file() or _digest(source / name) != value:
            raise errors.damaged_backup(source / name)
    return manifest


def _refuse_a_database_in_use(connection: psycopg.Connection[Any], place: str) -> None:
    row = connection.execute("SELECT EXISTS (SELECT FROM audit)").fetchone()
    if row is not None and row[0]:
        raise errors.database_in_use(place)


def _fill(connection: psycopg.Connection[Any], source: Path, manifest: Mapping[str, Any]) -> None:
    connection.execute("SET LOCAL row_security = off")
    names = _tables(connection)
    everything = sql.SQL(", ").join(map(sql.Identifier, names))
    connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(everything))
    for table, months in manifest["months"].items():
        for month in months:
            connection.execute("SELECT bankloop_partition(%s, %s)", [table, month])
    for name in names:
        _load(connection, name, source / "tables" / name, manifest["tables"].get(name))
    row = connection.execute(_ENDED).fetchone()
    connection.execute(sql.SQL(_COUNT_ON).format(offset=sql.Literal(int(row[0]) if row else 0)))


def _load(connection: psycopg.Connection[Any], table: str, path: Path, body: Mapping[str, Any] | None) -> None:
    if body is None:
        return
    named = sql.Identifier(table)
    columns = sql.SQL(", ").join(map(sql.Identifier, body["columns"]))
    # What was checked when it was written is not checked again.
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(named))
    with (
        connection.cursor() as cursor,
        path.open("rb") as file,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(named, columns)) as copy,
    ):
        while chunk := file.read(_CHUNK):
            copy.write(chunk)
    connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(named))
    for name, counted in connection.execute(_COLUMNS, [table]).fetchall():
        if counted:
            query = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), (SELECT max({}) FROM {}))")
            connection.execute(query.format(sql.Literal(table), sql.Literal(name), sql.Identifier(name), named))


def _described(place: Path, manifest: Mapping[str, Any]) -> Backup:
    rows = sum(body["rows"] for body in manifest["tables"].values())
    made = datetime.fromisoformat(manifest["made_at"])
    return Backup(place, made, manifest["schema"], rows, len(manifest["files"]), digest(manifest))


def _write(path: Path, written: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(written)
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
