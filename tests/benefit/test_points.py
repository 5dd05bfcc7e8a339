"""Points: earned once, spent those first that end first, given back to where they came from, always what the ledger says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.benefit.points import (
    Expiry,
    LotState,
    earn_points,
    give_back,
    owed,
    spend_points,
    take_back,
    wallet,
    work_night,
)
from bankloop.kit.errors import BankloopError, ConflictError, DeniedError, InputError, NotFoundError
from bankloop.lake.service import Lake
from bankloop.ledger.statements import check_ledger, sums_by_kind
from bankloop.organization.rights import ROLES
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from tests.benefit.wallets import PLAIN, POINTS, TODAY, at_work, earn


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


def test_months_are_net_and_add_up_to_what_is_held(bank: Store) -> None:
    """Grace, debts and what was taken back are no earnings and no spendings."""
    with at_work(bank) as connection:
        earn(connection, "old", 100, TODAY - timedelta(days=364))
        spend_points(connection, "s1", "C1", 30, "coffee", TODAY)
        give_back(connection, PLAIN, "g1", "s1", 20, "cold", TODAY + timedelta(days=5))
        earn_points(connection, PLAIN, "p1", "C2", 50, "stay", TODAY, "hotel")
        spend_points(connection, "s2", "C2", 40, "tea", TODAY)
        take_back(connection, PLAIN, "p1", "cancelled", TODAY)
        earn(connection, "n1", 60, who="C2")
        found = owed(connection, PLAIN, TODAY, "Asia/Shanghai")
    (month,) = found.months
    assert (month.earned, month.spent, month.expired) == (100 + 50 - 50 + 60, 30 - 20 + 40, 0)
    assert month.earned - month.spent - month.expired == found.outstanding + found.pending - found.debt
    assert (found.outstanding, found.debt, found.issued_by) == (90 + 20, 0, {"hotel": 0})


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
