"""A manager's book and the maturity calendar: own customers alone, masked; dates ahead, who stands in, finding somebody."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.care.maturity.dates import monthly, yearly
from bankloop.organization.principals import auditor, system
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed


def test_the_book_shows_own_customers_and_finds_no_others(staffed: Staffed) -> None:
    store, manager = staffed.small.open.store, staffed.of("relationship_manager")
    client, own = staffed.client(manager), staffed.own_customer(manager)
    page = client.get("/book").text
    with store.begin(system()) as connection:
        count = connection.scalar(
            text("SELECT count(*) FROM customer_book WHERE staff_id = :m AND valid_to IS NULL"), {"m": manager}
        )
        other = connection.scalar(
            text("SELECT customer_no FROM customer_book WHERE staff_id <> :m AND valid_to IS NULL ORDER BY 1 LIMIT 1"),
            {"m": manager},
        )
    assert f"管户 {count} 位" in page
    assert "重要日子" in page
    found = client.get("/book", params={"q": own}).text
    assert f'href="/customers/{own}"' in found
    assert "您的管户中没有这位客户" in client.get("/book", params={"q": other}).text
    assert "您的管户中没有这位客户" in client.get("/book", params={"q": "13900000000"}).text
    with store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'party.find' AND principal = :m"), {"m": manager}) >= 2  # fmt: skip
    assert staffed.client("auditor").get("/book").status_code == 403


def test_the_calendar_is_of_whom_one_sees_and_shows_no_balance(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    whole, own = (staffed.client(who).get("/maturities").text for who in ("strategist", manager))
    with staffed.small.open.store.begin(system()) as connection:
        mine = set(
            connection.scalars(
                text("SELECT customer_no FROM customer_book WHERE staff_id = :m AND valid_to IS NULL"), {"m": manager}
            )
        )
    shown = {part.split('"')[0] for part in own.split('href="/customers/')[1:]}
    assert shown
    assert shown <= mine
    assert not {part.split('"')[0] for part in whole.split('href="/customers/')[1:]} <= mine
    assert "预计留存按本行" in own
    assert staffed.client("auditor").get("/maturities").status_code == 403


@given(
    st.dates(date(2024, 1, 1), date(2031, 12, 31)), st.dates(date(1930, 1, 1), date(2020, 12, 31)), st.integers(1, 31)
)
def test_a_date_ahead_is_the_next_one(today: date, born: date, payday: int) -> None:
    found = yearly(born.month, born.day, today)
    assert 0 <= (found - today).days <= 366
    assert (found.month, found.day) == (born.month, born.day) or (born.month, born.day, found.day) == (2, 29, 28)
    paid = monthly(payday, today)
    assert 0 <= (paid - today).days <= 31
    assert paid.day == payday or (paid.day < payday and (paid.replace(day=28) - paid).days <= 0)


@pytest.mark.capability("C4")
def test_who_stands_in_is_on_the_book(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        pair = connection.execute(
            text("SELECT staff_id, backup_id FROM staff_backup WHERE kind = 'backup' AND staff_id = :m"), {"m": manager}
        ).first()
        colleague = connection.scalar(text("SELECT staff_id FROM staff WHERE staff_id <> :m ORDER BY 1 LIMIT 1"), {"m": manager})  # fmt: skip
        if pair is None:
            connection.execute(
                text("INSERT INTO staff_backup (staff_id, backup_id, kind, valid_from, reason) VALUES (:m, :c, 'backup', '2026-01-01', 'test')"),
                {"m": manager, "c": colleague},
            )  # fmt: skip
    page = staffed.client(manager).get("/book").text
    assert "我的 B 角" in page
    assert (pair.backup_id if pair else colleague) in page
