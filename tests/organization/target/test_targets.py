"""Targets: sums exact at every level, capacity respected, what cannot be split refused with its cure."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError, ConflictError, DeniedError, InputError, NotFoundError
from bankloop.organization.people import record_leave
from bankloop.organization.principals import auditor, system
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.performance.target import (
    capacities,
    done_by_tasks,
    end_target,
    gone,
    holders_below,
    part_of,
    parts_below,
    read_weights,
    set_target,
    split_target,
    target_of,
    targets,
)
from bankloop.performance.target.rules import parts_of
from bankloop.store.contracts import Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.verbs import VERBS
from tests.organization.conftest import UNITS, Folk

FIRST, LAST = date(2026, 7, 1), date(2026, 7, 31)  # 23 working days


def weights(**said: str) -> dict[str, Fraction]:
    return read_weights(said)


@pytest.fixture
def three(folk: Folk) -> Folk:
    """Three branches below head office."""
    folk.units |= {"B003": ("0000", "branch"), "S0005": ("B003", "sub_branch")}
    folk.managers["M00005"] = "S0005"
    folk.load()
    return folk


def asked(folk: Folk, measure: str = "sales", total: int = 900, **said: str) -> UUID:
    with folk.store.begin(folk.who("hq_strategist", "campaign")) as connection:
        return set_target(connection, "Q3", measure, FIRST, LAST, total, weights(**(said or {"B001": "5", "B002": "3", "B003": "1"}))).target_id  # fmt: skip


def amounts(store: Store, number: UUID, holder: str) -> dict[str, int]:
    with store.begin(system()) as connection:
        return {one.holder: one.amount for one in parts_below(connection, number, holder)}


def test_nine_hundred_by_five_three_one_go_down_to_people_exactly(three: Folk, store: Store) -> None:
    number = asked(three)
    assert amounts(store, number, "0000") == {"B001": 500, "B002": 300, "B003": 100}
    with store.begin(three.who("branch_commander", "tasks")) as connection:
        split_target(connection, number, "B001", weights(S0001="1", S0002="2"))
    assert amounts(store, number, "B001") == {"S0001": 167, "S0002": 333}
    with store.begin(three.who("sub_branch_head", "tasks")) as connection:
        split_target(connection, number, "S0001", weights(M00001="50%", M00002="50%"))
    assert sum(amounts(store, number, "S0001").values()) == 167
    # Split again, what was split below is gone, and the sums are exact at once.
    with store.begin(three.who("branch_commander", "tasks")) as connection:
        split_target(connection, number, "B001", weights(S0001="1", S0002="0"))
    assert amounts(store, number, "B001") == {"S0001": 500, "S0002": 0}
    assert amounts(store, number, "S0001") == {}
    with store.begin(three.who("relationship_manager", "service")) as connection:
        assert [one.name for one in targets(connection)] == ["Q3"]


@given(
    st.integers(0, 10**9),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 1_000), min_size=1).filter(lambda w: any(w.values())),
    st.none() | st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**9)),
)
def test_parts_are_exact_and_within_capacity_or_it_is_refused(
    total: int, given_weights: dict[str, int], room: dict[str, int] | None
) -> None:
    fractions = {name: Fraction(value) for name, value in given_weights.items()}
    if room is not None:
        idle = [name for name, weight in fractions.items() if weight and not room.get(name)]
        whole = sum(room.get(name, 0) for name, weight in fractions.items() if weight)
        if idle or whole < total:
            with pytest.raises(InputError) as caught:
                parts_of(total, fractions, room)
            assert caught.value.code == ("target.no_capacity" if idle else "target.over_capacity")
            return
    parts = parts_of(total, fractions, room)
    assert sum(parts.values()) == total
    assert room is None or all(parts[name] <= room[name] for name in parts if parts[name])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"B001": "50%", "B002": "30%", "B003": "10%"}, "target.weights_sum"),
        ({"B001": "50%", "B002": "3"}, "target.weights_mixed"),
        ({"B001": "0", "B002": "0"}, "target.weights_nought"),
        ({}, "target.weights_nought"),
        ({"B001": "-1"}, "target.weight"),
        ({"B001": "five"}, "target.weight"),
        ({"B001": "1/0"}, "target.weight"),
        ({"B001": "1e9"}, "target.weight"),
        ({"B001": "1e99999999"}, "target.weight"),
        ({"B001": "nan"}, "target.weight"),
    ],
)
def test_weights_that_cannot_be_are_refused(said: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_weights(said)
    assert caught.value.code == code


def test_percentages_that_come_to_a_hundred_are_exact() -> None:
    assert read_weights({"a": "33.3%", "b": "33.3％", "c": "33.4%"}) == {
        "a": Fraction(333, 10), "b": Fraction(333, 10), "c": Fraction(334, 10)
    }  # fmt: skip


def test_a_branch_without_hands_takes_nothing(three: Folk, store: Store) -> None:
    with store.begin(system()) as connection:
        # Ninety minutes a day are four tasks of twenty; July 2026 has 23 working days.
        assert capacities(connection, "0000", FIRST, LAST) == {
            "B001": 368, "B002": 92, "B003": 92, "PARTNER1": 0, "SUB1": 0, "R00001": 92
        }  # fmt: skip
        assert capacities(connection, "S0001", FIRST, LAST) == {"L00001": 92, "M00001": 92, "M00002": 92}
    with store.begin(three.who("system_admin")) as connection:
        record_leave(connection, "M00005", FIRST, LAST, "leave")
    with pytest.raises(InputError) as caught:
        asked(three, "tasks", 90)
    assert (caught.value.code, "B003" in caught.value.message.zh) == ("target.no_capacity", True)
    number = asked(three, "tasks", 300, B001="1", B002="1")
    assert amounts(store, number, "0000") == {"B001": 208, "B002": 92}  # what has no room goes where there is some
    with pytest.raises(InputError) as caught:
        asked(three, "tasks", 10_000, B001="1", B002="1")
    assert caught.value.code == "target.over_capacity"
    with store.begin(system()) as connection:
        assert [one.total for one in targets(connection)] == [300]  # a refused target leaves nothing


def test_only_who_answers_for_a_unit_splits_what_it_has(three: Folk, store: Store) -> None:
    number = asked(three)
    with pytest.raises(NotFoundError), store.begin(three.who("branch_commander", "tasks")) as connection:
        split_target(connection, number, "B002", weights(S0003="1"))
    with pytest.raises(InputError) as caught, store.begin(three.who("branch_commander", "tasks")) as connection:
        split_target(connection, number, "B001", weights(M00001="1"))
    assert caught.value.code == "target.not_below"
    with pytest.raises(DeniedError), store.begin(three.who("branch_commander", "tasks")) as connection:
        set_target(connection, "own", "sales", FIRST, LAST, 1, weights(B001="1"))
    with store.begin(three.who("branch_commander", "tasks")) as connection:
        assert part_of(connection, number, "B001").amount == 500
        with pytest.raises(NotFoundError):
            part_of(connection, number, "B002")
    with store.begin(three.who("hq_strategist", "campaign")) as connection:
        end_target(connection, number, "over")
    with pytest.raises(ConflictError), store.begin(three.who("branch_commander", "tasks")) as connection:
        split_target(connection, number, "B001", weights(S0001="1"))


def test_the_database_itself_refuses_parts_that_do_not_sum(three: Folk, store: Store) -> None:
    number = asked(three)
    for statement in (
        "DELETE FROM target_part WHERE target_id = :t AND holder = 'B003'",
        "INSERT INTO target_part VALUES (:t, 'S0001', 'unit', 'B001', '1', NULL, 499, 'x', now())",
    ):
        with pytest.raises((IntegrityError, BankloopError)), store.begin(system()) as connection:
            connection.execute(text(statement), {"t": number})
    assert sum(amounts(store, number, "0000").values()) == 900


def test_two_who_split_at_once_leave_one_exact_split(
    three: Folk, store: Store, store_server: EmbeddedServer, database: str, clock: FixedClock
) -> None:
    number, who = asked(three), three.who("branch_commander", "tasks")
    failed: list[BaseException] = []

    def one(said: dict[str, str]) -> None:
        try:
            with attach_store(store.folder, clock, store_server, database) as mine, mine.begin(who) as connection:
                split_target(connection, number, "B001", read_weights(said))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=({"S0001": str(n), "S0002": "7"},)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(amounts(store, number, "B001").values()) == 500


def test_progress_is_what_was_done_in_its_time_at_each_level(three: Folk, store: Store) -> None:
    number = asked(three, "tasks", 100, B001="1")
    with store.begin(system()) as connection:
        for place, (customer, staff, unit) in enumerate(
            (("C0000", "M00001", "S0001"), ("C0001", "M00001", "S0001"), ("C0020", "M00003", "S0002"), ("C0030", "M00004", "S0003"))
        ):  # fmt: skip
            now = store.clock.now()
            made = open_task(connection, NewTask(f"k{place}", TaskKind.CARE, customer, unit, "x", now, now, staff))  # fmt: skip
            connection.execute(
                text("UPDATE staff_task SET state = 'DONE', done_at = :at, outcome = :o WHERE task_id = :t"),
                {
                    "t": made.task_id,
                    "at": now + timedelta(days=3 if place else 0),
                    "o": "sold" if place == 1 else "done",
                },
            )
        found = target_of(connection, number)
        done = done_by_tasks(connection, found, date(2026, 7, 10), "Asia/Shanghai")
    assert done is not None
    assert {unit: done.of(unit, "unit") for unit in UNITS} == {
        "0000": 3, "B001": 2, "B002": 1, "S0001": 1, "S0002": 1, "S0003": 1, "S0004": 0
    }  # fmt: skip
    assert (done.of("M00001", "staff"), done.of("M00003", "staff")) == (1, 1)
    assert gone(found, date(2026, 7, 10)) == pytest.approx(10 / 31)
    assert (gone(found, FIRST - timedelta(days=9)), gone(found, LAST + timedelta(days=9))) == (0.0, 1.0)


def test_every_verb_of_targets_leaves_its_row(three: Folk, store: Store) -> None:
    number = asked(three)
    with store.begin(three.who("branch_commander", "tasks")) as connection:
        split_target(connection, number, "B001", weights(S0001="1"))
        assert {one.holder for one in holders_below(connection, "B001")} == {"S0001", "S0002"}
    with store.begin(three.who("hq_strategist", "campaign")) as connection:
        end_target(connection, number, "over")
    with store.begin(auditor(), Role.AUDITOR) as connection:
        left = set(connection.scalars(text("SELECT DISTINCT verb FROM audit")))
    mine = {name for name, act in VERBS.items() if act.__module__.startswith("bankloop.performance.target")}
    assert mine
    assert mine <= left
