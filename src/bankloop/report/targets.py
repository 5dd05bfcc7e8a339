"""Targets as people see them: what each has, what is reached, against the time that has gone; red, amber, green in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.performance.target import MEASURES, Achieved, Target, TargetPart, TargetUnit
from bankloop.performance.target_progress import standings
from bankloop.report.daily import TargetPace
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_UNKNOWN = say.same("—")
# A tenth behind the time that has gone is amber, more is red.
_NEAR = 0.9


def amount(found: Target, number: int) -> Text:
    """Return an amount of a target in its own unit."""
    return say.money(number) if MEASURES[found.measure].unit is TargetUnit.MONEY else say.count(number)


def light(reached: float | None, gone: float) -> tuple[Text, Tone]:
    """Return how a share reached stands against the time gone: green, amber or red, said in words."""
    if reached is None:
        return _UNKNOWN, Tone.PLAIN
    if reached >= gone:
        return Text("达序时", "in time"), Tone.GOOD
    if reached >= gone * _NEAR:
        return Text("略欠", "a little behind"), Tone.WARN
    return Text("落后", "behind"), Tone.BAD


def share(part: TargetPart, done: Achieved | None) -> float | None:
    """Return the share of a part that is reached; None where it is not known or nothing is asked."""
    return None if done is None or not part.amount else done.of(part.holder, part.kind) / part.amount


def progress_of(connection: Connection, bank: Bank, unit_id: str, day: date) -> tuple[TargetPace, ...]:
    """Return how far a unit is on a day with each of its targets that hold then."""
    return tuple(
        TargetPace(say.same(one.name), done / asked if done is not None and asked else None, time)
        for one, asked, done, time in standings(connection, bank, unit_id, day)
    )


def parts_table(
    found: Target, parts: Sequence[TargetPart], done: Achieved | None, gone: float, names: Mapping[str, Text], base: str
) -> Table:
    """Return the parts right below a holder, the furthest behind first; a unit leads to its own parts.

    Who reached as much has the same rank, and the next one counts both; of whom nothing is known has none.
    """
    shares = {one.holder: share(one, done) for one in parts}
    known = [reached for reached in shares.values() if reached is not None]
    rows = []
    for one in sorted(parts, key=lambda one: (shares[one.holder] is None, shares[one.holder] or 0.0, one.holder)):
        part = shares[one.holder]
        words, tone = light(part, gone)
        rows.append(
            (
                Cell(names.get(one.holder, say.same(one.holder)), drill=f"{base}{one.holder}" if one.kind == "unit" else None),
                Cell(amount(found, one.amount)),
                Cell(amount(found, done.of(one.holder, one.kind)) if done else _UNKNOWN),
                Cell(say.percent(part, 0) if part is not None else _UNKNOWN, bar=None if part is None else min(max(part, 0.0), 1.0)),
                Cell(words, tone, tag=tone is not Tone.PLAIN),
                Cell(say.count(1 + sum(other > part for other in known)) if part is not None else _UNKNOWN),
                Cell(say.count(one.capacity) if one.capacity is not None else _UNKNOWN),
            )
        )  # fmt: skip
    columns = (
        Column(Text("承接方", "Holder")),
        Column(Text("目标", "Target"), number=True),
        Column(Text("完成", "Reached"), number=True),
        Column(Text("完成率", "Share"), number=True),
        Column(Text("红黄绿", "Light")),
        Column(Text("名次", "Rank"), number=True),
        Column(Text("承接能力", "Capacity"), number=True),
    )
    return Table(
        "parts",
        Text("分解", "Split"),
        columns,
        tuple(rows),
        Text("各行之和等于上级的目标。", "The rows sum to the target above."),
    )
