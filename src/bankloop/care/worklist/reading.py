"""An xlsx read without trust: what it is is judged by its bytes, what it unpacks to is bounded, words stay words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.care.worklist import errors
from bankloop.care.worklist.contracts import ListRow, Refused
from bankloop.kit.bounded import Bounds
from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import clean_text, read_amount
from bankloop.lake.sheets import NoValue, SheetCell, sheet_rows

MOST_BYTES = 20 << 20
MOST_ROWS = 100_000
# A sheet of that many rows unpacks to far less; what unpacks to more wants to fill our memory.
_BOUNDS = Bounds(size=MOST_BYTES, unpacked=128 << 20, rows=MOST_ROWS + 1)
_PLACE = "xlsx"
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
    ``DataError`` for what is no xlsx, is too large, lacks the column or has it twice.
    """
    rows: list[ListRow] = []
    refused: list[Refused] = []
    sheet = sheet_rows(body, _PLACE, _BOUNDS)
    places = _places([_word(cell) for cell in next(sheet, ())])
    for line, row in enumerate(sheet, 2):
        if all(cell is None for cell in row):
            continue
        found = _line(line, {name: row[at] if 0 <= at < len(row) else None for name, at in places.items()})
        rows.append(found) if isinstance(found, ListRow) else refused.append(found)
    return rows, refused


def _line(line: int, cells: Mapping[str, SheetCell]) -> ListRow | Refused:
    number, value = cells["customer_no"], cells["value"]
    if isinstance(number, NoValue):
        return Refused(line, number.shown[:_LONGEST], "cell")
    if not (key := _word(number)):
        return Refused(line, "", "empty")
    if isinstance(value, NoValue):
        return Refused(line, key, "cell")
    try:
        fen = read_amount(_word(value)) if _word(value) else 0
    except BankloopError:
        return Refused(line, key, "value")
    if fen < 0:
        return Refused(line, key, "value")
    return ListRow(line, key, _word(cells["item"]), fen, _word(cells["note"]))


def _places(head: Sequence[str]) -> dict[str, int]:
    """Return where each column is, -1 for none; raise ``DataError`` where the needed one lacks, or one is there twice."""
    places: dict[str, int] = {}
    for name, titles in _HEADS.items():
        found = [at for at, title in enumerate(head) if title.lower() in titles]
        if len(found) > 1:
            raise errors.double_column(head[found[0]], found[0] + 1, head[found[1]], found[1] + 1)
        places[name] = found[0] if found else -1
    if places["customer_no"] < 0:
        raise errors.no_column(", ".join(title for title in head if title)[:_LONGEST] or "—")
    return places


def _word(cell: SheetCell) -> str:
    return clean_text(cell)[:_LONGEST] if isinstance(cell, str) else ""
