"""A sale that follows a contact credits itself: to who spoke, once, never above the whole, with the task behind each share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.clock import FixedClock
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.organization.task import NewTask, TaskKind, log_outcome, open_task
from bankloop.performance.credit import WHOLE, credits_of, even_shares, read_shares, record_deal, scorecards
from bankloop.performance.sales import Aim, Credits, Happening, Talk, record_sales, sales_of
from bankloop.store.history import append_events
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

PROGRAM = system("daily")
NOW = datetime(2026, 6, 30, 2, tzinfo=UTC)
TODAY = NOW.date()
ZONE = "Asia/Shanghai"
AIMS = {"first-wealth": Aim("first_wealth_purchase", 30), "bind-card": Aim("first_wallet_payment", 30)}
YEAR = (TODAY.replace(month=1, day=1), TODAY + timedelta(days=40))


@pytest.fixture
def lake(folk: Folk, tmp_path: Path) -> Lake:
    """A lake that takes in what happens until a month from now."""
    at(folk, 31)
    made = open_lake(tmp_path, folk.store, system("lake"))
    at(folk, 0)
    return made


def at(folk: Folk, days: float) -> datetime:
    moment = NOW + timedelta(days=days)
    folk.store.clock = FixedClock(moment)
    return moment


def talk(folk: Folk, person: str, customer: str, outcome: str, campaign: str = "first-wealth") -> UUID:
    """Open a task of a person's for a customer of theirs and log what came of it, now."""
    start = folk.store.clock.now()
    key = f"{person}/{customer}/{start}/{campaign}"
    asked = NewTask(key, TaskKind.CAMPAIGN, customer, folk.managers[person], "x", start, start + timedelta(hours=2), person,
                    action="wealth-fixed-income|none|rm_call", campaign=campaign)  # fmt: skip
    with folk.store.begin(PROGRAM) as connection:
        made = open_task(connection, asked).task_id
    with folk.store.begin(folk.who(person, "service")) as connection:
        log_outcome(connection, made, outcome)
    return made


def event(number: int, customer: str, moment: datetime, kind: str = "first_wealth_purchase") -> dict[str, Any]:
    return {"source": "core", "event_id": number, "customer_no": customer, "type": kind, "occurred_at": moment,
            "recorded_at": moment, "channel": None, "scene": None, "amount_fen": 100_001}  # fmt: skip


def loaded(lake: Lake, rows: Sequence[dict[str, Any]]) -> None:
    lake.publish("event", pa.Table.from_pylist(list(rows), schema_of(CONTRACTS["event"])), lake.today())


def credit(folk: Folk, lake: Lake) -> Credits:
    with folk.store.begin(PROGRAM) as connection:
        return record_sales(connection, lake, AIMS, folk.store.clock.now().date())


def of(folk: Folk, person: str) -> list[tuple[str, int, UUID | None]]:
    with folk.store.begin(system()) as connection:
        return [
            (deal.source_key, share.share_ppm, share.task_id) for deal, share in credits_of(connection, person, *YEAR)
        ]


def test_a_sale_after_a_contact_credits_itself_once(folk: Folk, lake: Lake) -> None:
    task = talk(folk, "M00001", "C0000", "interested")
    talk(folk, "M00001", "C0001", "declined")  # said no
    talk(folk, "M00001", "C0003", "interested", "bind-card")  # spoken with about something else
    talk(folk, "M00001", "C0004", "interested")  # buys when the goal's days are over
    rows = [event(n, f"C000{n}", NOW + timedelta(days=3)) for n in (0, 1, 2, 3)]
    assert credit(folk, lake) == Credits(0, 0, 0)
    at(folk, 31)
    loaded(lake, [event(9, "C0000", NOW - timedelta(days=1)), *rows, event(4, "C0004", NOW + timedelta(days=30))])
    assert credit(folk, lake) == Credits(1, 0, 0)
    assert credit(folk, lake) == Credits(0, 0, 0)
    assert of(folk, "M00001") == [("event/core/0", WHOLE, task)]
    # The store's own copy of an event that the lake has too is the same event.
    with folk.store.begin(PROGRAM) as connection:
        own = {
            **rows[0],
            "unit_id": "S0001",
            "occurred_on": (NOW + timedelta(days=3)).date(),
            "channel": "",
            "scene": "",
        }
        append_events(connection, pa.Table.from_pylist([own]))
    assert credit(folk, lake) == Credits(0, 0, 0)


def test_two_who_led_to_one_sale_share_it_and_a_share_by_hand_stands(folk: Folk, lake: Lake) -> None:
    folk.give("M00002", "relationship_manager")
    first = talk(folk, "M00001", "C0000", "interested")
    by_hand = talk(folk, "M00001", "C0005", "interested")
    talk(folk, "M00001", "C0006", "interested")
    folk.books["C0000"] = ("S0001", "M00002", "retail")
    folk.load()
    at(folk, 1)
    second = talk(folk, "M00002", "C0000", "considering")
    day = (NOW + timedelta(days=2)).date()
    with folk.store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        share = read_shares({"M00001": ("retail", "0.5")})
        record_deal(connection, "J-1", "C0005", "S0001", "wealth", 5, day - timedelta(days=1), share, by_hand)
        record_deal(connection, "J-2", "C0006", "S0001", "wealth", 5, day, share)
    at(folk, 3)
    loaded(lake, [event(n, f"C000{n}", NOW + timedelta(days=2)) for n in (0, 5, 6)])
    assert credit(folk, lake) == Credits(1, 0, 2)
    assert credit(folk, lake) == Credits(0, 0, 2)
    assert sorted(of(folk, "M00001")) == [
        ("J-1", 500_000, by_hand),
        ("J-2", 500_000, None),
        ("event/core/0", 500_000, first),
    ]
    assert of(folk, "M00002") == [("event/core/0", 500_000, second)]
    with folk.store.begin(system()) as connection:
        assert sum(card.amount_fen for card in scorecards(connection, *YEAR)) <= 100_001 + 5 + 5


def test_a_sale_noted_after_its_event_the_same_day_is_the_note_s_and_who_came_too_late_has_none() -> None:
    def spoken(person: str, outcome: str, hours: float) -> Talk:
        moment = NOW + timedelta(hours=hours)
        return Talk(
            uuid5(UUID(int=0), f"{person}{hours}"), person, "retail", outcome, moment, "first-wealth", "C1", "S1", ""
        )

    happened = Happening("event/core/1", "C1", "first_wealth_purchase", NOW, 1)
    for outcome, hours, sold in (
        ("sold", 1, True),
        ("interested", 1, False),
        ("sold", 24, False),
        ("interested", -1, True),
    ):
        found = sales_of([spoken("M1", outcome, hours)], [happened], AIMS, ZONE)
        assert bool(found) is sold
    later = Happening("event/core/2", "C1", "first_wealth_purchase", NOW + timedelta(days=2), 1)
    one, other = spoken("M1", "interested", -2), spoken("M2", "interested", -1)
    (sale,) = sales_of([other, one], [later, happened], AIMS, ZONE)
    assert (sale.event, sale.talks) == (happened, (one, other))


@given(st.integers(1, 40))
def test_even_shares_never_come_to_more_than_the_whole(people: int) -> None:
    shares = even_shares([(f"M{n}", "retail", UUID(int=n)) for n in range(people)])
    assert WHOLE - people < sum(one.share_ppm for one in shares) <= WHOLE
    assert len({one.share_ppm for one in shares}) == 1
