"""A target's parts as people see them: the furthest behind first, ranks that ties share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from bankloop.kit.text import Language
from bankloop.performance.target import Achieved, Target, TargetPart
from bankloop.report.targets import parts_table

MADE = datetime(2026, 1, 2, 1, tzinfo=UTC)
TARGET = Target(UUID(int=1), "wealth", "tasks", date(2026, 1, 1), date(2026, 12, 31), 40, "strategist", MADE, None)


def part(holder: str, asked: int) -> TargetPart:
    return TargetPart(TARGET.target_id, holder, "unit", "0000", "1", None, asked, "strategist", MADE)


def test_who_reached_as_much_has_the_same_rank_and_who_was_asked_nothing_has_none() -> None:
    parts = [part("A", 10), part("B", 10), part("C", 20), part("D", 0)]
    done = Achieved({"A": 5, "B": 8, "C": 10}, {})
    table = parts_table(TARGET, parts, done, 0.5, {}, "targets/")
    rank = [column.title.en for column in table.columns].index("Rank")
    seen = [(row[0].text.say(Language.EN), row[rank].text.say(Language.EN)) for row in table.rows]
    assert seen == [("A", "2"), ("C", "2"), ("B", "1"), ("D", "—")]
