"""The ledger: what is debited is credited, nothing bounded goes below nought, a hold ends once, an id has one effect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError, ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text
from bankloop.ledger.accounts import close_account, open_accounts, open_asset, open_wallets
from bankloop.ledger.batches import (
    BATCH_SCHEMA,
    HOLD_SCHEMA,
    RELEASE_SCHEMA,
    hold_batch,
    lock_accounts,
    open_requests,
    post_batch,
    release_batch,
)
from bankloop.ledger.contracts import (
    MAX_AMOUNT,
    EntryRef,
    LedgerAccount,
    LedgerAsset,
    LedgerFault,
    Line,
    Outcome,
    hold,
    move,
    release,
    reverse,
    take,
)
from bankloop.ledger.posting import expire_holds, must_post, post
from bankloop.ledger.statements import balance_at, balance_of, balances, check_ledger, held_by, statement
from bankloop.organization.principals import system
from bankloop.store.contracts import Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer

LEDGER = system("ledger")
ACCOUNTS = (
    LedgerAccount("issued", "points", bounded=False),
    LedgerAccount("a", "points"),
    LedgerAccount("b", "points"),
    LedgerAccount("hot", "points", shards=4),
    LedgerAccount("yuan", "money"),
)
NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)


@contextmanager
def ledger(store: Store) -> Iterator[Connection]:
    with store.begin(LEDGER) as connection:
        yield connection


@pytest.fixture
def opened(store: Store) -> Store:
    with ledger(store) as connection:
        open_asset(connection, LedgerAsset("points", Text("积分", "points")))
        open_asset(connection, LedgerAsset("money", Text("金额", "money"), 2))
        open_accounts(connection, ACCOUNTS)
    return store


def test_what_is_moved_is_debited_and_credited_once(opened: Store) -> None:
    with ledger(opened) as connection:
        assert post(connection, "r1", [move("issued", "a", 100, "earned")]) == Outcome("r1")
        assert post(connection, "r1", [move("issued", "a", 100, "earned")]) == Outcome("r1", again=True)
        assert balance_of(connection, "a").posted == 100
        assert balance_of(connection, "issued").posted == -100
        assert check_ledger(connection) == ()


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([move("issued", "a", 101, "earned")], "amount"),
        ([move("issued", "b", 100, "earned")], "credit"),
        ([move("issued", "a", 100, "gift")], "reason"),
        ([move("issued", "a", 100, "earned"), move("issued", "a", 1, "earned")], "lines"),
    ],
)
def test_an_id_that_stands_for_something_else_is_refused_by_the_field(
    opened: Store, lines: list[Line], field: str
) -> None:
    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "earned")])
        with pytest.raises(ConflictError) as caught:
            post(connection, "r1", lines)
        assert caught.value.code == "ledger.other_content"
        assert field in str(caught.value.message.en)
        assert balance_of(connection, "a").posted == 100


def test_a_refused_id_stays_refused(opened: Store) -> None:
    with ledger(opened) as connection:
        refused = post(connection, "r1", [move("a", "b", 5, "x")])
        assert (refused.refused, refused.line) == ("short", 0)
        post(connection, "r2", [move("issued", "a", 100, "earned")])
        assert post(connection, "r1", [move("a", "b", 5, "x")]) == refused
        with pytest.raises(ConflictError) as caught:
            must_post(connection, "r1", [move("a", "b", 5, "x")])
        assert caught.value.code == "ledger.short"
        assert balance_of(connection, "b").posted == 0


def test_of_linked_lines_all_are_done_or_none(opened: Store) -> None:
    with ledger(opened) as connection:
        found = post(connection, "r1", [move("issued", "a", 10, "x"), move("a", "b", 10, "x"), move("a", "b", 1, "x")])
        assert (found.refused, found.line) == ("short", 2)
        assert balance_of(connection, "a").posted == balance_of(connection, "issued").posted == 0
        assert not post(connection, "r2", [move("issued", "a", 10, "x"), move("a", "b", 10, "x")]).refused
        assert balance_of(connection, "b").posted == 10


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (move("issued", "nowhere", 1, "x"), "unknown_account"),
        (move("nowhere", "a", 1, "x"), "unknown_account"),
        (move("issued", "yuan", 1, "x"), "other_asset"),
        (take(EntryRef("no"), "x"), "unknown_entry"),
        (reverse(EntryRef("no"), "x"), "unknown_entry"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(opened: Store, line: Line, reason: str) -> None:
    with ledger(opened) as connection:
        assert post(connection, "r1", [line]).refused == reason
        assert check_ledger(connection) == ()


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1, 2**63, True, 1.5])
def test_an_amount_that_is_none_is_refused_before_anything_is_asked(opened: Store, amount: int) -> None:
    with ledger(opened) as connection, pytest.raises(InputError):
        post(connection, "r1", [move("issued", "a", amount, "x")])


def test_a_hold_sets_aside_and_ends_once(opened: Store) -> None:
    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "x")])
        post(connection, "h1", [hold("a", "b", 60, "x")])
        found = balance_of(connection, "a")
        assert (found.posted, found.held_out, found.available) == (100, 60, 40)
        assert balance_of(connection, "b").held_in == 60
        assert post(connection, "r2", [move("a", "b", 41, "x")]).refused == "short"
        assert post(connection, "t0", [take(EntryRef("h1"), "x", 61)]).refused == "more_than_held"
        assert not post(connection, "t1", [take(EntryRef("h1"), "x", 50)]).refused
        assert balance_of(connection, "a").available == 50
        assert balance_of(connection, "b").posted == 50
        for kind, line in (("t2", take(EntryRef("h1"), "x")), ("t3", release(EntryRef("h1"), "x"))):
            assert post(connection, kind, [line]).refused == "resolved"
        assert check_ledger(connection) == ()


def test_a_hold_ends_at_its_moment_and_what_it_held_is_free_at_once(
    opened: Store, store_server: EmbeddedServer, database: str
) -> None:
    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "x")])
        post(connection, "h1", [hold("a", "b", 100, "x", NOON)])
        post(connection, "h2", [hold("issued", "b", 7, "x", NOON)])
    for at, refused in ((NOON - timedelta(seconds=1), "short"), (NOON, "")):
        with attach_store(opened.folder, FixedClock(at), store_server, database) as later, ledger(later) as connection:
            assert post(connection, f"r{at.second}", [move("a", "b", 1, "x")]).refused == refused
    with attach_store(opened.folder, FixedClock(NOON), store_server, database) as later, ledger(later) as connection:
        assert post(connection, "t1", [take(EntryRef("h1"), "x")]).refused == "resolved"
        assert post(connection, "t2", [take(EntryRef("h2"), "x")]).refused == "expired"
        assert expire_holds(connection) == 1
        assert expire_holds(connection) == 0
        assert balance_of(connection, "b").held_in == 0
        assert check_ledger(connection) == ()


def test_an_entry_is_corrected_by_its_reversal_once(opened: Store) -> None:
    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "x")])
        post(connection, "r2", [move("a", "b", 30, "x")])
        assert not post(connection, "c1", [reverse(EntryRef("r2"), "wrong")]).refused
        assert post(connection, "c2", [reverse(EntryRef("r2"), "wrong")]).refused == "reversed"
        assert balance_of(connection, "a").posted == 100
        post(connection, "r3", [move("a", "b", 1, "x")])
        assert post(connection, "c3", [reverse(EntryRef("r1"), "wrong")]).refused == "short"
        lines = statement(connection, "a")
        assert [(one.change, one.balance) for one in lines] == [(-1, 99), (30, 100), (-30, 70), (100, 100)]
        assert balance_at(connection, "a", opened.clock.now()) == 99
        assert balance_at(connection, "a", opened.clock.now() - timedelta(days=1)) == 0


def test_a_hot_account_gathers_from_its_shards_and_never_goes_below_nought(opened: Store) -> None:
    with ledger(opened) as connection:
        for n in range(40):
            post(connection, f"in{n}", [move("issued", "hot", 25, "x")])
        assert post(connection, "all", [move("hot", "a", 1001, "x")]).refused == "short"
        assert not post(connection, "most", [move("hot", "a", 999, "x")]).refused
        assert balance_of(connection, "hot").posted == 1
        assert check_ledger(connection) == ()


def test_fifty_at_once_take_exactly_what_there_is(opened: Store) -> None:
    """Twenty pieces, fifty requests over five clients, in opposite directions beside them: twenty are done."""
    with ledger(opened) as connection:
        post(connection, "in", [move("issued", "hot", 20, "x"), move("issued", "b", 500, "x")])
    outcomes: list[str] = []

    def client(number: int) -> None:
        for n in range(10):
            with ledger(opened) as connection:
                outcomes.append(post(connection, f"out-{number}-{n}", [move("hot", "a", 1, "x")]).refused)
            with ledger(opened) as connection:
                pair = ("a", "b") if number % 2 else ("b", "a")
                post(connection, f"back-{number}-{n}", [move(*pair, 1, "x")])

    threads = [threading.Thread(target=client, args=(n,)) for n in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert outcomes.count("") == 20
    assert outcomes.count("short") == 30
    with ledger(opened) as connection:
        assert balance_of(connection, "hot").posted == 0
        assert check_ledger(connection) == ()


def test_fifty_at_once_with_one_id_have_one_effect(opened: Store) -> None:
    found: list[Outcome] = []

    def client() -> None:
        with ledger(opened) as connection:
            found.append(post(connection, "one", [move("issued", "a", 7, "x")]))

    threads = [threading.Thread(target=client) for _ in range(50)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.again for one in found) == [False] + [True] * 49
    with ledger(opened) as connection:
        assert balance_of(connection, "a").posted == 7


def batch(rows: list[tuple[str, str, str, int]]) -> pa.Table:
    names = ("request", "debit", "credit", "amount", "reason")
    return pa.Table.from_pylist([dict(zip(names, (*row, "night"), strict=True)) for row in rows], schema=BATCH_SCHEMA)


def test_a_batch_is_done_whole_and_each_of_its_ids_once(opened: Store) -> None:
    with ledger(opened) as connection:
        wallets = pa.table({"account": [f"w/{n}" for n in range(500)], "customer_no": [f"C{n}" for n in range(500)]})
        open_wallets(connection, "points", wallets)
        rows = [(f"e{n}", "issued", f"w/{n}", n + 1) for n in range(500)]
        assert post_batch(connection, batch(rows[:300])) == 300
        assert post_batch(connection, batch(rows)) == 200
        assert [one.posted for one in balances(connection, customer_no="C499")] == [500]
        with pytest.raises(ConflictError) as caught:
            post_batch(connection, batch([("e0", "issued", "w/0", 9)]))
        assert caught.value.code == "ledger.other_content"
        with pytest.raises(ConflictError) as caught:
            post_batch(connection, batch([("x1", "w/9", "a", 10), ("x2", "w/9", "a", 1)]))
        assert caught.value.code == "ledger.batch_short"
        with pytest.raises(NotFoundError):
            post_batch(connection, batch([("x3", "issued", "nowhere", 1)]))
        # What a batch posted and what a request of one line says are the same id.
        assert post(connection, "e7", [move("issued", "w/7", 8, "night")]).again
        assert check_ledger(connection) == ()


def test_what_an_account_is_for_is_fixed_and_it_is_closed_when_empty(opened: Store) -> None:
    with ledger(opened) as connection:
        open_accounts(connection, ACCOUNTS)  # the same again
        for other in (
            LedgerAccount("a", "money"),
            LedgerAccount("a", "points", bounded=False),
            LedgerAccount("a", "points", shards=2),
        ):
            with pytest.raises(ConflictError):
                open_accounts(connection, [other])
        with pytest.raises(ConflictError):
            open_asset(connection, LedgerAsset("points", Text("积分", "points"), 2))
        post(connection, "r1", [move("issued", "a", 1, "x")])
        with pytest.raises(ConflictError):
            close_account(connection, "a")
        post(connection, "r2", [move("a", "b", 1, "x")])
        close_account(connection, "a")
        assert post(connection, "r3", [move("issued", "a", 1, "x")]).refused == "closed"


def test_what_was_posted_is_changed_by_nobody(opened: Store) -> None:
    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "x")])
    for statement_ in ("UPDATE ledger_entry SET amount = 1", "DELETE FROM ledger_entry", "DELETE FROM ledger_request"):
        with pytest.raises(BankloopError), ledger(opened) as connection:
            connection.execute(text(statement_))
    with pytest.raises(IntegrityError), ledger(opened) as connection:
        connection.execute(text("UPDATE ledger_balance SET debits = debits + 101 WHERE account = 'a'"))


def test_a_balance_that_the_entries_do_not_give_is_found(opened: Store) -> None:
    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "x")])
    with opened.begin(LEDGER, Role.OWNER) as connection:
        connection.execute(text("UPDATE ledger_balance SET credits = 105 WHERE account = 'a'"))
        found = check_ledger(connection)
    assert LedgerFault("posted", "points", 100, 105) in found
    assert LedgerFault("credits", "a", 100, 105) in found


AMOUNTS = st.integers(1, 12)
HOLDERS = st.sampled_from(["issued", "a", "b", "hot"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), HOLDERS, HOLDERS, AMOUNTS),
        st.tuples(st.just("hold"), HOLDERS, HOLDERS, AMOUNTS),
        st.tuples(st.sampled_from(["take", "release", "reverse"]), st.integers(0, 12), st.integers(1, 12)),
        st.tuples(st.just("again"), st.integers(0, 12)),
    ),
    max_size=14,
)


class Model:
    """The ledger as a few dictionaries: what a request must do."""

    def __init__(self) -> None:
        self.posted = dict.fromkeys(("issued", "a", "b", "hot"), 0)
        self.held = dict(self.posted)
        self.entries: dict[str, tuple[str, str, str, int]] = {}
        self.ended: set[tuple[str, str]] = set()

    def does(self, request: str, kind: str, debit: str, credit: str, amount: int, of: str) -> str:
        if kind in {"take", "release", "reverse"}:
            wanted = {"post", "take"} if kind == "reverse" else {"hold"}
            if of not in self.entries or self.entries[of][0] not in wanted:
                return "unknown_entry"
            _, was_debit, was_credit, was = self.entries[of]
            if kind == "take" and amount > was:
                return "more_than_held"
            debit, credit = (was_credit, was_debit) if kind == "reverse" else (was_debit, was_credit)
            if (of, "end" if kind != "reverse" else "reverse") in self.ended:
                return "reversed" if kind == "reverse" else "resolved"
            amount = amount if kind == "take" else was
            if kind != "reverse":
                self.held[debit] -= was
        if kind in {"post", "hold", "reverse"} and debit != "issued" and self.posted[debit] - self.held[debit] < amount:
            return "short"
        if of:
            self.ended.add((of, "end" if kind != "reverse" else "reverse"))
        if kind == "hold":
            self.held[debit] += amount
        elif kind != "release":
            self.posted[debit] -= amount
            self.posted[credit] += amount
        self.entries[request] = (kind, debit, credit, amount)
        return ""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_asked_the_ledger_does_what_a_model_does(opened: Store, steps: list[tuple[str, ...]]) -> None:
    model, asked = Model(), dict[str, list[Line]]()
    with ledger(opened) as connection:
        example = connection.begin_nested()
        for at, step in enumerate(steps):
            kind, request = step[0], f"q{at}"
            if kind == "again":
                known = f"q{step[1]}"
                if known in asked:
                    found = post(connection, known, asked[known])
                    assert found.again or found.refused
                continue
            of = "" if kind in {"post", "hold"} else f"q{step[1]}"
            if not of:
                debit, credit, amount = str(step[1]), str(step[2]), int(step[3])
                if debit == credit:
                    continue
                line = move(debit, credit, amount, "x") if kind == "post" else hold(debit, credit, amount, "x")
            else:
                debit, credit, amount = "", "", int(step[2])
                ending = {"take": take(EntryRef(of), "x", amount), "release": release(EntryRef(of), "x")}
                line = ending.get(kind, reverse(EntryRef(of), "x"))
            asked[request] = [line]
            expected = model.does(request, kind, debit, credit, amount, of)
            assert post(connection, request, [line]).refused == expected
        for name in model.posted:
            found_balance = balance_of(connection, name)
            assert (found_balance.posted, found_balance.held_out) == (model.posted[name], model.held[name])
        assert check_ledger(connection) == ()
        example.rollback()  # nothing of an example stays


def test_who_has_no_right_posts_nothing_and_sees_nothing(opened: Store) -> None:
    from bankloop.store.contracts import Principal

    with ledger(opened) as connection:
        post(connection, "r1", [move("issued", "a", 100, "x")])
    clerk = Principal("clerk", frozenset({"branch"}), ("B01",), "service")
    with opened.begin(clerk) as connection:
        assert balances(connection) == ()
    with pytest.raises((DeniedError, DBAPIError)), opened.begin(clerk) as connection:
        post(connection, "r2", [move("issued", "a", 100, "x")])


def holds(*rows: tuple[str, int, str, str, int], until: datetime | None = None) -> pa.Table:
    names = ("request", "line", "debit", "credit", "amount")
    more = {"reason": "batch", "expires_at": until.isoformat() if until else None}
    return pa.Table.from_pylist([{**dict(zip(names, row, strict=True)), **more} for row in rows], schema=HOLD_SCHEMA)


def test_a_batch_of_holds_is_what_single_holds_are(opened: Store) -> None:
    until = NOON + timedelta(days=1)
    with ledger(opened) as connection:
        post(connection, "r", [move("issued", "a", 100, "earned")])
        table = holds(("h1", 0, "a", "b", 30), ("h1", 1, "issued", "b", 5), ("h2", 0, "a", "b", 70), until=until)
        assert hold_batch(connection, table) == 2
        assert hold_batch(connection, table) == 0
        lines = [hold("a", "b", 30, "batch", until), hold("issued", "b", 5, "batch", until)]
        assert post(connection, "h1", lines) == Outcome("h1", again=True)
        assert (balance_of(connection, "a").available, balance_of(connection, "b").held_in) == (0, 105)
        assert [(one.account, one.amount, one.ended) for one in held_by(connection, "h1")] == [
            ("a", 30, ""), ("issued", 5, "")
        ]  # fmt: skip
        assert check_ledger(connection) == ()
    for wrong, code in (
        (holds(("h3", 0, "a", "b", 1)), "ledger.batch_short"),
        (holds(("h1", 0, "a", "b", 31)), "ledger.other_content"),
        (holds(("h4", 0, "a", "b", 1), ("h4", 0, "a", "b", 1)), "ledger.other_content"),
        (holds(("h5", 0, "a", "yuan", 1)), "ledger.no_account"),
    ):
        with ledger(opened) as connection, pytest.raises(BankloopError) as refused:
            hold_batch(connection, wrong)
        assert refused.value.code == code
    with ledger(opened) as connection:
        assert check_ledger(connection) == ()


@pytest.mark.parametrize("expired", [False, True])
def test_what_many_requests_hold_is_given_back_once(opened: Store, expired: bool) -> None:
    rows = [{"request": f"{one}:end", "of_request": one, "reason": "over"} for one in ("h1", "h2", "h3", "none")]
    ends = pa.Table.from_pylist(rows, schema=RELEASE_SCHEMA)
    with ledger(opened) as connection:
        post(connection, "r", [move("issued", "a", 100, "earned")])
        hold_batch(connection, holds(("h1", 0, "a", "b", 30), ("h1", 1, "a", "b", 5), ("h2", 0, "a", "b", 7)))
        post(connection, "h3", [hold("a", "b", 8, "single")])
        post(connection, "t2", [take(EntryRef("h2"), "used")])
        assert open_requests(connection, "h")["request"].to_pylist() == ["h1", "h3"]
        assert release_batch(connection, ends, expired=expired) == 2
        assert release_batch(connection, ends, expired=expired) == 0
        assert open_requests(connection, "").num_rows == 0
        assert (balance_of(connection, "a").available, balance_of(connection, "b").posted) == (93, 7)
        assert [one.ended for one in held_by(connection, "h1")] == ["expire" if expired else "release"] * 2
        assert held_by(connection, "h2")[0].ended == "take"
        assert check_ledger(connection) == ()
        assert post(connection, "late", [take(EntryRef("h1"), "used")]).refused == "resolved"


def test_who_locks_accounts_finds_what_has_expired_free(opened: Store) -> None:
    with ledger(opened) as connection:
        post(connection, "r", [move("issued", "a", 100, "earned")])
        hold_batch(connection, holds(("h1", 0, "a", "b", 30), until=NOON))
        hold_batch(connection, holds(("h2", 0, "a", "b", 20), until=NOON + timedelta(days=1)))
        hold_batch(connection, holds(("h3", 0, "issued", "b", 9), until=NOON))
    opened.clock = FixedClock(NOON + timedelta(hours=1))
    with ledger(opened) as connection:
        lock_accounts(connection, ["a"])
        assert balance_of(connection, "a").available == 80
        assert [held_by(connection, one)[0].ended for one in ("h1", "h2", "h3")] == ["expire", "", ""]
        assert check_ledger(connection) == ()
