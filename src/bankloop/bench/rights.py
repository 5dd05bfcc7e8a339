"""What row-level security costs and whether it holds: lists and 360 queries with policies, and by hand without any.

The bank is made of arithmetic, so that whom a person may see is known without asking the database: customer ``i`` is
of sub-branch ``i mod subs`` and of manager ``i mod staff``.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import psycopg
import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.kit.clock import FixedClock
from bankloop.organization.people import keep_people
from bankloop.organization.principals import system
from bankloop.organization.rights import give_role, principal_for
from bankloop.store.contracts import Principal
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import EmbeddedServer, remove_cluster, start_server

_NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
_TODAY = date(2026, 6, 30)
_DATABASE = "bankloop"
_SUBS_PER_BRANCH = 10
_STAFF_PER_SUB = 50
_VALID = "b.valid_from <= %(now)s AND (b.valid_to IS NULL OR b.valid_to > %(now)s)"
_MINE = f"EXISTS (SELECT FROM customer_book b WHERE b.customer_no = t.customer_no AND b.staff_id = %(me)s AND {_VALID})"
_OURS = f"EXISTS (SELECT FROM customer_book b WHERE b.customer_no = t.customer_no AND b.unit_id = ANY (%(units)s) AND {_VALID})"
_BOOK = "SELECT b.customer_no, b.line, b.unit_id, b.staff_id FROM customer_book b WHERE "
_TABLES = ("customer_book", "staff_task", "decision", "contact", "event")
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BenchBank:
    """A bank made of arithmetic: ``customers`` over ``staff`` managers in sub-branches of fifty."""

    customers: int
    staff: int

    @property
    def subs(self) -> int:
        """Return the number of sub-branches."""
        return self.staff // _STAFF_PER_SUB

    def branch_of(self, sub: int) -> int:
        """Return the branch of a sub-branch."""
        return sub // _SUBS_PER_BRANCH

    def truth(self, who: Principal, number: int) -> bool:
        """Return whether a principal may see customer ``number``, by arithmetic alone."""
        if who.book:
            return number % self.staff == int(who.book[1:])
        if who.tasks:
            return False
        return "*" in who.units or f"S{number % self.subs:04d}" in who.units


@dataclass(frozen=True, slots=True)
class _Query:
    """One query as the door asks it, and the same with the right written into it by hand."""

    name: str
    who: Principal
    policy: str
    by_hand: str
    values: Values


def measure(customers: int, staff: int, repeats: int, principals: int) -> dict[str, Any]:
    """Return ``{customers, staff, load_s, queries: {name: {policy_ms, handwritten_ms, ratio}}, leaks}``."""
    bank = BenchBank(customers, staff)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home)
        server = start_server(folder)
        try:
            create_database(server, _DATABASE)
            with attach_store(folder, FixedClock(_NOW), server, _DATABASE) as store:
                seconds = _fill(store, bank)
                people = _people(store, bank, principals)
                queries = _timed(store, server, _queries(bank, people), repeats)
                return {
                    "customers": customers,
                    "staff": staff,
                    "load_s": seconds,
                    "queries": queries,
                    "within": all(_within(found) for found in queries.values()),
                    "principals": len(people),
                    "leaks": _leaks(store, bank, people),
                }
        finally:
            remove_cluster(folder)
            server.leave()


def _within(found: Mapping[str, float]) -> bool:
    policy, by_hand = found["policy_ms"], found["handwritten_ms"]
    return policy <= max(by_hand * 1.3, by_hand + 0.5)


def _fill(store: Store, bank: BenchBank) -> float:
    """Load people and books as a load does, and the ledgers by arithmetic; return the seconds of the load."""
    begin = time.monotonic()
    load_people(store, bank)
    seconds = time.monotonic() - begin
    with store.begin(system("bench", "test")) as connection:
        for statement in _ledgers(bank):
            connection.execute(text(statement))
    return round(seconds, 1)


def load_people(store: Store, bank: BenchBank) -> None:
    """Load units, staff and books of a bank as a load does."""
    units: list[tuple[str, str | None, str]] = [("0000", None, "head_office")]
    branches = range(bank.branch_of(bank.subs - 1) + 1)
    units += [(f"B{b:03d}", "0000", "branch") for b in branches]
    units += [(f"S{s:04d}", f"B{bank.branch_of(s):03d}", "sub_branch") for s in range(bank.subs)]
    numbers = range(bank.customers)
    tables = (
        _table(units, ("unit_id", "parent_id", "kind"), line="*", name_zh="某", name_en="Some"),
        pa.table({"staff_id": [f"M{m}" for m in range(bank.staff)], "minutes": [90] * bank.staff, "on_leave": [False] * bank.staff}),
        _table([(f"M{m}", f"S{m % bank.subs:04d}") for m in range(bank.staff)], ("staff_id", "unit_id"), post="relationship_manager", line="retail"),
        pa.table(
            {
                "customer_no": [f"C{i:08d}" for i in numbers],
                "line": ["retail"] * bank.customers,
                "unit_id": [f"S{i % bank.subs:04d}" for i in numbers],
                "staff_id": [f"M{i % bank.staff}" for i in numbers],
                "says": [""] * bank.customers,
            }
        ),
    )  # fmt: skip
    with store.begin(system("bench", "test")) as connection:
        keep_people(connection, *tables)


def _table(rows: Sequence[tuple[Any, ...]], names: Sequence[str], **same: str) -> pa.Table:
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return pa.table(
        {**columns, **{name: [value] * len(rows) for name, value in same.items()}, "says": [""] * len(rows)}
    )


def _ledgers(bank: BenchBank) -> list[str]:
    """Two events and a decision a customer, a contact for every second, a task today for every fifth of a book."""
    rows = f"generate_series(0, {bank.customers - 1}) i"
    number = "'C' || lpad(i::text, 8, '0')"
    unit = f"'B' || lpad((i % {bank.subs} / {_SUBS_PER_BRANCH})::text, 3, '0')"
    identity = "md5(i::text)::uuid"
    return [
        "SELECT bankloop_partition('event', '2026-06-01')",
        "SELECT bankloop_partition('decision', '2026-06-01')",
        f"INSERT INTO event SELECT 'app', i * 2 + k, {number}, {unit}, 'login', '2026-06-10', '2026-06-10', '2026-06-10', "
        f"'', '', NULL, '{{}}' FROM {rows}, generate_series(0, 1) k",
        f"INSERT INTO decision SELECT {identity}, 'c', 1, {number}, {unit}, 'batch', '2026-06-29', '2026-06-30', '', NULL, "
        f"'2026-06-28', '', 'optimize', '', '', '{{}}', '{{}}', '{{}}', i, '{{}}', NULL, '2026-06-29' FROM {rows}",
        f"INSERT INTO contact SELECT {identity}, {number}, {unit}, 'sms', 'c', 'marketing', '2026-06-30', '2026-06-30', "
        f"true, '' FROM {rows} WHERE i % 2 = 0",
        f"INSERT INTO staff_task SELECT {identity}, 'c', 1, {number}, {unit}, NULL, '2026-06-30', 'call', i, '', '', "
        f"'CREATED', '' FROM {rows} WHERE i / {bank.staff} % 5 = 0",
    ]


def _people(store: Store, bank: BenchBank, count: int) -> list[Principal]:
    """Return principals as signing in makes them: managers first, then a head, a commander, a seat, head office."""
    dice = random.Random(20260630)  # noqa: S311 - a sample, no secret
    managers = [f"M{m}" for m in dice.sample(range(bank.staff), count)]
    wanted: list[tuple[str, str, str, tuple[str, ...]]] = [
        (m, "relationship_manager", "service", ()) for m in managers[:-3]
    ]
    wanted += [
        (managers[-3], "sub_branch_head", "tasks", ()),
        (managers[-2], "branch_commander", "tasks", ("B000",)),
        (managers[-1], "remote_agent", "tasks", ()),
        ("strategist", "hq_strategist", "campaign", ()),
    ]
    with store.begin(system("bench", "test")) as connection:
        for person, role, _, units in wanted:
            give_role(connection, person, role, units, ("*",))
        return [principal_for(connection, person, purpose, role=role) for person, role, purpose, _ in wanted]


def _queries(bank: BenchBank, people: Sequence[Principal]) -> list[_Query]:
    manager = people[0]
    commander = next(p for p in people if "branch_commander" in p.roles)
    head = next(p for p in people if "sub_branch_head" in p.roles)
    mine = {"me": manager.book, "customer": f"C{int(manager.book[1:]):08d}", "now": _NOW, "day": _TODAY}
    ours: dict[str, Any] = {"units": list(commander.units), "now": _NOW, "day": _TODAY, "unit": "B000"}
    theirs = {**ours, "units": list(head.units)}
    own_customer = "SELECT t.* FROM {table} t WHERE t.customer_no = %(customer)s{right} ORDER BY {order} DESC LIMIT 100"
    book, listed = f"{_BOOK}b.staff_id = %(me)s AND {_VALID} ORDER BY b.customer_no LIMIT 100", _branch_list()
    counted = (
        f"SELECT b.unit_id, count(*) FROM customer_book b WHERE b.unit_id = ANY (%(units)s) AND {_VALID} GROUP BY 1"
    )
    tasks = (
        "SELECT t.* FROM customer_book b JOIN staff_task t ON t.customer_no = b.customer_no "
        f"WHERE b.staff_id = %(me)s AND {_VALID} AND t.due_on = %(day)s ORDER BY t.value_fen DESC LIMIT 100"
    )
    due = "SELECT t.* FROM staff_task t WHERE t.unit_id = %(unit)s AND t.due_on = %(day)s{right} ORDER BY t.value_fen DESC LIMIT 50"
    found = [
        _Query("book_list", manager, book, book, mine),
        _Query("tasks_of_today", manager, tasks, tasks, mine),
        _Query("branch_list", commander, listed, listed, ours),
        _Query("sub_branch_list", head, listed, listed, theirs),
        _Query("branch_counts", commander, counted, counted, ours),
        _Query("branch_tasks", commander, due.format(right=""), due.format(right=f" AND {_OURS}"), ours),
    ]
    for table, order in (("contact", "due_at"), ("decision", "window_start"), ("event", "occurred_at")):
        policy = own_customer.format(table=table, right="", order=order)
        by_hand = own_customer.format(table=table, right=f" AND {_MINE}", order=order)
        found.append(_Query(f"{table}s_of_a_customer", manager, policy, by_hand, mine))
    return found


def _branch_list() -> str:
    page = f"{_BOOK}b.unit_id = u AND b.customer_no > '' AND {_VALID} ORDER BY b.customer_no LIMIT 100"
    return f"SELECT p.* FROM unnest(%(units)s::text[]) u CROSS JOIN LATERAL ({page}) p ORDER BY customer_no LIMIT 100"


def _timed(
    store: Store, server: EmbeddedServer, queries: Sequence[_Query], repeats: int
) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of each query both ways, taken in turn; by hand no policy is in force at all."""
    found = {}
    with psycopg.connect(
        host=server.host,
        port=server.port,
        user=server.admin,
        password=server.password(server.admin),
        dbname=_DATABASE,
        autocommit=True,
    ) as bare:
        bare.execute("ANALYZE")
        for query in queries:
            with store.begin(query.who) as connection:
                raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
                same = _rows(raw, query.policy, query.values) == _rows(bare, query.by_hand, query.values)
                assert same, f"{query.name}: the policy and the hand do not show the same rows"
                both: tuple[list[float], list[float]] = ([], [])
                for _ in range(repeats):
                    both[0].append(_took(raw, query.policy, query.values))
                    both[1].append(_took(bare, query.by_hand, query.values))
            policy, by_hand = (statistics.median(times) for times in both)
            found[query.name] = {
                "policy_ms": round(policy, 3),
                "handwritten_ms": round(by_hand, 3),
                "ratio": round(policy / by_hand, 2),
            }
    return found


