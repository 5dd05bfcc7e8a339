"""The contact gate: no cap is broken, whoever asks, in whatever order, however many at once."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.contact.contracts import CONTACT_OUTCOME_SCHEMA, Cap, Capacity
from bankloop.contact.gate import reserve_contacts
from bankloop.contact.queries import broken_caps, contacts_of
from bankloop.contact.rules import Made, Wanted, decide
from bankloop.kit.errors import DeniedError
from bankloop.store.contracts import Principal
from bankloop.store.database import Store

CAPS = (Cap("sms", 1, 7), Cap("*", 2, 7), Cap("*", 3, 30))
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)

Row = tuple[int, str, str, datetime]  # decision, customer, channel, due


@pytest.fixture(autouse=True)
def allowed(allow: Callable[..., None]) -> None:
    """Everybody here allows marketing."""
    allow(f"C{i}" for i in range(40))


def table(rows: list[Row], unit: str = "B01", contact_class: str = "marketing") -> pa.Table:
    return pa.table(
        {
            "decision_id": [str(UUID(int=row[0])) for row in rows],
            "customer_no": [row[1] for row in rows],
            "unit_id": [unit] * len(rows),
            "channel": [row[2] for row in rows],
            "campaign": ["bind-card"] * len(rows),
            "contact_class": [contact_class] * len(rows),
            "due_at": pa.array([row[3] for row in rows], pa.timestamp("us", tz="UTC")),
        }
    )


def reserve(
    store: Store, who: Principal, rows: list[Row], *caps: Cap, capacities: tuple[Capacity, ...] = ()
) -> list[str]:
    with store.begin(who) as connection:
        return reserve_contacts(connection, table(rows), caps or CAPS, capacities).column("refused_by").to_pylist()


def test_the_cap_that_refuses_is_named(store: Store, system: Principal) -> None:
    rows: list[Row] = [
        (1, "C1", "sms", NOON),
        (2, "C1", "sms", NOON + timedelta(days=6)),
        (3, "C1", "app_push", NOON + timedelta(days=6)),
        (4, "C1", "app_push", NOON + timedelta(days=6, hours=1)),
        (5, "C1", "sms", NOON + timedelta(days=7)),
        (6, "C2", "sms", NOON),
    ]
    found = reserve(store, system, rows)
    assert found == ["", "cap:marketing:sms:1/7d", "", "cap:marketing:*:2/7d", "", ""]


def test_windows_are_of_bank_local_days(store: Store, system: Principal) -> None:
    late, early = datetime(2026, 7, 1, 15, 59, tzinfo=UTC), datetime(2026, 7, 1, 16, 0, tzinfo=UTC)  # 23:59 and 0:00
    assert reserve(store, system, [(1, "C1", "sms", late), (2, "C1", "sms", early)], Cap("sms", 1, 1)) == ["", ""]


def test_a_later_day_reserved_before_counts(store: Store, system: Principal) -> None:
    assert reserve(store, system, [(1, "C1", "sms", NOON + timedelta(days=3))]) == [""]
    assert reserve(store, system, [(2, "C1", "sms", NOON)]) == ["cap:marketing:sms:1/7d"]


def test_the_first_outcome_stands(store: Store, system: Principal) -> None:
    rows: list[Row] = [(1, "C1", "sms", NOON), (2, "C1", "sms", NOON)]
    first = reserve(store, system, rows)
    with store.begin(system) as connection:
        again = reserve_contacts(connection, table(rows), (Cap("sms", 99, 1),))
        assert again.schema.equals(CONTACT_OUTCOME_SCHEMA)
        assert again.column("refused_by").to_pylist() == first == ["", "cap:marketing:sms:1/7d"]
        assert again.column("new").to_pylist() == [False, False]
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 2
        assert [row[3] for row in contacts_of(connection, "C1")] == [True, False]


def test_service_contacts_are_not_counted_as_marketing(store: Store, system: Principal) -> None:
    with store.begin(system) as connection:
        service = table([(1, "C1", "sms", NOON)], contact_class="service")
        assert reserve_contacts(connection, service, CAPS).column("accepted").to_pylist() == [True]
        assert reserve_contacts(connection, table([(2, "C1", "sms", NOON)]), CAPS).column("accepted").to_pylist() == [
            True
        ]


def test_caps_hold_across_units(
    store: Store, system: Principal, branch: Principal, put_in_book: Callable[..., None]
) -> None:
    with store.begin(system) as connection:
        reserve_contacts(connection, table([(1, "C1", "sms", NOON)], unit="B77"), CAPS)
    assert reserve(store, branch, [(2, "C1", "sms", NOON)]) == ["cap:marketing:sms:1/7d"]
    with store.begin(branch) as connection:
        assert contacts_of(connection, "C1") == []  # the customer is in no book of the branch
    put_in_book(["C1"], "B01")
    with store.begin(branch) as connection:
        assert len(contacts_of(connection, "C1")) == 2  # whoever it was that reached a customer of theirs
    with pytest.raises(DeniedError, match="B77"), store.begin(branch) as connection:
        reserve_contacts(connection, table([(3, "C3", "sms", NOON)], unit="B77"), CAPS)


def test_a_full_day_refuses(store: Store, system: Principal) -> None:
    rows: list[Row] = [(i, f"C{i}", "sms", NOON + timedelta(minutes=i)) for i in range(1, 6)]
    bank, unit = Capacity("sms", 3), Capacity("sms", 2, unit_id="B01")
    assert reserve(store, system, rows, capacities=(bank,)) == ["", "", "", "capacity:sms:*", "capacity:sms:*"]
    later: list[Row] = [(9, "C9", "sms", NOON), (10, "C10", "sms", NOON + timedelta(days=1))]
    assert reserve(store, system, later, capacities=(bank, unit)) == ["capacity:sms:*", ""]
    assert reserve(store, system, [(11, "C11", "sms", NOON)], capacities=(Capacity("sms", 0),)) == ["capacity:sms:*"]


def test_a_cap_that_was_broken_is_counted(store: Store, system: Principal) -> None:
    """Reserved under a cap that lets all pass, then read against the real ones: the count is that of plain Python."""
    week: list[Row] = [(i, "C1", "sms", NOON + timedelta(days=day)) for i, day in enumerate((0, 6, 7), 1)]
    dice = random.Random(3)
    more: list[Row] = [
        (i, f"C{dice.randrange(2, 6)}", dice.choice(["sms", "app_push"]), NOON + timedelta(days=dice.randrange(60)))
        for i in range(10, 60)
    ]
    assert set(reserve(store, system, week, Cap("*", 99, 1))) == {""}
    with store.begin(system) as connection:
        assert broken_caps(connection, (Cap("sms", 1, 7),)) == 2  # days 0 and 6 share a week, 6 and 7 too
        assert broken_caps(connection, (Cap("sms", 1, 6),)) == 1
        assert broken_caps(connection, (Cap("app_push", 0, 7),)) == 0
    assert set(reserve(store, system, more, Cap("*", 99, 1))) == {""}
    over = sum(
        sum(b[1] == a[1] and cap.scope in ("*", b[2]) and 0 <= (b[3] - a[3]).days < cap.days for b in week + more)
        > cap.limit
        for cap in CAPS
        for a in week + more
        if cap.scope in ("*", a[2])
    )
    assert over > 10
    with store.begin(system) as connection:
        assert broken_caps(connection, CAPS) == over


def test_many_gates_at_once_break_no_cap(store: Store, system: Principal) -> None:
    dice = random.Random(7)
    batches = [
        [
            (
                k * 100 + i,
                f"C{dice.randrange(25)}",
                dice.choice(["sms", "app_push"]),
                NOON + timedelta(hours=dice.randrange(900)),
            )
            for i in range(1, 60)
        ]
        for k in range(8)
    ]
    capacity = (Capacity("sms", 3), Capacity("app_push", 2))
    with ThreadPoolExecutor(6) as pool:
        first = list(pool.map(lambda rows: reserve(store, system, rows, capacities=capacity), batches))
        second = list(pool.map(lambda rows: reserve(store, system, rows, capacities=capacity), batches))
    assert first == second
    with store.begin(system) as connection:
        assert broken_caps(connection, CAPS) == 0
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 8 * 59
        assert (connection.scalar(text("SELECT count(*) FROM contact WHERE accepted")) or 0) > 25
        over = text(
            "SELECT count(*) FROM (SELECT 1 FROM contact WHERE accepted GROUP BY channel, due_day "
            "HAVING count(*) > CASE channel WHEN 'sms' THEN 3 ELSE 2 END) x"
        )
        assert connection.scalar(over) == 0
        miscounted = text(
            "SELECT count(*) FROM capacity_use u WHERE used <> "
            "(SELECT count(*) FROM contact c WHERE c.accepted AND c.channel = u.channel AND c.due_day = u.day)"
        )
        assert connection.scalar(miscounted) == 0


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["sms", "call"]), st.integers(0, 20)), max_size=20),
    st.lists(st.tuples(st.sampled_from(["sms", "*"]), st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=2),
)
@settings(max_examples=200, deadline=None)
def test_decide_fills_and_never_breaks_a_cap(
    asked: list[tuple[int, str, int]], limits: list[tuple[str, int, int]]
) -> None:
    start = date(2026, 7, 1)
    caps = [Cap(*limit) for limit in limits]
    wanted = [
        Wanted(str(i), f"C{who}", "B01", channel, "marketing", start + timedelta(days=day))
        for i, (who, channel, day) in enumerate(asked)
    ]
    outcomes = decide(wanted, {}, caps)
    accepted: dict[str, list[Made]] = defaultdict(list)
    for want in wanted:
        if not outcomes[want.decision_id]:
            accepted[want.customer_no].append(Made(want.channel, want.contact_class, want.day))
    for rows in accepted.values():
        for cap in caps:
            days = [row.day for row in rows if cap.scope in ("*", row.channel)]
            assert all(sum(0 <= (d - first).days < cap.days for d in days) <= cap.limit for first in days)
    for want in wanted:
        if name := outcomes[want.decision_id]:
            assert name in {cap.name for cap in caps}
