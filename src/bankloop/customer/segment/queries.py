"""Reading segments: what there is, one of them, all versions of it; the database judges whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from bankloop.customer.segment import errors
from bankloop.customer.segment.contracts import SegmentKind, SegmentPlan, SegmentVersion
from bankloop.customer.segment.naming import Find, NamedCondition, condition_of, listed_of, named_in
from bankloop.customer.tables import segment as table
from bankloop.kit.errors import ConflictError, NotFoundError
from bankloop.kit.expression import mentions
from bankloop.kit.text import Text

_OWNER = text(
    "SELECT EXISTS (SELECT FROM org_unit WHERE unit_id = :owner) OR EXISTS (SELECT FROM staff WHERE staff_id = :owner)"
)


def segments(connection: Connection, *, active: bool = False) -> list[SegmentVersion]:
    """Return the newest version of every segment, or its active one where ``active`` asks for those alone."""
    t = table.c
    query = select(table).ext(distinct_on(t.name)).order_by(t.name, t.version.desc())
    if active:
        query = query.where(t.active_from.is_not(None), t.active_to.is_(None))
    return _spelled_out(connection, [_segment(row) for row in connection.execute(query).mappings()])


def segments_named(connection: Connection, text: str, *, active: bool = False) -> dict[str, NamedCondition]:
    """Return the segments that a condition names, by name: each one's active version, else its newest.

    ``active`` admits active ones alone, and raises ``NotFoundError`` for another. Raises as ``named_in``.
    """
    if not mentions(text):
        return {}
    find = in_force(connection, active=active)

    def used(name: str) -> SegmentVersion:
        found = find(name)
        if found is None:
            raise errors.no_active(name)
        return found

    return named_in(text, used if active else find)


def in_force(connection: Connection, *, active: bool = False, instead: SegmentVersion | None = None) -> Find:
    """Return what finds the version of a name that counts; ``instead`` counts for its own name."""
    t = table.c
    rank = (t.active_from.is_not(None) & t.active_to.is_(None)).desc()
    query = select(table).ext(distinct_on(t.name)).order_by(t.name, rank, t.version.desc())
    if active:
        query = query.where(t.active_from.is_not(None), t.active_to.is_(None))
    found = {row["name"]: _segment(row) for row in connection.execute(query).mappings()}
    return (found | ({instead.name: instead} if instead else {})).get


def versions_of(connection: Connection, name: str) -> list[SegmentVersion]:
    """Return the versions of a segment, the newest first; raise ``NotFoundError`` where there is none."""
    query = select(table).where(table.c.name == name).order_by(table.c.version.desc())
    found = [_segment(row) for row in connection.execute(query).mappings()]
    if not found:
        raise errors.no_segment(name)
    return _spelled_out(connection, found)


def segment_of(connection: Connection, name: str, version: int | None = None) -> SegmentVersion:
    """Return a version of a segment, the newest where none is named; raise ``NotFoundError`` where there is none."""
    found = next((one for one in versions_of(connection, name) if version in (None, one.version)), None)
    if found is None:
        raise errors.no_segment(f"{name} v{version}")
    return found


def is_of_the_bank(connection: Connection, owner: str) -> bool:
    """Return whether somebody who is to answer for a plan is a unit or a member of staff."""
    return bool(connection.scalar(_OWNER, {"owner": owner}))


def _spelled_out(connection: Connection, found: Sequence[SegmentVersion]) -> list[SegmentVersion]:
    """Return versions with what their rules come to; a name that is gone or goes round in a ring is nobody's."""
    if not any(mentions(one.expression) for one in found):
        return [replace(one, condition=condition_of(one, {})) for one in found]
    find = in_force(connection)
    return [replace(one, condition=_condition(one, find)) for one in found]


def _condition(one: SegmentVersion, find: Find) -> str:
    try:
        return condition_of(one, named_in(one.expression, find, (one.name,)))
    except (ConflictError, NotFoundError):
        return "false"


def _segment(row: Mapping[Any, Any]) -> SegmentVersion:
    plan = row["plan"]
    return SegmentVersion(
        row["name"], row["version"], SegmentKind(row["kind"]), Text(row["title_zh"], row["title_en"]), row["expression"],
        row["body"], row["digest"], row["unit_id"], row["made_by"], row["made_at"],
        SegmentPlan(plan["title"], plan["owner"], plan["does"]) if plan else None, row["active_from"], row["active_to"],
        listed_of(row["body"]),
    )  # fmt: skip
