"""Points: earned once, spent those first that end first, given back to where they came from, always what the ledger says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from bankloop.benefit.points import (
    EarnRule,
    Expiry,
    LotState,
    PointsProgramme,
    earn_points,
    ends_on,
    give_back,
    owed,
    points_of,
    read_points,
    spend_points,
    take_back,
    wallet,
    work_night,
)
from bankloop.kit.errors import BankloopError, ConflictError, DeniedError, InputError, NotFoundError, SpecError
from bankloop.kit.text import Text
from bankloop.lake.service import Lake
from bankloop.ledger.statements import check_ledger, sums_by_kind
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES
from bankloop.store.contracts import Principal
from bankloop.store.database import Store

POINTS = system("points")
TODAY = date(2026, 6, 30)
PLAIN = PointsProgramme(Text("积分", "points"), date(2026, 1, 1), 0, Expiry("rolling", 12), True, 30, 50, 200_000, ())


@pytest.fixture
def bank(store: Store, put_in_book: Callable[..., None]) -> Store:
    put_in_book([f"C{n}" for n in range(20)], "S0001", "M1")
    return store


@contextmanager
def at_work(store: Store) -> Iterator[Connection]:
    with store.begin(POINTS) as connection:
        yield connection


def earn(connection: Connection, key: str, points: int, day: date = TODAY, who: str = "C1", **more: object) -> None:
    earn_points(connection, replace(PLAIN, **more), key, who, points, "gift", day)  # type: ignore[arg-type]


@pytest.mark.capability("E7")
def test_earn_100_burn_30_reverse_30_is_100_and_the_ledger_sums_to_nought(bank: Store) -> None:
    with at_work(bank) as connection:
        earn(connection, "e1", 100)
        spend_points(connection, "s1", "C1", 30, "coffee", TODAY)
        assert wallet(connection, "C1", TODAY).available == 70
        give_back(connection, PLAIN, "g1", "s1", 30, "cold", TODAY)
        assert wallet(connection, "C1", TODAY).available == 100
        assert sum(sums_by_kind(connection, "points/").values()) == 0
        assert check_ledger(connection) == ()
        earn_points(connection, PLAIN, "p1", "C1", 50, "stay", TODAY, "hotel")
        assert sums_by_kind(connection, "points/")["partner"] == -50


def test_a_key_has_one_effect_and_stands_for_one_thing(bank: Store) -> None:
    with at_work(bank) as connection:
        for _ in range(2):
            earn(connection, "e1", 100)
            spend_points(connection, "s1", "C1", 30, "coffee", TODAY)
            give_back(connection, PLAIN, "g1", "s1", 10, "cold", TODAY)
        assert wallet(connection, "C1", TODAY).available == 80
        for again in (
            lambda: earn(connection, "e1", 101),
            lambda: spend_points(connection, "s1", "C1", 31, "coffee", TODAY),
            lambda: spend_points(connection, "s1", "C2", 30, "coffee", TODAY),
            lambda: give_back(connection, PLAIN, "g1", "s1", 11, "cold", TODAY),
        ):
            with pytest.raises(ConflictError) as caught:
                again()
            assert caught.value.code == "points.other_content"


def test_what_ends_first_is_spent_first_and_what_ended_is_not_there(bank: Store) -> None:
    with at_work(bank) as connection:
        earn(connection, "late", 50, TODAY)
        earn(connection, "early", 50, TODAY - timedelta(days=100))
        earn(connection, "gone", 50, TODAY - timedelta(days=365))
        assert wallet(connection, "C1", TODAY).available == 100
        spend_points(connection, "s1", "C1", 60, "coffee", TODAY)
        left = {one.lot: one.remaining for one in wallet(connection, "C1", TODAY).lots}
        assert left == {"late": 40, "early": 0, "gone": 50}
        with pytest.raises(ConflictError) as caught:
            spend_points(connection, "s2", "C1", 41, "coffee", TODAY)
        assert caught.value.code == "points.too_few"


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


@pytest.mark.parametrize(("grace", "available", "expired"), [(30, 30, 70), (0, 0, 100)])
def test_what_is_given_back_after_its_lot_ended_follows_the_programme(
    bank: Store, lake: Lake, grace: int, available: int, expired: int
) -> None:
    programme = replace(PLAIN, grace_days=grace)
    with at_work(bank) as connection:
        earn(connection, "e1", 100, TODAY - timedelta(days=364))
        spend_points(connection, "s1", "C1", 30, "coffee", TODAY)
    later = TODAY + timedelta(days=5)
    work_night(bank, POINTS, lake, programme, later)
    with at_work(bank) as connection:
        found = give_back(connection, programme, "g1", "s1", 30, "cold", later)
        assert found.returned == 30
        assert wallet(connection, "C1", later).available == available
        assert sums_by_kind(connection, "points/")["expired"] == expired
        with pytest.raises(ConflictError):
            give_back(connection, programme, "g2", "s1", 1, "cold", later)
        assert check_ledger(connection) == ()


def test_what_is_taken_back_and_spent_already_is_a_debt_that_the_next_points_pay(bank: Store) -> None:
    with at_work(bank) as connection:
        earn(connection, "e1", 100)
        spend_points(connection, "s1", "C1", 70, "coffee", TODAY)
        assert take_back(connection, PLAIN, "e1", "returned goods", TODAY).state is LotState.TAKEN_BACK
        found = wallet(connection, "C1", TODAY)
        assert (found.available, found.debt) == (0, 70)
        with pytest.raises(ConflictError):
            take_back(connection, PLAIN, "e1", "again", TODAY)
        earn(connection, "e2", 50)
        earn(connection, "e3", 50)
        found = wallet(connection, "C1", TODAY)
        assert (found.available, found.debt) == (30, 0)
        assert check_ledger(connection) == ()


def test_where_debts_are_not_made_only_what_is_left_is_taken(bank: Store) -> None:
    with at_work(bank) as connection:
        earn(connection, "e1", 100)
        spend_points(connection, "s1", "C1", 70, "coffee", TODAY)
        take_back(connection, replace(PLAIN, debts=False), "e1", "returned goods", TODAY)
        found = wallet(connection, "C1", TODAY)
        assert (found.available, found.debt) == (0, 0)


def test_two_who_spend_at_once_spend_no_more_than_there_is(bank: Store) -> None:
    with at_work(bank) as connection:
        for n in range(10):
            earn(connection, f"e{n}", 10, TODAY - timedelta(days=n))
    refused: list[str] = []

    def spend(number: int) -> None:
        try:
            with at_work(bank) as connection:
                spend_points(connection, f"s{number}", "C1", 7, "coffee", TODAY)
        except ConflictError as error:
            refused.append(error.code)

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert refused == ["points.too_few"] * 6
    with at_work(bank) as connection:
        assert wallet(connection, "C1", TODAY).available == 100 - 14 * 7
        assert check_ledger(connection) == ()


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


@given(st.integers(0, 10**12), st.sampled_from([None, 1, 4]))
def test_points_are_whole_and_follow_amount_and_tier(fen: int, tier: int | None) -> None:
    factor = 3 if tier == 4 else 2
    assert points_of(CARD, fen, tier) == fen // 1_000 * factor // 2


@pytest.mark.parametrize(
    ("expiry", "day", "ends"),
    [
        (Expiry("rolling", 1), date(2026, 1, 31), date(2026, 2, 28)),
        (Expiry("rolling", 1), date(2028, 1, 31), date(2028, 2, 29)),
        (Expiry("rolling", 12), date(2028, 2, 29), date(2029, 2, 28)),
        (Expiry("rolling", 24, "year"), date(2026, 3, 15), date(2029, 1, 1)),
        (Expiry("rolling", 3, "quarter"), date(2026, 10, 1), date(2027, 1, 1)),
        (Expiry("rolling", 3, "quarter"), date(2026, 10, 2), date(2027, 4, 1)),
        (Expiry("rolling", 1, "half"), date(2026, 6, 15), date(2027, 1, 1)),
        (Expiry("calendar", 0, "", ((12, 31),)), date(2026, 12, 31), date(2027, 1, 1)),
        (Expiry("calendar", 6, "", ((6, 30), (12, 31))), date(2026, 6, 30), date(2027, 1, 1)),
        (Expiry("calendar", 0, "", ((2, 29),)), date(2027, 1, 1), date(2027, 3, 1)),
        (Expiry("none"), date(2026, 1, 1), None),
    ],
)
def test_the_day_on_which_points_end(expiry: Expiry, day: date, ends: date | None) -> None:
    assert ends_on(expiry, day) == ends


FILE = """
title: {zh: 积分, en: points}
begins: 2026-01-01
pending_days: 0
expiry: {kind: rolling, months: 24, round_up: year}
taken_back: debt
grace_days: 30
worth_fen: 50
breakage: 0.2
earn:
  - {id: card, title: {zh: 刷卡, en: card}, event: transaction, each_yuan: 10, points: 1, tiers: {4: 1.5, 6: 3}, cap: {per: month, points: 2000}}
  - {id: first-wallet, title: {zh: 首绑, en: first}, event: first_wallet_payment, points: 200}
