"""Grants: a pool is never overrun, whoever races; what ends gives back what it set aside; the ledger alone counts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from bankloop.benefit.grants import (
    BUDGET,
    BUDGET_EXHAUSTED,
    STOCK,
    STOCK_EXHAUSTED,
    GrantLife,
    GrantPool,
    burn_downs,
    expire_grants,
    grant_benefits,
    grant_of,
    pool_of,
    pools,
    redeem_grant,
    return_grant,
)
from bankloop.contact.stops import stop_contacts
from bankloop.kit.errors import BankloopError, ConflictError, InputError, NotFoundError
from bankloop.ledger.statements import check_ledger
from bankloop.organization.principals import system
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Role
from bankloop.store.database import Store

PROGRAM = system("benefit")
DAY = date(2026, 6, 30)
BUDGETS, STOCKS = {"x:1": 10_000}, {"coupon": 3}


def number(at: int) -> str:
    return str(UUID(int=at + 1))


def asked(
    numbers: Sequence[int], fen: int = 3_000, budget: str = "x:1", benefit: str = "coupon", ends: date | None = DAY
) -> pa.Table:
    rows = [
        {"decision_id": number(at), "customer_no": f"C{at}", "unit_id": "S0001", "benefit": benefit,
         "reserved_fen": fen, "budget": budget, "expires_on": ends}
        for at in numbers
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def granted(
    connection: Connection, table: pa.Table, budgets: Mapping[str, int] = BUDGETS, stocks: Mapping[str, int] = STOCKS
) -> list[str]:
    refused: list[str] = grant_benefits(connection, table, budgets, stocks)["refused_by"].to_pylist()
    assert check_ledger(connection) == ()
    return refused


def figures(connection: Connection) -> tuple[GrantPool, GrantPool]:
    return pool_of(connection, BUDGET, "x:1"), pool_of(connection, STOCK, "coupon")


def test_a_grant_is_redeemed_once_and_returned_once(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        assert granted(connection, asked([0, 1])) == ["", ""]
        assert grant_of(connection, number(0)).life is GrantLife.ISSUED
        assert redeem_grant(connection, f"{{{number(0)}}}", "order 1").life is GrantLife.REDEEMED
        assert redeem_grant(connection, number(0), "order 1").life is GrantLife.REDEEMED
    with store.begin(PROGRAM) as connection, pytest.raises(ConflictError, match="redeemed for order 1") as taken:
        redeem_grant(connection, number(0), "order 2")
    assert taken.value.code == "benefit.not_open"
    with store.begin(PROGRAM) as connection:
        assert figures(connection) == (
            GrantPool(BUDGET, "x:1", 10_000, 3_000, 3_000),
            GrantPool(STOCK, "coupon", 3, 1, 1),
        )
        assert return_grant(connection, number(0), "order 1 came back").life is GrantLife.RETURNED
        assert return_grant(connection, number(1), "not wanted").life is GrantLife.RETURNED
        assert [one.left for one in figures(connection)] == [10_000, 3]
        assert check_ledger(connection) == ()
    for verb in (redeem_grant, return_grant):
        with store.begin(PROGRAM) as connection, pytest.raises(ConflictError) as refused:
            verb(connection, number(0), "again")
        assert refused.value.code == "benefit.not_open"


def test_what_is_returned_or_ends_may_be_granted_again(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        assert granted(connection, asked(range(4))) == ["", "", "", BUDGET_EXHAUSTED]
        return_grant(connection, number(0), "not wanted")
        redeem_grant(connection, number(1), "order 1")
        assert expire_grants(connection, date(2026, 6, 29)) == 0
        assert granted(connection, asked([4, 5])) == ["", BUDGET_EXHAUSTED]
        assert expire_grants(connection, DAY) == 2
        assert expire_grants(connection, DAY) == 0
        lives = [grant_of(connection, number(at)).life for at in range(5)]
        assert lives == [
            GrantLife.RETURNED,
            GrantLife.REDEEMED,
            GrantLife.EXPIRED,
            GrantLife.REFUSED,
            GrantLife.EXPIRED,
        ]
        assert granted(connection, asked(range(6, 9))) == ["", "", BUDGET_EXHAUSTED]
        assert [(one.committed, one.spent) for one in figures(connection)] == [(6_000, 3_000), (2, 1)]
        assert check_ledger(connection) == ()


def test_each_verb_leaves_its_row(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        granted(connection, asked([0, 1]))
        redeem_grant(connection, number(0), "order 1")
        redeem_grant(connection, number(0), "order 1")
        return_grant(connection, number(0), "came back")
        expire_grants(connection, DAY)
    with store.begin(PROGRAM, Role.AUDITOR) as connection:
        rows = {row.verb: row for row in read_audit(connection) if row.verb.startswith("benefit.")}
        assert Counter(row.verb for row in read_audit(connection) if row.verb in rows) == dict.fromkeys(rows, 1)
    assert set(rows) == {"benefit.redeem", "benefit.return", "benefit.expire"}
    assert rows["benefit.return"].before == {"life": "redeemed"}
    assert rows["benefit.expire"].after == {"expired": 1}


def test_what_was_set_aside_by_expectation_is_spent_by_its_grant(store: Store) -> None:
    """A thousand yuan, a hundred coupons' expectation of ten: forty redeemed, sixty let pass, nothing more granted."""
    limits = ({"x:1": 100_000}, {"coupon": 1_000})
    with store.begin(PROGRAM) as connection:
        assert granted(connection, asked(range(101), 1_000), *limits) == [""] * 100 + [BUDGET_EXHAUSTED]
        for at in range(40):
            redeem_grant(connection, number(at), f"order {at}")
        assert expire_grants(connection, DAY, {"coupon"}) == 60
        assert grant_of(connection, number(99)).life is GrantLife.EXPIRED
        assert granted(connection, asked([200], 1_000), *limits) == [BUDGET_EXHAUSTED]
        assert [(one.committed, one.spent, one.left) for one in figures(connection)] == [(0, 100_000, 0), (0, 40, 960)]
        found = {one.pool.asset: one.released for one in burn_downs(connection, DAY, "Asia/Shanghai")}
        assert found == {BUDGET: 0, STOCK: 60}


