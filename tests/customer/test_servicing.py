"""Servicing: exactly one keeper for everybody, managers shared evenly, care when a tier's rhythm is broken."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.customer.servicing import (
    Mode,
    assign_keepers,
    keeper_now,
    make_care_tasks,
    read_policy,
    share_out,
    stand_in,
)
from bankloop.kit.errors import ConflictError, SpecError
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.people import keeper_of
from bankloop.organization.principals import system
from bankloop.organization.task import finish_task, tasks_for
from tests.customer.test_consent import word
from tests.customer.test_tiers import holdings, people
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

PROGRAM = system("servicing")
TODAY = date(2026, 6, 30)


@pytest.fixture
def lake(folk: Folk, tmp_path: Path) -> Lake:
    """Balances of managers' customers and of two without a manager: C0900 in S0001, C0901 in S0004, which has no manager."""
    made = open_lake(tmp_path, folk.store, system("lake"))
    made.publish("customer", people("C0001", "C0002", "C0900", "C0901", "C0999"), date(2026, 6, 1))
    made.publish("holding", holdings(C0001=300_000, C0002=10_000, C0900=300_000, C0901=700_000), date(2026, 6, 1))
    return made


@pytest.mark.capability("C1")
def test_everybody_has_exactly_one_keeper_and_nobody_has_none(folk: Folk, lake: Lake) -> None:
    with folk.store.begin(PROGRAM) as connection:
        done = assign_keepers(connection, lake)
    assert (done.unassigned, done.given, sum(done.modes.values())) == (0, 1, 5)
    assert done.modes == {Mode.MANAGER: 3, Mode.REMOTE: 1, Mode.DIGITAL: 1}
    kept = {number: keeper_now(lake, number) for number in ("C0001", "C0900", "C0901", "C0999")}
    assert [(one.mode, one.owner) for one in kept.values() if one] == [
        (Mode.MANAGER, "M00001"), (Mode.MANAGER, "M00001"), (Mode.REMOTE, ""), (Mode.DIGITAL, ""),
    ]  # fmt: skip
    assert kept["C0001"] is not None
    assert kept["C0001"].backup == "M00002"  # whom the bank named
    with folk.store.begin(PROGRAM) as connection:
        assert assign_keepers(connection, lake).given == 0
    assert folk.load().customers == 0  # what the source says of them has not changed
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        assert keeper_of(connection, "C0900")[0].staff_id == "M00001"


@pytest.mark.capability("C3")
def test_an_affluent_customer_without_a_contact_for_thirty_days_gets_a_care_task_once(folk: Folk, lake: Lake) -> None:
    with folk.store.begin(PROGRAM) as connection:
        assign_keepers(connection, lake)
        assert (first := make_care_tasks(connection, lake, TODAY)).tasks == 2
        assert make_care_tasks(connection, lake, TODAY).tasks == 0
        rows = connection.execute(text("SELECT customer_no, due_on, reason FROM staff_task ORDER BY 1")).all()
    assert first.due == 2
    assert [tuple(row) for row in rows] == [
        ("C0001", date(2026, 7, 3), "tier 3: never contacted"), ("C0900", date(2026, 7, 3), "tier 3: never contacted")
    ]  # fmt: skip
    with folk.store.begin(folk.who("M00001", "tasks")) as connection:
        task = tasks_for(connection, "M00001", TODAY, date(2026, 7, 3))[0]
        finish_task(connection, task.task_id, "called, all well")
    with folk.store.begin(PROGRAM) as connection:
        assert make_care_tasks(connection, lake, date(2026, 7, 30)).due == 0
        connection.execute(text("UPDATE staff_task SET state = 'EXPIRED' WHERE state <> 'DONE'"))
        assert make_care_tasks(connection, lake, date(2026, 8, 2)).tasks == 2


def test_who_is_not_to_be_contacted_gets_no_care_call(folk: Folk, lake: Lake) -> None:
    word(folk, "do_not_contact", True, evidence={})
    with folk.store.begin(PROGRAM) as connection:
        assign_keepers(connection, lake)
        make_care_tasks(connection, lake, TODAY)
        assert connection.scalars(text("SELECT customer_no FROM staff_task")).all() == ["C0900"]


def test_nothing_loaded_is_said(folk: Folk, tmp_path: Path) -> None:
    empty = open_lake(tmp_path, folk.store, system("lake"))
    with pytest.raises(ConflictError, match="no_customers"), folk.store.begin(PROGRAM) as connection:
        assign_keepers(connection, empty)


@given(st.integers(0, 60), st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20), min_size=1))
def test_customers_are_shared_out_evenly(count: int, loads: dict[str, int]) -> None:
    given_ = share_out([f"C{n}" for n in range(count)], loads)
    assert len(given_) == count
    after = Counter(given_.values())
    full = {who: loads[who] + after[who] for who in loads}
    assert all(after[who] == 0 or full[who] <= min(full.values()) + 1 for who in loads)


def test_nobody_is_given_where_there_is_no_manager_and_a_named_backup_comes_first() -> None:
    assert share_out(["C1"], {}) == {}
    assert stand_in("a", ["z"], {"a": 1, "b": 0}) == "z"
    assert stand_in("a", [], {"a": 1, "c": 3, "b": 3}) == "b"
    assert stand_in("a", [], {"a": 1}) == ""


@pytest.mark.parametrize(
    "bad", ["tiers: {2: {mode: digital}}", "tiers: {1: {mode: robot}}", "tiers: {1: {mode: digital, often: 3}}", "tiers: {1: {mode: remote, contact_days: 0}}"],
)  # fmt: skip
def test_a_policy_that_cannot_be_names_its_place(tmp_path: Path, bad: str) -> None:
    (tmp_path / "servicing.yaml").write_text(bad, encoding="utf-8")
    with pytest.raises(SpecError, match=r"servicing\.yaml:\d"):
        read_policy(tmp_path)


def test_the_policy_of_a_tier_that_has_none_is_that_of_the_nearest_below(tmp_path: Path) -> None:
    (tmp_path / "servicing.yaml").write_text("tiers: {1: {mode: digital}, 3: {mode: manager}}", encoding="utf-8")
    policy = read_policy(tmp_path)
    assert [policy.of(tier).mode for tier in (0, 1, 2, 3, 9)] == [Mode.DIGITAL] * 3 + [Mode.MANAGER] * 2