def _rows(connection: psycopg.Connection[Any], query: str, values: Values) -> list[Any]:
    return sorted(map(repr, connection.execute(query, values).fetchall()))


def _took(connection: psycopg.Connection[Any], query: str, values: Values) -> float:
    begin = time.perf_counter()
    connection.execute(query, values).fetchall()
    return (time.perf_counter() - begin) * 1000


def _leaks(store: Store, bank: BenchBank, people: Sequence[Principal]) -> int:
    """Return how many rows some principal saw that arithmetic denies, or missed that it grants."""
    dice = random.Random(7)  # noqa: S311 - a sample, no secret
    wrong = 0
    for who in people:
        sample = dice.sample(range(bank.customers), 300)
        if who.book:
            sample += [int(who.book[1:]) + k * bank.staff for k in range(bank.customers // bank.staff)]
        numbers = sorted(set(sample))
        allowed = {f"C{i:08d}" for i in numbers if bank.truth(who, i)}
        with store.begin(who) as connection:
            wrong += sum(_wrong(connection, table, bank.staff, numbers, allowed) for table in _TABLES)
    return wrong


def _wrong(connection: Connection, table: str, staff: int, numbers: Sequence[int], allowed: set[str]) -> int:
    there = {f"C{i:08d}" for i in numbers if _is_there(table, i, staff)}
    query = text(f"SELECT DISTINCT customer_no FROM {table} WHERE customer_no = ANY (:numbers)")
    seen = set(connection.scalars(query, {"numbers": [f"C{i:08d}" for i in numbers]}))
    return len(seen ^ (allowed & there))


def _is_there(table: str, number: int, staff: int) -> bool:
    match table:
        case "contact":
            return number % 2 == 0
        case "staff_task":
            return number // staff % 5 == 0
        case _:
            return True
