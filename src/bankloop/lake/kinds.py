"""What a file is by its first bytes, whatever its name and its entry say."""

from __future__ import annotations

from pathlib import Path

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake.outside import GZIP
from bankloop.lake.sheets import is_locked, locked
from bankloop.lake.sources import Source

_OLD = b"\xd0\xcf\x11\xe0"
_ASK_ZH = "把它的数据库地址（URL）写进环境变量，以 database 和 query 读取"
_ASK_EN = "put its URL into an environment variable and read it by database and query"
# What a file begins with, what it then is, and what to do about it.
_KINDS: tuple[tuple[bytes, str, str, str], ...] = (
    (b"\xff\xfe", "UTF-16", "另存为 CSV UTF-8", "save it as CSV UTF-8"),
    (b"\xfe\xff", "UTF-16", "另存为 CSV UTF-8", "save it as CSV UTF-8"),
    (_OLD, "xls, Excel 97–2003", "另存为 .xlsx", "save it as .xlsx"),
    (b"PK\x03\x04", "xlsx", "在 bank.yaml 中写 format: xlsx", "write format: xlsx in bank.yaml"),
    (b"PAR1", "Parquet", "在 bank.yaml 中写 format: parquet", "write format: parquet in bank.yaml"),
)
_FORMAT_OF = {"xlsx": "xlsx", "Parquet": "parquet"}
_LOOKED_AT = 1 << 16
_SQLITE = b"SQLite format 3\0"


def check_kind(source: Source, path: Path) -> None:
    """Raise ``DataError`` for a file whose first bytes are those of another kind."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    if is_locked(head):
        raise locked(path.name)
    if head.startswith(_SQLITE):
        raise other_kind(path.name, "SQLite", _ASK_ZH, _ASK_EN)
    head = head[:64]
    for mark, kind, zh, en in _KINDS:
        if head.startswith(mark) and _FORMAT_OF.get(kind) != source.format:
            raise other_kind(path.name, kind, zh, en)
    if source.format == "csv" and path.suffix != GZIP and head.count(0) > len(head) // 4:
        raise other_kind(path.name, "UTF-16", "另存为 CSV UTF-8", "save it as CSV UTF-8")


def file_format(path: Path) -> str:
    """Return a file's format by its first bytes: what is neither a workbook nor Parquet is text."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((_FORMAT_OF[kind] for mark, kind, _, _ in _KINDS if head == mark and kind in _FORMAT_OF), "csv")


def other_kind(place: str, kind: str, zh: str, en: str) -> DataError:
    """A file that is of another kind than its entry says."""
    return DataError(
        "lake.other_kind",
        Text("{place} 实际是 {kind}；请{zh}", "{place} is {kind}; {en}"),
        place=place,
        kind=kind,
        zh=zh,
        en=en,
    )