"""


def test_a_file_is_read_and_what_every_bank_begins_with_earns_nothing(tmp_path: Path) -> None:
    assert read_points(tmp_path).rules == ()
    (tmp_path / "points.yaml").write_text(FILE, encoding="utf-8")
    found = read_points(tmp_path)
    assert [one.rule_id for one in found.rules] == ["card", "first-wallet"]
    assert (found.rules[0].each_fen, found.rules[0].tiers) == (1_000, {4: 1_500_000, 6: 3_000_000})
    assert (found.rules[0].cap_per, found.rules[0].cap_points) == ("month", 2_000)


@pytest.mark.parametrize(
    ("was", "instead", "says"),
    [
        ("pending_days: 0", "pending_days: -1", "pending_days"),
        ("kind: rolling", "kind: sometimes", "expiry"),
        ("each_yuan: 10", "every_yuan: 10", "every_yuan"),
        ("points: 200", "points: 0.5", "points"),
        ("per: month", "per: week", "cap"),
        ("breakage: 0.2", "breakage: 2", "breakage"),
        ("begins: 2026-01-01", "begins: soon", "begins"),
        ("id: first-wallet", "id: card", "earn"),
        ("taken_back: debt", "taken_back: perhaps", "taken_back"),
    ],
)
def test_a_file_that_says_something_impossible_is_refused_with_its_place(
    tmp_path: Path, was: str, instead: str, says: str
) -> None:
    assert was in FILE
    (tmp_path / "points.yaml").write_text(FILE.replace(was, instead), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_points(tmp_path)
    assert "points.yaml:" in caught.value.message.en
    assert says in caught.value.message.en


@pytest.mark.parametrize("points", [0, -5, 10**9 + 1, True])
def test_what_is_no_number_of_points_is_refused(bank: Store, points: int) -> None:
    with at_work(bank) as connection, pytest.raises(InputError):
        earn(connection, "e1", points)


def test_nobody_s_points_are_none(bank: Store) -> None:
    with at_work(bank) as connection:
        for act in (
            lambda: earn(connection, "e1", 5, who="nobody"),
            lambda: give_back(connection, PLAIN, "g1", "s9", 1, "cold", TODAY),
            lambda: take_back(connection, PLAIN, "e9", "wrong", TODAY),
        ):
            with pytest.raises(NotFoundError):
                act()


def person(role: str, units: tuple[str, ...], who: str, book: str = "") -> Principal:
    return Principal(
        who,
        frozenset({role}),
        units,
        "service" if book else "campaign",
        ("*",) if not book else ("retail",),
        book,
        rights=ROLES[role].rights,
    )


def test_a_manager_sees_the_own_customers_points_and_gives_none(bank: Store, put_in_book: Callable[..., None]) -> None:
    put_in_book(["X1"], "S0009", "M9")
    with at_work(bank) as connection:
        earn(connection, "e1", 100)
        earn(connection, "e2", 60, who="X1")
    manager = person("relationship_manager", ("S0001",), "M1", "M1")
    with bank.begin(manager) as connection:
        assert wallet(connection, "C1", TODAY).available == 100
        with pytest.raises(NotFoundError):
            wallet(connection, "X1", TODAY)
        assert connection.scalar(text("SELECT count(*) FROM ledger_entry")) == 1
    with pytest.raises(DeniedError), bank.begin(manager) as connection:
        earn(connection, "e3", 5)
    strategist = person("hq_strategist", ("*",), "H1")
    with bank.begin(strategist) as connection:
        earn(connection, "e3", 5)
        assert wallet(connection, "C1", TODAY).available == 105


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "spend", "back", "take", "night"]),
        st.integers(1, 40),
        st.integers(0, 8),
        st.integers(0, 40),
    ),
    max_size=14,
)


@pytest.mark.soak
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_done_a_wallet_holds_what_its_lots_hold(
    bank: Store, lake: Lake, steps: list[tuple[str, int, int, int]]
) -> None:
    """P1, P3: lots and ledger agree at every step, and nobody has less than nothing."""
    today, programme = TODAY, replace(PLAIN, expiry=Expiry("rolling", 1))
    with bank.together(POINTS) as connection:
        example = connection.begin_nested()
        for at, (kind, points, of, days) in enumerate(steps):
            try:
                with connection.begin_nested():
                    if kind == "earn":
                        earn_points(connection, programme, f"k{at}", "C1", points, "gift", today)
                    elif kind == "spend":
                        spend_points(connection, f"k{at}", "C1", points, "coffee", today)
                    elif kind == "back":
                        give_back(connection, programme, f"k{at}", f"k{of}", points, "cold", today)
                    elif kind == "take":
                        take_back(connection, programme, f"k{of}", "wrong", today)
                    else:
                        today += timedelta(days=days)
                        work_night(bank, POINTS, lake, programme, today)
            except BankloopError:
                continue
            found = wallet(connection, "C1", today)
            sums = sums_by_kind(connection, "points/")
            assert sum(one.remaining for one in found.lots) == sums.get("wallet", 0) + sums.get("pending", 0)
            assert found.debt == -sums.get("debt", 0) >= 0
            assert sum(sums.values()) == 0
        assert check_ledger(connection) == ()
        example.rollback()
