"""What the tests of points share: a plain programme, whoever works on it, events that earn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.benefit.points import (
    EarnRule,
    Expiry,
    PointsProgramme,
    earn_points,
)
from bankloop.kit.text import Text
from bankloop.organization.principals import system
from bankloop.store.database import Store

POINTS = system("points")
TODAY = date(2026, 6, 30)
PLAIN = PointsProgramme(Text("积分", "points"), date(2026, 1, 1), 0, Expiry("rolling", 12), True, 30, 50, 200_000, ())


@contextmanager
def at_work(store: Store) -> Iterator[Connection]:
    with store.begin(POINTS) as connection:
        yield connection


def earn(connection: Connection, key: str, points: int, day: date = TODAY, who: str = "C1", **more: object) -> None:
    earn_points(connection, replace(PLAIN, **more), key, who, points, "gift", day)  # type: ignore[arg-type]


EVENTS = pa.schema(
    [
        ("source", pa.string()),
        ("event_id", pa.int64()),
        ("customer_no", pa.string()),
        ("type", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("channel", pa.string()),
        ("scene", pa.string()),
        ("amount_fen", pa.int64()),
    ]
)


def deed(
    number: int, who: str, day: date, fen: int | None, kind: str = "transaction", hour: int = 4
) -> dict[str, object]:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return {
        "source": "core",
        "event_id": number,
        "customer_no": who,
        "type": kind,
        "occurred_at": moment,
        "recorded_at": moment,
        "channel": "card",
        "scene": "retail",
        "amount_fen": fen,
    }


CARD = EarnRule("card", Text("刷卡", "card"), "transaction", 1, 1_000, {4: 1_500_000}, "month", 25)
