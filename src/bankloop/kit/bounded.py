"""What comes from outside is bounded before it is opened: bytes, what it unpacks to, nesting, rows and columns.

A bound is far beyond any file of a bank and far below what would fill the machine. It is checked by what the file says of
itself and by what it then gives, never by making the whole of it first. Imported by path (``bankloop.kit.bounded``).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text

T = TypeVar("T")

MOST_JSON = 1 << 20
# The deepest body of the API nests seven levels.
MOST_JSON_DEPTH = 32
# Numbers longer than any amount; the language itself refuses those of more than 4,300 digits, with its own sentence.
_MOST_DIGITS = 1_000
# A string whole, closed or not, so that brackets and digits in it do not count; then what nests; then long numbers.
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[{]|[\]}]|[0-9]{%d,}' % _MOST_DIGITS, re.DOTALL)
# Repeated rows of a spreadsheet pack to a hundredth; what packs to less was made to be unpacked. Small files may.
MOST_RATIO = 300
_SMALL = 16 << 20
_COLUMNS = 2_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one file of a kind may hold: bytes as it lies there and unpacked, rows, columns."""

    size: int
    unpacked: int
    rows: int
    columns: int = _COLUMNS


def too_much(place: str, what: Text, found: int, most: int) -> DataError:
    """Return the refusal of a file that holds more than its bound."""
    return DataError(
        "file.bounds",
        Text(
            "{place}：{what} {found}，至多 {most}，不予读取；请分成几份，或检查导出方式",
            "{place}: {what} {found}, at most {most}, so it is not read; split it or check how it was exported",
        ),
        place=place,
        what=what,
        found=f"{found:,}",
        most=f"{most:,}",
    )


def size_within(place: str, size: int, most: int) -> None:
    """Raise ``DataError`` for a file of more than ``most`` bytes."""
    if size > most:
        raise too_much(place, Text("字节数", "bytes"), size, most)


def columns_within(place: str, columns: int, most: int = _COLUMNS) -> None:
    """Raise ``DataError`` for a table of more than ``most`` columns."""
    if columns > most:
        raise too_much(place, Text("列数", "columns"), columns, most)


def rows_within(place: str, rows: Iterator[T], most: int) -> Iterator[T]:
    """Yield ``rows``; raise ``DataError`` at the first beyond ``most``, whatever the file says of their number."""
    for count, row in enumerate(rows, 1):
        if count > most:
            raise too_much(place, Text("行数", "rows"), count, most)
        yield row


def unpacked_within(place: str, packed: int, unpacked: int, most: int) -> None:
    """Raise ``DataError`` for what unpacks to more than ``most`` bytes, or to far more than any honest file does."""
    if unpacked > most:
        raise too_much(place, Text("解压后字节数", "bytes unpacked"), unpacked, most)
    if unpacked > _SMALL and unpacked > MOST_RATIO * packed:
        raise too_much(place, Text("解压倍数", "times its size unpacked"), unpacked // max(packed, 1), MOST_RATIO)


def zip_within(place: str, file: Path | IO[bytes], bounds: Bounds) -> list[str]:
    """Return the names inside a zip whose stated sizes are within bounds; reading never gives more than is stated.

    Raises ``zipfile.BadZipFile`` for what is no zip, ``DataError`` for one beyond its bounds.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    unpacked_within(
        place, sum(one.compress_size for one in members), sum(one.file_size for one in members), bounds.unpacked
    )
    return [one.filename for one in members]


def check_json(body: bytes, place: str, most: int = MOST_JSON) -> None:
    """Raise ``DataError`` for JSON beyond its bounds; whether it is JSON at all is for whoever reads it."""
    size_within(place, len(body), most)
    depth = 0
    for token in _TOKENS.finditer(body):
        match token[0][:1]:
            case b"[" | b"{":
                depth += 1
                if depth > MOST_JSON_DEPTH:
                    raise too_much(place, Text("嵌套层数", "levels nested"), depth, MOST_JSON_DEPTH)
            case b"]" | b"}":
                depth -= 1
            case b'"':
                continue
            case _:
                raise too_much(place, Text("数字位数", "digits of a number"), len(token[0]), _MOST_DIGITS)


def read_json(body: bytes | str, place: str, most: int = MOST_JSON) -> Any:
    """Return the content of JSON from outside; raise ``DataError`` beyond the bounds, ``ValueError`` where it is none."""
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    check_json(data, place, most)
    return json.loads(data)
