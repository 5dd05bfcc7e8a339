"""The daily report: right by hand, equal to the units below at every level, handed to each leader once whatever dies."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import InputError, NotFoundError
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import ROLES
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.performance.daily import (
    LEADERS,
    Balance,
    DailyReport,
    Figures,
    FilePost,
    add_up,
    addressees,
    daily_of,
    daily_reports,
    deliver_daily,
    deliveries,
    due_day,
    keep_daily,
    sums_hold,
)
from bankloop.performance.daily_figures import report_day
from bankloop.report.daily import DailyPress, daily_book
from bankloop.store.contracts import Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.wiring import hand_over_daily, workplace
from bankloop.work.clock import do_morning
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

DAY = date(2026, 6, 29)
EVE, MID, LAST = date(2025, 12, 31), date(2026, 6, 10), DAY
PARENT = {"S0001": "B001", "S0002": "B001", "S0003": "B002", "S0004": "B002", "B001": "0000", "B002": "0000"}
Held = Mapping[str, tuple[str, int]]
PROGRAM = system("daily")


def customers(rows: Mapping[str, str]) -> pa.Table:
    contract = CONTRACTS["customer"]
    plain = {"str": "", "int": 0, "bool": False, "date": date(2020, 1, 1)}
    return pa.Table.from_pylist(
        [
            {
                **{c.name: None if c.nullable else plain[c.type] for c in contract.columns},
                "customer_no": number, "sub_branch_id": unit, "branch_id": PARENT[unit],
            }
            for number, unit in rows.items()
        ],
        schema_of(contract),
    )  # fmt: skip


def holdings(rows: Held) -> pa.Table:
    contract = CONTRACTS["holding"]
    return pa.Table.from_pylist(
        [
            {
                **dict.fromkeys(contract.names), "holding_id": f"h{number}", "customer_no": number, "product_class": kind,
                "product_id": kind, "balance_fen": fen, "opened_on": date(2020, 1, 1),
            }
            for number, (kind, fen) in rows.items()
        ],
        schema_of(contract),
    )  # fmt: skip


@pytest.fixture
def balances(folk: Folk) -> dict[date, dict[str, tuple[str, int]]]:
    """What each customer of the retail book held on three days; one of them left before the last."""
    draw = random.Random(5)
    numbers = [number for number, (_, _, line) in folk.books.items() if line == "retail"]
    kinds = ("demand_deposit", "term_deposit", "wealth", "mortgage")
    found = {
        day: {n: (kinds[i % 4], draw.randint(0, 10**9)) for i, n in enumerate(numbers)} for day in (EVE, MID, LAST)
    }
    del found[LAST][numbers[-1]]
    return found


@pytest.fixture
def bank(folk: Folk, store: Store, clock: FixedClock, balances: dict[date, Held]) -> Bank:
    lake = open_lake(store.folder, store, system("lake"))
    units = {number: unit for number, (unit, _, line) in folk.books.items() if line == "retail"}
    units["C0001"] = "S0003"  # moved branch since the book was loaded: the lake's customer says where it is kept
    lake.publish("customer", customers(units), EVE)
    for day, held in balances.items():
        lake.publish("holding", holdings(held), day)
    return Bank(store.folder, store, lake, clock)


def told(bank: Bank, unit: str = "0000") -> DailyReport:
    with bank.store.begin(PROGRAM) as connection:
        return daily_of(connection, unit, DAY)


def tell(bank: Bank) -> None:
    """Keep a report of made-up figures: for what is not about the figures."""
    own = {
        unit: Figures({"deposits": Balance(place, place, place, None)}, place) for place, unit in enumerate(PARENT, 1)
    }
    with bank.store.begin(PROGRAM) as connection:
        keep_daily(connection, DAY, own, DAY, EVE)


def half_up(weighed: int, days: int) -> int:
    return (2 * weighed + days) // (2 * days)


@pytest.mark.capability("H28")
def test_the_report_is_right_by_hand_and_equals_the_units_below(
    bank: Bank, folk: Folk, balances: dict[date, Held]
) -> None:
    report_day(bank, PROGRAM, DAY)
    deposits = {day: {n: fen for n, (kind, fen) in held.items() if "deposit" in kind} for day, held in balances.items()}
    point = sum(deposits[LAST].values())
    numbers = sorted({n for held in deposits.values() for n in held})
    # The year's start holds until 10 June (9 days of June, 160 of the year), then 19 days, then the 29th itself.
    june = sum(half_up(9 * deposits[EVE].get(n, 0) + 19 * deposits[MID].get(n, 0) + deposits[LAST].get(n, 0), 29) for n in numbers)  # fmt: skip
    year = sum(half_up(160 * deposits[EVE].get(n, 0) + 19 * deposits[MID].get(n, 0) + deposits[LAST].get(n, 0), 180) for n in numbers)  # fmt: skip
    whole = told(bank).whole
    assert whole.balances["deposits"] == Balance(point, june, year, point - sum(deposits[EVE].values()))
    assert whole.balances["loans"].point == sum(fen for kind, fen in balances[LAST].values() if kind == "mortgage")
    # Wealth products bring 0.35 % a year of what was held on each day.
    wealth = {day: {n: f for n, (k, f) in held.items() if k == "wealth"} for day, held in balances.items()}
    fees = sum(half_up((9 * wealth[EVE][n] + 19 * wealth[MID][n] + wealth[LAST].get(n, 0)) * 3_500, 365 * 10**6) for n in wealth[EVE])  # fmt: skip
    assert whole.fees_month == fees
    assert 0 < whole.fees_month < whole.fees_year
    assert whole.customers == len(balances[EVE])
    effective = {d: sum(fen >= 100_000 and k != "mortgage" for k, fen in balances[d].values()) for d in (EVE, LAST)}
    assert (whole.effective, whole.effective_since) == (effective[LAST], effective[LAST] - effective[EVE])

    with bank.store.begin(PROGRAM) as connection:
        found = {one.unit_id: one for one in daily_reports(connection, DAY)}
    assert set(found) >= set(PARENT) | {"0000"}
    for unit, one in found.items():
        assert sums_hold(one.whole, one.below, one.direct)
        assert all(figures == found[child].whole for child, figures in one.below.items())
        assert set(one.below) >= {child for child, parent in PARENT.items() if parent == unit}
    here = {n: "S0003" if n == "C0001" else unit for n, (unit, _, line) in folk.books.items() if line == "retail"}
    for unit in ("S0001", "S0002", "S0003", "S0004"):
        mine = sum(fen for n, fen in deposits[LAST].items() if here[n] == unit)
        assert found[unit].whole.balances["deposits"].point == mine


def test_tasks_of_the_month_are_counted_for_the_unit_that_has_them(bank: Bank, folk: Folk) -> None:
    now = bank.clock.now()
    with bank.store.begin(system()) as connection:
        for place, day in enumerate((DAY, DAY, DAY + timedelta(days=5))):
            due = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
            task = open_task(connection, NewTask(f"k{place}", TaskKind.CARE, "C0000", "S0001", "x", due, due, "M00001"))  # fmt: skip
            if place == 0:
                connection.execute(
                    text("UPDATE staff_task SET state = 'DONE', done_at = due_at WHERE task_id = :t"),
                    {"t": task.task_id},
                )
    report_day(bank, PROGRAM, DAY)
    assert now.date() == DAY + timedelta(days=1)
    for unit in ("S0001", "B001", "0000"):
        whole = told(bank, unit).whole
        assert (whole.instructed, whole.on_time, whole.done, whole.overdue, whole.open) == (2, 1, 1, 1, 1)
    assert told(bank, "B002").whole.instructed == 0


FIGURES = st.builds(
    lambda p, m, s, e, t: Figures({"deposits": Balance(p, m, p, s)}, customers=e, effective=e, effective_since=s, done=t),
    st.integers(-(10**15), 10**15), st.integers(0, 10**15), st.none() | st.integers(-(10**12), 10**12),
    st.integers(0, 10**6), st.integers(0, 10**4),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*PARENT, "0000", "gone", ""]), FIGURES))
def test_no_figure_is_lost_or_counted_twice_on_the_way_up(own: dict[str, Figures]) -> None:
    whole, below, direct = add_up(own, {**PARENT, "0000": None})
    assert whole["0000"].balances.get("deposits", Balance()).point == sum(
        o.balances["deposits"].point for o in own.values()
    )
    assert whole["0000"].customers == sum(one.customers for one in own.values())
    assert all(sums_hold(whole[unit], below[unit], direct[unit]) for unit in whole)
    assert all(Figures.of(one.plain()) == one for one in whole.values())


def test_each_leader_gets_it_once(bank: Bank, folk: Folk) -> None:
    with bank.store.begin(PROGRAM) as connection:
        expected = addressees(connection)
    assert {(one.person, one.unit_id) for one in expected} >= {
        (folk.roles["hq_strategist"], "0000"), (folk.roles["branch_commander"], "B001"), (folk.roles["sub_branch_head"], "S0001")
    }  # fmt: skip
    assert not any(one.person == folk.roles["relationship_manager"] for one in expected)
    tell(bank)
    assert hand_over_daily(bank).done == len(expected)
    tell(bank)
    assert hand_over_daily(bank).done == 0
    with bank.store.begin(PROGRAM) as connection:
        got = [(one.unit_id, one.person) for one in deliveries(connection, DAY)]
    assert got == [(one.unit_id, one.person) for one in expected]
    place = bank.folder / "data" / "delivery" / "daily" / f"{DAY}"
    files = sorted(str(path.relative_to(place)) for path in place.rglob("*.*"))
    assert files == sorted(f"{u}/{p}.{e}" for u, p in got for e in ("png", "xlsx"))
    with bank.store.begin(auditor(), Role.AUDITOR) as connection:
        rows = connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'daily.deliver'"))
    assert rows == len(expected)


def test_what_was_told_stays_as_it_was_told(bank: Bank, balances: dict[date, Held]) -> None:
    report_day(bank, PROGRAM, DAY)
    before = told(bank)
    bank.lake.publish("holding", holdings({n: (kind, fen + 1) for n, (kind, fen) in balances[LAST].items()}), DAY)
    report_day(bank, PROGRAM, DAY)
    assert told(bank) == before


class Breaks:
    """A post that dies before or after writing, some times."""

    def __init__(self, post: FilePost, deaths: list[str]) -> None:
        self._post, self._deaths = post, deaths
        self.handed: list[str] = []

    def hand_over(self, key: str, pages: Mapping[str, bytes]) -> None:
        death = self._deaths.pop() if self._deaths else ""
        if death == "before":
            raise RuntimeError("died before")
        self._post.hand_over(key, pages)
        if death == "after":
            raise RuntimeError("died after")
        self.handed.append(key)


def test_whoever_dies_in_the_middle_leaves_one_page_for_each(bank: Bank, tmp_path: Path) -> None:
    tell(bank)
    post = Breaks(FilePost(tmp_path / "out"), ["", "after", "", "before", "after"])
    press: Callable[[DailyReport], Mapping[str, bytes]] = lambda report: {"txt": report.unit_id.encode()}  # noqa: E731
    first = deliver_daily(bank.store, PROGRAM, press, post)
    # One that fails stops none behind it; it waits for the next time.
    assert len(first.failures) == 3
    assert all("RuntimeError" in one.reason.en and "died" not in one.reason.en for one in first.failures)
    assert first.done + len(deliver_daily(bank.store, PROGRAM, press, post).failures) == first.done
    with bank.store.begin(PROGRAM) as connection:
        expected = [f"{DAY}/{one.unit_id}/{one.person}" for one in addressees(connection)]
        assert len(deliveries(connection, DAY)) == len(expected)
    assert sorted(post.handed) == sorted(expected)
    assert len(list((tmp_path / "out").rglob("*.txt"))) == len(expected)
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_two_processes_at_half_past_eight_tell_it_once(
    bank: Bank, store_server: EmbeddedServer, database: str, clock: FixedClock
) -> None:
    """Both make and both hand over at the same time; each leader has one page."""
    failed: list[BaseException] = []

    def process() -> None:
        try:
            with attach_store(bank.folder, clock, store_server, database) as store:
                mine = Bank(bank.folder, store, open_lake(bank.folder, store, system("lake")), clock)
                do_morning(workplace(mine), "")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=process) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with bank.store.begin(PROGRAM) as connection:
        assert len(deliveries(connection, DAY)) == len(addressees(connection))
    with bank.store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'daily.make'")) == 1


@pytest.mark.parametrize(("hour", "minute", "day"), [(8, 29, None), (8, 30, DAY), (23, 59, DAY)])
def test_it_is_due_from_half_past_eight(hour: int, minute: int, day: date | None) -> None:
    here = datetime(2026, 6, 30, hour, minute, tzinfo=UTC) - timedelta(hours=8)
    assert due_day(here, "Asia/Shanghai") == day


def test_a_day_that_is_not_over_or_not_known_is_refused(bank: Bank) -> None:
    with pytest.raises(InputError) as caught:
        report_day(bank, PROGRAM, DAY + timedelta(days=1))
    assert caught.value.code == "daily.not_over"
    with pytest.raises(NotFoundError) as missing:
        report_day(bank, PROGRAM, EVE - timedelta(days=1))
    assert missing.value.code == "daily.no_balances"


def test_a_leader_sees_the_own_unit_and_those_below(bank: Bank, folk: Folk) -> None:
    tell(bank)
    with bank.store.begin(folk.who("branch_commander", "tasks")) as connection:
        assert {one.unit_id for one in daily_reports(connection, DAY)} == {"B001", "S0001", "S0002"}
        with pytest.raises(NotFoundError):
            daily_of(connection, "0000", DAY)
    with bank.store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        assert {one.unit_id for one in daily_reports(connection, DAY)} == {"S0001"}
    with bank.store.begin(folk.who("relationship_manager", "service")) as connection:
        assert daily_reports(connection, DAY) == ()


def test_a_year_start_that_is_not_known_is_said(folk: Folk, store: Store, clock: FixedClock) -> None:
    lake = open_lake(store.folder, store, system("lake"))
    lake.publish("customer", customers({"C0000": "S0001"}), MID)
    lake.publish("holding", holdings({"C0000": ("demand_deposit", 500_000)}), MID)
    bank = Bank(store.folder, store, lake, clock)
    report_day(bank, PROGRAM, DAY)
    whole = told(bank).whole
    assert whole.balances["deposits"] == Balance(500_000, 500_000, 500_000, None)
    assert whole.effective_since is None
    assert "未知" in daily_book(told(bank), {}).figures[0].note.zh  # type: ignore[union-attr]


def test_the_pages_hold_what_the_report_holds(bank: Bank) -> None:
    tell(bank)
    names = {unit: Text(f"机构{unit}", f"unit {unit}") for unit in (*PARENT, "0000")}
    pages = DailyPress(names)(told(bank))
    assert pages["png"][:8] == b"\x89PNG\r\n\x1a\n"
    sheets = load_workbook(io.BytesIO(pages["xlsx"]))
    book = daily_book(told(bank), names)
    assert sheets.sheetnames[1:] == [table.caption.zh for table in book.tables]
    units = [row[0].value for row in sheets["各机构"].iter_rows(min_row=2, max_row=4)]
    assert units == ["机构B001", "机构B002", "合计"]
    assert all(cell.data_type != "f" for sheet in sheets for row in sheet.iter_rows() for cell in row)


def test_only_leaders_roles_lead() -> None:
    assert all("daily.read" in ROLES[role].rights for role in LEADERS)
