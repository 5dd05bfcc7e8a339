"""The one door for tables in Parquet and text that somebody else wrote: bounded before an engine reads them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.kit.bounded import Bounds, columns_within, size_within, too_much, unpacked_within
from bankloop.kit.text import Text
from bankloop.kit.wording import system_reason

# The events of a large bank's month; a delivery beyond that is cut into parts by whoever makes it.
DELIVERED = Bounds(size=64 << 30, unpacked=512 << 30, rows=2_000_000_000)
# What one reader holds in memory as a whole.
HELD = Bounds(size=1 << 30, unpacked=2 << 30, rows=50_000_000)
# The longest line that the engine takes; one quote that is never closed makes a line of the rest of a file.
MOST_LINE = 2_000_000
GZIP = ".gz"
_CHUNK = 1 << 24


def parquet_within(path: Path, bounds: Bounds = DELIVERED) -> list[str]:
    """Return the columns of a Parquet file within its bounds, judged by its footer.

    Raises ``DataError`` beyond the bounds, ``OSError`` for what is no whole Parquet file.
    """
    place = path.name
    size_within(place, path.stat().st_size, bounds.size)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            footer, names = file.metadata, list(file.schema_arrow.names)
            unpacked = sum(footer.row_group(at).total_byte_size for at in range(footer.num_row_groups))
            rows = footer.num_rows
    except (pa.ArrowException, ValueError) as error:
        raise OSError(str(error).splitlines()[0]) from error
    columns_within(place, len(names), bounds.columns)
    if rows > bounds.rows:
        raise too_much(place, Text("行数", "rows"), rows, bounds.rows)
    if unpacked > bounds.unpacked:
        raise too_much(place, Text("解压后字节数", "bytes unpacked"), unpacked, bounds.unpacked)
    return names


def why_no_parquet(error: Exception) -> Text:
    """Return why a Parquet file was not read, in words of ours: what the system says of it, or that it is none."""
    if isinstance(error, OSError) and error.errno:
        return system_reason(error)
    return Text("不是完整的 Parquet 文件", "it is no whole Parquet file")


def text_within(path: Path, bounds: Bounds = DELIVERED) -> None:
    """Raise ``DataError`` for a text whose bytes, packed or not, or lines are beyond bounds, ``OSError`` for one cut short."""
    try:
        for _ in whole_lines(path, bounds):
            pass
    except (EOFError, zlib.error) as error:
        raise OSError("cut short") from error


def whole_lines(path: Path, bounds: Bounds = DELIVERED, chunk: int = _CHUNK) -> Iterator[bytes]:
    """Yield a file, also one packed by gzip, in large pieces that end where a line ends; refuse it beyond its bounds."""
    size = path.stat().st_size
    size_within(path.name, size, bounds.size)
    tail, unpacked = b"", 0
    with cast("BinaryIO", gzip.open(path)) if path.suffix == GZIP else path.open("rb") as file:
        while piece := file.read(chunk):
            unpacked += len(piece)
            if path.suffix == GZIP:
                unpacked_within(path.name, size, unpacked, bounds.unpacked)
            joined = tail + piece
            end = joined.rfind(b"\n") + 1
            tail = joined[end:]
            if len(tail) > MOST_LINE + chunk:
                raise too_much(path.name, Text("一行的字节数", "bytes in a line"), len(tail), MOST_LINE)
            if end:
                yield joined[:end]
    if tail:
        yield tail
