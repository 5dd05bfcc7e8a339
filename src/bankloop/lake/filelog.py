"""Which files were loaded, by which mapping: kept in the lake itself, so that it commits together with their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

import duckdb

from bankloop.kit.errors import DataError
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.lake.engine import arrow, parquet
from bankloop.lake.sources import Source

TABLE = "loaded_file"
# A source's words that do not change what becomes of a file's rows.
_BESIDE = ("name", "place", "path", "expected", "reject_ppm", "mode")

FileKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file of one source as it was loaded last.

    ``mapping`` is None where it was loaded before mappings were kept.
    """

    source: str
    file: str
    digest: str
    day: date | None
    mapping: str | None


@dataclass
class FileLog:
    """The files loaded so far, and those that this load adds."""

    loaded: dict[FileKey, LoadedFile] = field(default_factory=dict)
    added: list[dict[str, object]] = field(default_factory=list)

    def knows(self, source: Source, file: str, content: str) -> bool:
        """Return whether a file of this content was loaded from this source."""
        return (source.name, file, content) in self.loaded

    def remapped(self, source: Source, file: str, content: str) -> bool:
        """Return whether a file was loaded by another mapping than the source has now."""
        mapping = self.loaded[source.name, file, content].mapping
        return mapping is not None and mapping != mapping_of(source)

    def add(self, source: Source, file: str, content: str, day: date | None, **counts: object) -> None:
        """Remember that a file is loaded by the source's mapping of now."""
        entry = LoadedFile(source.name, file, content, day, mapping_of(source))
        key = (source.name, file, content)
        if self.loaded.get(key) != entry:
            self.loaded[key] = entry
            self.added.append({**asdict(entry), **counts})

    def check_there(self, source: Source, delivered: Collection[str]) -> None:
        """Raise ``DataError`` where loading a table again would lose what a file brought that is not there any more.

        Of snapshots only the newest day's files matter: what is read now is theirs.
        """
        mine = [one for one in self.loaded.values() if one.source == source.name]
        if source.mode == "replace":
            newest = max((one.day for one in mine if one.day), default=None)
            mine = [one for one in mine if one.day == newest]
        gone = sorted({one.file for one in mine} - set(delivered))
        if gone:
            raise files_gone(source.table, gone)


def mapping_of(source: Source) -> str:
    """Return the digest of all that decides what becomes of a file's rows."""
    return digest(_words(source))


def _words(source: Source) -> dict[str, Any]:
    said = {one.name: getattr(source, one.name) for one in fields(source) if one.name not in (*_BESIDE, "query")}
    said["columns"] = {name: asdict(column) for name, column in source.columns.items()}
    if source.query is not None:
        asked = {name: _words(one) for name, one in source.query.files.items()}
        said["query"] = [source.query.sql, source.query.database, asked]
    return said


def read_log(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> FileLog:
    """Return the log that the lake's own files keep; of a file loaded again, as it was loaded last."""
    files = list(paths)
    if not files:
        return FileLog()
    # The oldest of these files were written before mappings were kept.
    rows = arrow(connection, f"SELECT * FROM {parquet(files, ', union_by_name = true')} ORDER BY load_id")
    found = [
        LoadedFile(row["source"], row["file"], row["digest"], row["day"], row.get("mapping"))
        for row in rows.to_pylist()
    ]
    return FileLog({(one.source, one.file, one.digest): one for one in found})


def files_gone(table: str, gone: Sequence[str]) -> DataError:
    """Files whose rows a table holds and that are not there to be read again."""
    return DataError(
        "lake.files_gone",
        Text(
            "表 {table} 里有 {count} 个文件的行，而这些文件已不在 data/incoming（例如 {file}），重新装载会丢掉它们；"
            "请先放回，确要丢掉再加 --accept-loss {table}",
            "table {table} holds rows of {count} files that are not in data/incoming any more ({file}, for one), and "
            "loading again would lose them; put them back, or add --accept-loss {table} where they may go",
        ),
        table=table,
        count=len(gone),
        file=gone[0],
    )
