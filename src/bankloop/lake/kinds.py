"""What a file is by its first bytes, whatever its name and its entry say."""

from __future__ import annotations

from pathlib import Path

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake.outside import GZIP
from bankloop.lake.sources import Source

# What a file begins with, what it then is, and what to do about it.
_KINDS: tuple[tuple[bytes, str, str, str], ...] = (
    (b"\xff\xfe", "UTF-16", "另存为 CSV UTF-8", "save it as CSV UTF-8"),
    (b"\xfe\xff", "UTF-16", "另存为 CSV UTF-8", "save it as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "xls, Excel 97–2003", "另存为 .xlsx", "save it as .xlsx"),
    (b"PK\x03\x04", "xlsx", "在 bank.yaml 中写 format: xlsx", "write format: xlsx in bank.yaml"),
    (b"PAR1", "Parquet", "在 bank.yaml 中写 format: parquet", "write format: parquet in bank.yaml"),
)
_FORMAT_OF = {"xlsx": "xlsx", "Parquet": "parquet"}


def check_kind(source: Source, path: Path) -> None:
    """Raise ``DataError`` for a file whose first bytes are those of another kind."""
    with path.open("rb") as file:
        head = file.read(64)
    for mark, kind, zh, en in _KINDS:
        if head.startswith(mark) and _FORMAT_OF.get(kind) != source.format:
            raise other_kind(path.name, kind, zh, en)
    if source.format == "csv" and path.suffix != GZIP and head.count(0) > len(head) // 4:
        raise other_kind(path.name, "UTF-16", "另存为 CSV UTF-8", "save it as CSV UTF-8")


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
