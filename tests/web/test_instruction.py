"""What head office wants becomes tasks at the branches by their weights, a few a day for each manager."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.care.worklist import DailyPace, Shares, read_pace
from bankloop.care.worklist.contracts import ListRow
from bankloop.care.worklist.pacing import paced, within_shares
from bankloop.kit.errors import SpecError
from bankloop.organization.principals import system
from tests.customer.test_worklist import xlsx
from tests.web.conftest import Staffed
from tests.web.test_lists import people

LAST = date(2026, 7, 31)
# By branch and by who has it; the sub-branch's parent is the branch.
_MADE = text(
    "SELECT u.parent_id AS branch, coalesce(t.staff_id, t.unit_id) AS hands, t.due_on, "
    "EXISTS (SELECT FROM customer_book b WHERE b.customer_no = t.customer_no AND b.staff_id = t.staff_id AND b.valid_to IS NULL) AS kept "
    "FROM staff_task t "
    "JOIN org_unit u ON u.unit_id = t.unit_id AND u.valid_to IS NULL JOIN work_list l ON l.list_id = t.list_id WHERE l.name = :name"
)
_OF_HEAD_OFFICE = text(
    "SELECT staff_id, due_on, count(*) AS n FROM staff_task WHERE kind IN ('campaign', 'list') AND staff_id = ANY (:people) "
    "AND state NOT IN ('REJECTED', 'RECALLED', 'EXPIRED') GROUP BY 1, 2"
)


@pytest.mark.capability("A11")
def test_a_target_of_head_office_becomes_tasks_at_branches_by_weight(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    page = client.get("/targets").text
    proof = re.search(r'name="csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    branches = re.findall(r'name="weight-(B\d+)"', page)[:3]
    asked = {
        "csrf": proof,
        "name": "总行九十件",
        "measure": "tasks",
        "total": "90",
        "first": "2026-06-30",
        "last": LAST.isoformat(),
    }
    said = dict(zip(branches, ("5", "3", "1"), strict=True))
    made = client.post("/targets/set", data={**asked, **{f"weight-{one}": weight for one, weight in said.items()}})
    assert made.status_code == 200
    assert all(f">{amount}<" in made.text for amount in ("50", "30", "10"))
    target = re.search(r"/targets/([0-9a-f-]{36})/split", made.text)[1]  # type: ignore[index]
    lists = client.get("/lists").text
    assert f'<option value="{target}">总行九十件' in lists
    assert "2–4" in lists
    with staffed.small.open.store.begin(system()) as connection:
        kept = set(connection.scalars(text("SELECT customer_no FROM customer_book WHERE staff_id IS NOT NULL")))
    # Whom a manager keeps are worth most, so that managers have more to do than a day holds.
    listed = sorted(people(staffed, 1_500), key=lambda number: number in kept)
    body = xlsx(*((number, "客户回访", place + 1, "") for place, number in enumerate(listed)))
    form = {"csrf": proof, "name": "九十件", "due": LAST.isoformat(), "target": target}
    done = client.post("/lists/take", data=form, files={"file": ("x.xlsx", body)})
    assert done.status_code == 200
    assert "超出本机构在目标中分到的任务数" in done.text
    with staffed.small.open.store.begin(system()) as connection:
        rows = connection.execute(_MADE, {"name": "九十件"}).all()
        hands = sorted({row.hands for row in rows})
        days = connection.execute(_OF_HEAD_OFFICE, {"people": hands}).all()
    assert Counter(row.branch for row in rows) == dict(zip(branches, (50, 30, 10), strict=True))
    # What a sub-branch's people share of those without a manager is counted for them together.
    mine = {(row.hands, row.due_on) for row in rows if row.kept}
    shared = {(row.hands, row.due_on) for row in rows if not row.kept}
    assert max(Counter(row.hands for row in rows if row.kept).values()) > 4
    assert all(row.n <= 4 for row in days if (row.staff_id, row.due_on) in mine - shared)
    assert (
        client.post(
            "/lists/take", data={**form, "name": "错", "target": "x"}, files={"file": ("x.xlsx", body)}
        ).status_code
        == 404
    )


DAYS = [date(2026, 7, 1) + timedelta(days=n) for n in range(3)]
ROWS = [ListRow(line, f"C{line}", "", line, "") for line in range(2, 22)]


@given(st.integers(1, 4), st.integers(0, 4), st.dictionaries(st.sampled_from(DAYS), st.integers(0, 5)))
def test_nobody_has_more_a_day_than_the_file_says(least: int, more: int, had: dict[date, int]) -> None:
    pace = DailyPace(least, least + more)
    before = {("M1", day): count for day, count in had.items()}
    found, refused = paced(ROWS, {row.customer_no: "M1" for row in ROWS}, {}, DAYS, before, pace)
    counts = Counter(found.values())
    assert all(counts[day] + had.get(day, 0) <= max(pace.most, had.get(day, 0)) for day in DAYS)
    assert len(found) + len(refused) == len(ROWS)
    assert {one.code for one in refused} <= {"full"}


def test_few_calls_are_two_a_day_and_many_as_many_as_it_takes() -> None:
    one = {row.customer_no: "M1" for row in ROWS}
    few, _ = paced(ROWS[:3], one, {}, DAYS, {}, DailyPace(2, 4))
    assert sorted(Counter(few.values()).items()) == [(DAYS[0], 2), (DAYS[1], 1)]
    assert set(few) == {row.customer_no for row in ROWS[:3]}
    many, refused = paced(ROWS, one, {}, DAYS, {}, DailyPace(2, 4))
    assert list(Counter(many.values()).values()) == [4, 4, 4]
    # The worthiest are called; those for whom there is no day are the least worth.
    assert {row.line for row in refused} == set(range(2, 10))
    pool, _ = paced(ROWS, dict.fromkeys(one, "S1"), {"S1": 2}, DAYS, {}, DailyPace(2, 4))
    assert list(Counter(pool.values()).values()) == [8, 8, 4]


def test_each_unit_takes_its_share_the_worthiest_first() -> None:
    places = {row.customer_no: ("S1" if row.line % 2 else "S2") for row in ROWS}
    shares = Shares({"B1": 3, "S2": 1}, {"S1": "B1", "S2": "S2"})
    kept, refused = within_shares(ROWS, places, shares)
    assert [row.line for row in kept] == [21, 20, 19, 17]
    assert {one.code for one in refused} == {"beyond"}
    assert within_shares(ROWS, dict.fromkeys(places, "S9"), shares)[0] == []


@pytest.mark.parametrize(
    "said", ["{least: 5, most: 4}", "{least: 0, most: 4}", "{most: 4}", "4", "{least: 1, most: two}"]
)
def test_a_pace_that_says_nothing_usable_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "worklist.yaml").write_text(f"head_office_tasks: {said}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"worklist\.pace"):
        read_pace(tmp_path)
    (tmp_path / "worklist.yaml").write_text("head_office_tasks: {least: 3, most: 3}\n", encoding="utf-8")
    assert read_pace(tmp_path) == DailyPace(3, 3)
    assert read_pace() == DailyPace(2, 4)
