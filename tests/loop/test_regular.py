"""The day's regular work: care and credit by themselves, once a day whoever is first, as far as the bank says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import resources
from pathlib import Path

from sqlalchemy import text

from bankloop.customer.servicing import assign_keepers
from bankloop.loop.bank import Bank
from bankloop.organization.people import load_people
from bankloop.organization.principals import system
from bankloop.wiring import workplace
from bankloop.work.clock import do_morning
from bankloop.work.daily_jobs import work_day

ALWAYS = ["relations", "credit", "points", "triggers", "reviews", "learn", "drift"]


def made(bank: Bank) -> tuple[int, ...]:
    """Return how many tasks of care, contacts, parts for delivery and reports there are."""
    asked = ("staff_task WHERE kind = 'care'", "contact", "outbox WHERE topic = 'delivery'", "daily_report")
    with bank.store.begin(system()) as connection:
        return tuple(connection.scalar(text(f"SELECT count(*) FROM {rows}")) or 0 for rows in asked)


def test_care_is_done_in_the_morning_once_and_what_cannot_be_done_stops_nothing_else(bank: Bank) -> None:
    load_people(bank.store, bank.lake)
    day = bank.lake.today()
    first = {one.part: one for one in work_day(bank, day)}
    assert list(first) == [
        "relations", "credit", "points", "triggers", "maturity", "drawdown", "remote", "reviews", "learn", "drift",
    ]  # fmt: skip
    assert first["relations"].result.edges["employs"] > 0
    assert bank.lake.version("edge").as_of == day
    # Nobody keeps anybody yet: that is said, and the calls before maturities are made.
    assert first["remote"].refused is not None
    assert first["maturity"].result.tasks > 0
    # The fund that fell at the end of the simulated bank's files, and no other product.
    assert list(first["drawdown"].result) == ["fund-equity"]
    assert first["drawdown"].result["fund-equity"].tasks > 0
    with bank.store.begin(system()) as connection:
        assign_keepers(connection, bank.lake)
    do_morning(workplace(bank), "")
    after = made(bank)
    assert after[0] >= first["maturity"].result.tasks
    assert all(after)
    # Another process, or this one begun anew, finds it done.
    do_morning(workplace(bank), "")
    again = {one.part: one.result for one in work_day(bank, day)}
    assert (again["relations"], again["reviews"]) == (None, ())
    fund = again["drawdown"]["fund-equity"]
    assert (fund.tasks, sum(fund.messages.values())) == (0, 0)
    assert (again["maturity"].tasks, again["remote"].calls, sum(again["remote"].messages.values())) == (0, 0, 0)
    assert made(bank) == after


def test_only_what_the_bank_names_and_only_on_working_days(bank: Bank, tmp_path: Path) -> None:
    sunday = bank.lake.today() + timedelta(days=5)
    assert [one.part for one in work_day(bank, sunday)] == ALWAYS
    built_in = (resources.files("bankloop.care.maturity") / "care.yaml").read_text(encoding="utf-8")
    (tmp_path / "care.yaml").write_text(built_in.partition("daily:")[0], encoding="utf-8")
    assert [one.part for one in work_day(replace(bank, folder=tmp_path), bank.lake.today())] == ALWAYS
