"""The one door for spreadsheets: the first sheet of an xlsx row by row, bounded, each cell as a text or as no value.

What a file is, is judged by its bytes. What it says of its own size is not believed: rows and columns are counted as they
come. A number that a spreadsheet cannot hold to its last digit is no value, as is an error, or a formula never computed.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeAlias

from bankloop.kit.bounded import Bounds, columns_within, rows_within, size_within, zip_within
from bankloop.kit.errors import DataError
from bankloop.kit.text import Text

# A sheet has at most 1,048,576 rows; a full one of thirty columns unpacks to about a gigabyte.
DELIVERED = Bounds(size=256 << 20, unpacked=1536 << 20, rows=1_048_576)
# A spreadsheet keeps fifteen digits of a number and makes the rest zeros.
_EXACT = 10**15
_OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")
# A workbook with a password is wrapped into the container of old Excel files, and says so within its first sectors.
_LOCKED, _LOOKED_AT = "EncryptedPackage".encode("utf-16-le"), 1 << 16
_ZEROS = re.compile(r"0{2,}")
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_PIECE = 1 << 20
_OLD = Text("是 Excel 97–2003 的 xls", "an xls of Excel 97–2003")
_DAMAGED = Text("不是表格，或已截断、损坏", "no spreadsheet, or cut short, or damaged")


@dataclass(frozen=True, slots=True)
class NoValue:
    """A cell that shows something and holds nothing to be relied on."""

    shown: str


SheetCell: TypeAlias = str | NoValue | None


def sheet_rows(file: Path | bytes, place: str, bounds: Bounds = DELIVERED) -> Iterator[tuple[SheetCell, ...]]:
    """Yield the rows of the first sheet, blank ones too, so that the n-th is line n.

    Raises ``DataError`` for what is no readable xlsx (``file.not_xlsx``) and for one beyond ``bounds`` (``file.bounds``).
    """
    size_within(place, len(file) if isinstance(file, bytes) else file.stat().st_size, bounds.size)
    with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as opened:
        formulas = _check_kind(opened, place, bounds)
        rows: Iterator[tuple[SheetCell, ...]] = (
            tuple(map(_read_cell, row)) for row in _opened(opened, place, data_only=True)
        )
        if formulas:
            rows = map(_mark_uncomputed, rows, _opened(opened, place, data_only=False))
        for row in rows_within(place, rows, bounds.rows):
            columns_within(place, len(row), bounds.columns)
            yield row


def is_locked(head: bytes) -> bool:
    """Return whether a file begins as a workbook that opens by a password alone."""
    return head.startswith(_OLD_EXCEL) and _LOCKED in head


def locked(place: str) -> DataError:
    """A workbook that opens by a password alone."""
    return DataError(
        "lake.locked_file",
        Text(
            "{place} 有打开密码，无法读取；请用表格软件打开后另存一份不带密码的",
            "{place} opens by a password and cannot be read; open it in a spreadsheet program and save "
            "a copy without one",
        ),
        place=place,
    )


def not_xlsx(place: str, reason: Text) -> DataError:
    """A file that is no xlsx, whatever its name says."""
    return DataError(
        "file.not_xlsx",
        Text(
            "{place} 不是可读的 xlsx（{reason}）；请用表格软件另存为 .xlsx",
            "{place} is no readable xlsx ({reason}); save it as .xlsx in a spreadsheet program",
        ),
        place=place,
        reason=reason,
    )


def _check_kind(opened: IO[bytes], place: str, bounds: Bounds) -> bool:
    """Return whether an xlsx has formulas; raise ``DataError`` for what is none, or beyond its bounds."""
    head = opened.read(_LOOKED_AT)
    opened.seek(0)
    if is_locked(head):
        raise locked(place)
    if head.startswith(_OLD_EXCEL):
        raise not_xlsx(place, _OLD)
    try:
        names = zip_within(place, opened, bounds)
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
            raise not_xlsx(place, Text("是压缩包，里面没有表格", "a zip without a sheet in it"))
        return _has_formulas(opened)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError):
        raise not_xlsx(place, _DAMAGED) from None


def _has_formulas(opened: IO[bytes]) -> bool:
    with zipfile.ZipFile(opened) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as sheet:
                    tail = b""
                    while piece := sheet.read(_PIECE):
                        if _FORMULA.search(tail + piece):
                            return True
                        tail = piece[-40:]
    return False


def _opened(opened: IO[bytes], place: str, *, data_only: bool) -> Iterator[tuple[Any, ...]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(opened, read_only=True, data_only=data_only)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        yield from sheet.iter_rows()
    except Exception:  # openpyxl raises whatever its parts raise
        raise not_xlsx(place, _DAMAGED) from None


def _read_cell(cell: Any) -> SheetCell:
    value = cell.value
    if value is None or isinstance(value, str):
        return NoValue(value or "") if cell.data_type == "e" else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _read_number(value, cell.number_format)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _read_number(value: int | float, number_format: str) -> SheetCell:
    if not abs(value) < _EXACT:
        return NoValue(repr(value))
    if value != int(value):
        return format(Decimal(f"{value:.15g}"), "f")
    # A number shown as 00000123 is a code whose zeros are part of it.
    width = len(number_format) if _ZEROS.fullmatch(number_format or "") else 0
    return str(int(value)).zfill(width)


def _mark_uncomputed(values: tuple[SheetCell, ...], written: tuple[Any, ...]) -> tuple[SheetCell, ...]:
    """Return a row's cells, those with a formula and no stored result as no value."""
    formulas = {at: cell.value for at, cell in enumerate(written) if cell.data_type == "f"}
    return tuple(
        NoValue(str(formulas[at])) if value is None and at in formulas else value for at, value in enumerate(values)
    )