def test_what_has_no_limit_is_never_used_up(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        granted(connection, asked(range(20)), {}, {"coupon": 20})
        return_grant(connection, number(0), "unwanted")
        told = {one.pool.asset: one for one in burn_downs(connection, DAY, "Asia/Shanghai")}
        assert (told[BUDGET].pool.used_up, told[BUDGET].pool.near, told[BUDGET].empty_on) == (False, False, None)
        assert told[STOCK].pool.near
        granted(connection, asked([30]), {}, {"coupon": 20})
        told = {one.pool.asset: one for one in burn_downs(connection, DAY, "Asia/Shanghai")}
        assert (told[BUDGET].pool.left, told[BUDGET].pool.used_up, told[STOCK].pool.used_up) == (0, False, True)


def test_of_equal_returns_at_once_one_leaves_a_row(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        granted(connection, asked([0]))
    refused: list[str] = []

    def back(at: int) -> None:
        try:
            with store.begin(system(f"w{at}")) as connection:
                return_grant(connection, number(0), "unwanted")
        except ConflictError as error:
            refused.append(error.code)

    in_threads(6, back)
    assert set(refused) <= {"benefit.not_open"}
    with store.begin(PROGRAM, Role.AUDITOR) as connection:
        assert sum(row.verb == "benefit.return" for row in read_audit(connection)) == 1


def test_a_grant_without_a_last_day_never_ends(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        granted(connection, asked([0], ends=None))
        assert expire_grants(connection, date(2099, 1, 1)) == 0


def test_a_limit_is_what_is_said_now(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        assert granted(connection, asked([0, 1]), {"x:1": 6_000}, {}) == ["", ""]
        assert granted(connection, asked([2]), {"x:1": 3_000}, {}) == [BUDGET_EXHAUSTED]
        assert pool_of(connection, BUDGET, "x:1") == GrantPool(BUDGET, "x:1", 6_000, 6_000, 0)
        assert granted(connection, asked([3, 4]), {"x:1": 9_000}, {"coupon": 3}) == ["", BUDGET_EXHAUSTED]
        assert granted(connection, asked([5]), {"x:1": 90_000}, {"coupon": 3}) == [STOCK_EXHAUSTED]
        assert granted(connection, asked([6]), {}, {}) == [""]
        assert [one.committed for one in figures(connection)] == [12_000, 4]


def test_a_smaller_grant_behind_a_larger_one_still_fits(store: Store) -> None:
    table = pa.concat_tables([asked([0], 9_000), asked([1], 2_000), asked([2], 1_000)])
    with store.begin(PROGRAM) as connection:
        assert granted(connection, table) == ["", BUDGET_EXHAUSTED, ""]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["x:1", "y:1", ""]), st.sampled_from(["a", "b"]), st.integers(0, 50)),
        min_size=1,
        max_size=12,
    ),
    limits=st.tuples(st.integers(0, 120), st.integers(0, 6)),
)
def test_grants_are_what_two_counters_say(
    store: Store, rows: list[tuple[str, str, int]], limits: tuple[int, int]
) -> None:
    """Beside the plain arithmetic: in the order given, each takes all of what it needs, or nothing."""
    money, pieces = limits
    tag = uuid4().hex
    left = {f"x:1{tag}": money, f"a{tag}": pieces}
    expected = []
    for budget, benefit, fen in rows:
        wanted = [(f"{budget}{tag}" if budget else "", fen, BUDGET_EXHAUSTED), (f"{benefit}{tag}", 1, STOCK_EXHAUSTED)]
        empty = next((why for pool, amount, why in wanted if left.get(pool, amount) < amount), "")
        for pool, amount, _ in wanted if not empty else []:
            if pool in left:
                left[pool] -= amount
        expected.append(empty)
    table = pa.concat_tables(
        asked([at], fen, f"{budget}{tag}" if budget else "", f"{benefit}{tag}")
        for at, (budget, benefit, fen) in enumerate(rows)
    ).set_column(0, "decision_id", pa.array([str(uuid4()) for _ in rows]))
    with store.begin(PROGRAM) as connection:
        assert granted(connection, table, {f"x:1{tag}": money}, {f"a{tag}": pieces}) == expected
        assert pool_of(connection, BUDGET, f"x:1{tag}").left == left[f"x:1{tag}"]
        assert pool_of(connection, STOCK, f"a{tag}").left == left[f"a{tag}"]


