"""What a night does to all wallets: what waited is there, events earn once, debts are paid, points end on their day."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from bankloop.benefit.points import (
    last_owed,
    owed,
    spend_points,
    take_back,
    wallet,
    work_night,
)
from bankloop.kit.errors import ConflictError
from bankloop.lake.service import Lake
from bankloop.ledger.statements import check_ledger, sums_by_kind
from bankloop.store.database import Store
from tests.benefit.wallets import CARD, EVENTS, PLAIN, POINTS, TODAY, at_work, deed, earn


def test_what_waits_is_not_spent_before_its_day(bank: Store, lake: Lake) -> None:
    waiting = replace(PLAIN, pending_days=7)
    with at_work(bank) as connection:
        earn(connection, "e1", 100, pending_days=7)
        found = wallet(connection, "C1", TODAY)
        assert (found.available, found.pending) == (0, 100)
        with pytest.raises(ConflictError):
            spend_points(connection, "s1", "C1", 1, "coffee", TODAY)
    assert work_night(bank, POINTS, lake, waiting, TODAY + timedelta(days=6)).activated == 0
    assert work_night(bank, POINTS, lake, waiting, TODAY + timedelta(days=7)).activated == 1
    with at_work(bank) as connection:
        found = wallet(connection, "C1", TODAY + timedelta(days=7))
        assert (found.available, found.pending) == (100, 0)
        # A year of life begins where they may be spent.
        assert found.lots[0].expires_on == date(2027, 7, 7)
        assert check_ledger(connection) == ()


def test_points_end_on_their_day_once(bank: Store, lake: Lake) -> None:
    with at_work(bank) as connection:
        earn(connection, "e1", 100, TODAY - timedelta(days=364))
        spend_points(connection, "s1", "C1", 30, "coffee", TODAY)
    assert work_night(bank, POINTS, lake, PLAIN, TODAY).expired == 0
    for expired in (1, 0):
        assert work_night(bank, POINTS, lake, PLAIN, TODAY + timedelta(days=1)).expired == expired
    with at_work(bank) as connection:
        assert sums_by_kind(connection, "points/") == {
            "expired": 70,
            "issued": -100,
            "pending": 0,
            "redeemed": 30,
            "wallet": 0,
        }
        assert check_ledger(connection) == ()


def test_events_earn_by_the_file_s_rule_once_up_to_its_cap(bank: Store, lake: Lake) -> None:
    programme = replace(PLAIN, rules=(CARD,))
    may = date(2026, 5, 31)
    lake.append(
        "event",
        pa.Table.from_pylist(
            [
                deed(1, "C1", TODAY - timedelta(days=3), 9_990),
                deed(2, "C1", TODAY - timedelta(days=2), 14_000),
                deed(3, "C1", TODAY - timedelta(days=1), 14_000),
                deed(4, "C2", TODAY - timedelta(days=1), 999),
                deed(5, "C3", TODAY - timedelta(days=1), 50_000, "transfer_out"),
                deed(6, "C4", TODAY - timedelta(days=1), None),
                deed(7, "C5", TODAY, 90_000, hour=1),
                deed(8, "C6", TODAY - timedelta(days=1), 20_000, hour=18),  # today by the bank's own day
            ],
            schema=EVENTS,
        ),
        TODAY,
    )
    assert work_night(bank, POINTS, lake, programme, TODAY).earned == 3
    assert work_night(bank, POINTS, lake, programme, TODAY).earned == 0
    with at_work(bank) as connection:
        assert sorted(one.points for one in wallet(connection, "C1", TODAY).lots) == [2, 9, 14]
        assert [wallet(connection, f"C{n}", TODAY).available for n in range(2, 7)] == [0] * 5
        assert check_ledger(connection) == ()
    lake.append(
        "event",
        pa.Table.from_pylist([deed(9, "C1", may, 30_000), deed(10, "C1", TODAY, 90_000, hour=1)], schema=EVENTS),
        TODAY,
    )
    # What is late by more than a source may be earns nothing; the cap of June is used up, July's is not.
    assert work_night(bank, POINTS, lake, programme, TODAY + timedelta(days=1)).earned == 2
    with at_work(bank) as connection:
        assert [wallet(connection, f"C{n}", TODAY + timedelta(days=1)).available for n in (1, 5, 6)] == [25, 25, 20]
        found = owed(connection, programme, TODAY, "Asia/Shanghai")
        assert (found.outstanding, found.set_aside_fen, found.wallets) == (70, 70 * 50 * 8 // 1000, 3)
        assert found.wrong == ()
        kept = last_owed(connection)
    # The report of the night before says the same: it is read again as it was kept.
    assert kept is not None
    assert kept[0] == found


def spent_at_school(number: int, who: str, fen: int) -> dict[str, object]:
    return deed(number, who, TODAY - timedelta(days=1), fen)


def test_two_nights_at_once_earn_each_event_once(bank: Store, lake: Lake) -> None:
    rows = [spent_at_school(n, f"C{n % 20}", 30_000) for n in range(400)]
    lake.append("event", pa.Table.from_pylist(rows, schema=EVENTS), TODAY)
    programme = replace(
        PLAIN, rules=(replace(CARD, cap_points=100), replace(CARD, rule_id="plain", cap_per="", cap_points=0))
    )
    done: list[int] = []

    def night() -> None:
        done.append(work_night(bank, POINTS, lake, programme, TODAY).earned)

    threads = [threading.Thread(target=night) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(done) == 4
    assert sum(done) == 20 * 4 + 400  # a hundred points a customer are three times thirty and ten
    with at_work(bank) as connection:
        assert wallet(connection, "C3", TODAY).available == 100 + 20 * 30
        assert check_ledger(connection) == ()


def test_a_debt_is_paid_again_by_a_second_night_of_the_day(bank: Store, lake: Lake) -> None:
    programme = replace(PLAIN, rules=(replace(CARD, cap_per="", cap_points=0),))
    with at_work(bank) as connection:
        earn(connection, "e1", 100)
        spend_points(connection, "s1", "C1", 100, "coffee", TODAY)
        take_back(connection, programme, "e1", "returned goods", TODAY)
    for number, owes in ((1, 70), (2, 40)):
        lake.append("event", pa.Table.from_pylist([spent_at_school(number, "C1", 30_000)], schema=EVENTS), TODAY)
        assert work_night(bank, POINTS, lake, programme, TODAY).settled == 1
        with at_work(bank) as connection:
            assert wallet(connection, "C1", TODAY).debt == owes
