"""Licences and training from a spreadsheet: every usable line is recorded, every other comes back with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bankloop.kit.bounded import Bounds
from bankloop.kit.errors import BankloopError
from bankloop.kit.grammar import clean_text, read_day
from bankloop.kit.text import Text
from bankloop.lake.sheets import SheetCell, sheet_rows
from bankloop.organization.people import Licence, licences_of, license_staff
from bankloop.organization.staffing import errors
from bankloop.organization.staffing.contracts import LICENCES

_BOUNDS = Bounds(size=20 << 20, unpacked=128 << 20, rows=100_001)
_PLACE = "xlsx"
_HEADS = {
    "staff": ("staff_id", "staff", "工号"),
    "kind": ("kind", "资格", "资格或培训"),
    "issued": ("issued_on", "issued", "取得"),
    "expires": ("expires_on", "until", "有效至"),
}
_BY_TITLE = {title.zh: kind for kind, title in LICENCES.items()} | {t.en: kind for kind, t in LICENCES.items()}


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not recorded, by its number in the sheet, and why."""

    line: int
    staff_id: str
    reason: Text


@dataclass(frozen=True, slots=True)
class LicencesTaken:
    """What came of a file: lines recorded, lines that were on record already, and those that come back."""

    recorded: int
    known: int
    refused: tuple[RefusedLine, ...]


def take_licences(connection: Connection, body: bytes) -> LicencesTaken:
    """Record the licences of a sheet whose first row names 工号, 资格, 取得 and 有效至, each as ``license_staff`` does.

    Doing it again records nothing twice. Raises ``DataError`` for what is no such sheet.
    """
    sheet = sheet_rows(body, _PLACE, _BOUNDS)
    places = _places([_word(cell) for cell in next(sheet, ())])
    recorded, known, refused = 0, 0, list[RefusedLine]()
    for line, row in enumerate(sheet, 2):
        if all(cell is None for cell in row):
            continue
        staff, kind, issued, expires = (_word(row[at]) if at < len(row) else "" for at in places)
        try:
            wanted = Licence(staff, _BY_TITLE.get(kind, kind), read_day(issued), read_day(expires))
            new = _record(connection, wanted)
        except BankloopError as error:
            refused.append(RefusedLine(line, staff, error.message))
            continue
        recorded, known = recorded + new, known + (not new)
    return LicencesTaken(recorded, known, tuple(refused))


def _record(connection: Connection, wanted: Licence) -> bool:
    """Record a licence, or find it on record; return whether it is new."""
    for one in licences_of(connection, wanted.staff_id):
        if (one.kind, one.issued_on) == (wanted.kind, wanted.issued_on):
            if one.expires_on == wanted.expires_on:
                return False
            raise errors.contradicts(wanted.kind, wanted.issued_on, one.expires_on)
    license_staff(connection, wanted.staff_id, wanted.kind, wanted.issued_on, wanted.expires_on)
    return True


def _places(head: Sequence[str]) -> list[int]:
    found = [next((at for at, title in enumerate(head) if title.lower() in titles), -1) for titles in _HEADS.values()]
    if -1 in found:
        needed = "、".join(titles[-1] if name != "kind" else "资格" for name, titles in _HEADS.items())
        raise errors.no_column(needed, ", ".join(title for title in head if title)[:200] or "—")
    return found


def _word(cell: SheetCell) -> str:
    return clean_text(cell)[:64] if isinstance(cell, str) else ""