def in_threads(count: int, act: Callable[[int], None]) -> None:
    start = threading.Barrier(count)

    def together(at: int) -> None:
        start.wait()
        act(at)

    threads = [threading.Thread(target=together, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_campaigns_race_for_the_last_pieces_and_the_last_money(store: Store) -> None:
    """Eight campaigns of budgets of their own and one stock, and eight of one budget and stocks of their own."""
    outcomes: list[list[str]] = []

    def campaign(at: int) -> None:
        shared = at % 2
        budget, benefit = (f"own{at}:1", "coupon") if shared else ("x:1", f"own{at}")
        table = asked(range(at * 10, at * 10 + 3), 3_000, budget, benefit)
        with store.begin(system(f"w{at}")) as connection:
            limits = {budget: 9_000 if shared else 10_000}
            outcomes.append(grant_benefits(connection, table, limits, {benefit: 3})["refused_by"].to_pylist())

    in_threads(16, campaign)
    told = [one for outcome in outcomes for one in outcome]
    assert len(told) == 48
    assert (told.count(""), told.count(STOCK_EXHAUSTED), told.count(BUDGET_EXHAUSTED)) == (6, 21, 21)
    with store.begin(PROGRAM) as connection:
        money, pieces = figures(connection)
        assert (money.committed, money.left, pieces.committed, pieces.left) == (9_000, 1_000, 3, 0)
        assert connection.scalar(text("SELECT count(*) FROM benefit_grant WHERE granted")) == 6
        assert all(one.left >= 0 for one in pools(connection))
        assert check_ledger(connection) == ()


def test_of_many_orders_one_redeems(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        granted(connection, asked([0]))
    done, refused = [], []

    def order(at: int) -> None:
        try:
            with store.begin(system(f"w{at}")) as connection:
                done.append(redeem_grant(connection, number(0), f"order {at}"))
        except BankloopError as error:
            refused.append(error.code)

    in_threads(8, order)
    assert (len(done), refused) == (1, ["benefit.not_open"] * 7)
    with store.begin(PROGRAM) as connection:
        assert pool_of(connection, STOCK, "coupon") == GrantPool(STOCK, "coupon", 3, 0, 1)
        assert check_ledger(connection) == ()


def test_a_contact_that_is_called_off_gives_its_benefit_back(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        granted(connection, asked([0, 1]))
        redeem_grant(connection, number(1), "order 1")
        for at in (0, 1, 2):
            connection.execute(
                text("INSERT INTO contact VALUES (:id, 'C0', 'S0001', 'sms', 'x', 'marketing', :at, :day, true, '')"),
                {"id": number(at), "at": datetime(2026, 6, 1, tzinfo=UTC), "day": DAY},
            )
        assert stop_contacts(connection, [number(at) for at in range(3)], "shelf:off") == 3
        assert grant_of(connection, number(0)).life is GrantLife.RETURNED
        assert grant_of(connection, number(1)).life is GrantLife.REDEEMED
        assert [(one.committed, one.spent) for one in figures(connection)] == [(0, 3_000), (0, 1)]
        assert check_ledger(connection) == ()


def test_what_is_not_there_or_says_nothing_is_refused(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        for unknown in ("x", number(7)):
            with pytest.raises(NotFoundError):
                redeem_grant(connection, unknown, "order")
        for words in (" ", "x" * 201):
            with pytest.raises(InputError):
                return_grant(connection, number(7), words)
        granted(connection, asked(range(4)))
        with pytest.raises(ConflictError):
            redeem_grant(connection, number(3), "order")
