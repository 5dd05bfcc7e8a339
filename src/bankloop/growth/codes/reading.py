"""Codes as they stand now, and what their scans come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, func, select, text

from bankloop.growth.codes import errors
from bankloop.growth.codes.contracts import ChannelCode, CodeScans, CodeState, HourScans
from bankloop.growth.codes.tables import channel_code, channel_code_scan
from bankloop.kit.text import Text
from bankloop.organization.people import Person, people_named, units

MOST_LISTED = 200
_HOURS = text(
    "SELECT date_trunc('hour', scanned_at, :zone) AS hour, count(*) AS scans FROM channel_code_scan "
    "WHERE code = :code AND state = 'live' GROUP BY 1 ORDER BY 1 DESC LIMIT 48"
)
_PLACES = text(
    "SELECT place, count(*) AS scans FROM channel_code_scan WHERE code = :code AND state = 'live' "
    "GROUP BY 1 ORDER BY 2 DESC, 1"
)
_STATES = text(
    "SELECT state, count(*) AS scans, count(DISTINCT (device, date_trunc('day', scanned_at, :zone))) AS devices "
    "FROM channel_code_scan WHERE code = :code GROUP BY 1 ORDER BY 1"
)


def codes(
    connection: Connection, today: date, staff_id: str = "", skip: int = 0, limit: int = MOST_LISTED
) -> list[ChannelCode]:
    """Return codes that the principal sees, somebody's or all, the newest first, ``limit`` after ``skip``."""
    t = channel_code.c
    query = select(channel_code).order_by(t.made_at.desc(), t.code).offset(skip).limit(limit)
    rows = connection.execute(query.where(t.staff_id == staff_id) if staff_id else query).mappings().all()
    return _told(connection, rows, today)


def code_of(connection: Connection, code: str, today: date) -> ChannelCode:
    """Return one code; raise ``NotFoundError`` for one that is not there or may not be seen."""
    row = connection.execute(select(channel_code).where(channel_code.c.code == code)).mappings().first()
    if row is None:
        raise errors.no_code(code)
    return _told(connection, [row], today)[0]


def scans_of(connection: Connection, code: str, zone: str) -> CodeScans:
    """Return what a code's scans come to, hours in the bank's zone, the newest first."""
    asked = {"code": code, "zone": zone}
    states = {row.state: row for row in connection.execute(_STATES, asked)}
    let_in = states.pop(CodeState.LIVE.value, None)
    return CodeScans(
        let_in.scans if let_in else 0,
        let_in.devices if let_in else 0,
        tuple(HourScans(row.hour.astimezone(ZoneInfo(zone)), row.scans) for row in connection.execute(_HOURS, asked)),
        {row.place: row.scans for row in connection.execute(_PLACES, {"code": code})},
        {name: row.scans for name, row in states.items()},
    )


def _told(connection: Connection, rows: Sequence[RowMapping], today: date) -> list[ChannelCode]:
    staff = people_named(connection, sorted({row["staff_id"] for row in rows}))
    names = {one.unit_id: one.name for one in units(connection)}
    s = channel_code_scan.c
    counts = select(s.code, func.count()).where(s.code.in_([row["code"] for row in rows]), s.state == CodeState.LIVE)
    scans: dict[str, int] = {row[0]: row[1] for row in connection.execute(counts.group_by(s.code))}
    return [_code(row, staff.get(row["staff_id"]), names, today, scans.get(row["code"], 0)) for row in rows]


def _code(row: RowMapping, person: Person | None, names: dict[str, Text], today: date, scans: int) -> ChannelCode:
    unit = (person.unit_id if person else None) or row["unit_id"]
    return ChannelCode(
        row["code"],
        row["title"],
        row["staff_id"],
        person.name if person else row["staff_id"],
        unit,
        names.get(unit, Text(unit, unit)),
        row["campaign"],
        row["scene"],
        tuple(row["places"]),
        row["since"],
        row["until"],
        _state(row, person, today),
        row["reason"],
        row["made_by"],
        row["made_at"],
        scans,
    )


def _state(row: RowMapping, person: Person | None, today: date) -> CodeState:
    """Whoever has no post any more has left, and their codes with them; a move to another unit changes nothing."""
    if row["revoked_at"] is not None:
        return CodeState.REVOKED
    if person is None or person.unit_id is None:
        return CodeState.LEFT
    if today < row["since"]:
        return CodeState.EARLY
    return CodeState.ENDED if today > row["until"] else CodeState.LIVE
