"""An xlsx read without trust: what it is is judged by its bytes, what it unpacks to is bounded, words stay words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from bankloop.care.worklist import errors
from bankloop.care.worklist.contracts import ListRow, Refused
from bankloop.kit.errors import BankloopError
from bankloop.kit.money import to_fen

MOST_BYTES = 20 << 20
MOST_ROWS = 100_000
# A sheet of that many rows unpacks to far less; what unpacks to more wants to fill our memory.
_MOST_UNPACKED = 300 << 20
_HEADS = {
    "customer_no": ("customer_no", "客户号", "客户编号"),
    "item": ("item", "事项", "任务"),
    "value": ("value", "价值", "价值（元）", "金额"),
    "note": ("note", "说明", "备注"),
}
_LONGEST = 200


def read_rows(body: bytes) -> tuple[list[ListRow], list[Refused]]:
    """Return the lines of the first sheet, and those that say nothing usable by themselves.

    The first row names the columns: 客户号 (needed), 事项, 价值 (yuan), 说明; others are passed over. Raises
    ``DataError`` for what is no xlsx or lacks the column, ``InputError`` for what is too large.
    """
    _bounded(body)
    rows: list[ListRow] = []
    refused: list[Refused] = []
    for line, cells in _lines(body):
        if len(rows) + len(refused) >= MOST_ROWS:
            raise errors.too_large("行 / rows", line - 1, MOST_ROWS)
        number = cells["customer_no"]
        if not number:
            refused.append(Refused(line, "", "empty"))
            continue
        try:
            fen = to_fen(cells["value"].replace(",", "")) if cells["value"] else 0
        except (BankloopError, ValueError, ArithmeticError):
            refused.append(Refused(line, number, "value"))
            continue
        rows.append(ListRow(line, number, cells["item"], fen, cells["note"]))
    return rows, refused


def _bounded(body: bytes) -> None:
    if len(body) > MOST_BYTES:
        raise errors.too_large("字节 / bytes", len(body), MOST_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            names = packed.namelist()
            unpacked = sum(one.file_size for one in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise errors.not_xlsx(type(error).__name__) from None
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise errors.not_xlsx("zip")
    if unpacked > _MOST_UNPACKED:
        raise errors.too_large("解压后字节 / bytes unpacked", unpacked, _MOST_UNPACKED)


def _lines(body: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        sheet = book.worksheets[0].iter_rows(values_only=True)
        head = next(sheet, ())
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise errors.not_xlsx(type(error).__name__) from None
    places = _places([str(cell or "").strip() for cell in head])
    for line, row in enumerate(_checked(sheet), 2):
        if any(cell is not None for cell in row):
            yield line, {name: _words(row, place) for name, place in places.items()}


def _checked(sheet: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    try:
        yield from sheet
    except Exception as error:  # a sheet that breaks off in the middle
        raise errors.not_xlsx(type(error).__name__) from None


def _places(head: Sequence[str]) -> dict[str, int]:
    places = {
        name: next((at for at, title in enumerate(head) if title.lower() in titles), -1)
        for name, titles in _HEADS.items()
    }
    if places["customer_no"] < 0:
        raise errors.no_column(", ".join(title for title in head if title)[:_LONGEST] or "—")
    return places


def _words(row: Sequence[Any], place: int) -> str:
    if place < 0 or place >= len(row) or row[place] is None:
        return ""
    value = row[place]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()[:_LONGEST]
