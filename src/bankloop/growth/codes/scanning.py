"""A scan: whose code it was, where it hung, and whether it lets anybody in; every scan leaves its row."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, insert

from bankloop.growth.codes.contracts import CodeEntry
from bankloop.growth.codes.reading import code_of
from bankloop.growth.codes.tables import channel_code_scan


def enter(connection: Connection, code: str, place: str, device: str, today: date) -> CodeEntry:
    """Return what somebody who scanned comes to, and note the scan; a place that is not the code's is told as none.

    Raises ``NotFoundError`` for a code that is not there.
    """
    found = code_of(connection, code, today)
    known = place if place in found.places else ""
    values = {"code": code, "place": known, "device": device, "state": found.state}
    connection.execute(insert(channel_code_scan).values(values))
    return CodeEntry(found, known)
