"""Whether a window of a round may be issued: once a round, never in the past, never over one that is open."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import ConflictError, InputError
from bankloop.loop.round.standing import check_apart, check_start, standing_of
from bankloop.store.contracts import Plan

DAY = date(2026, 12, 1)


def plan(round_: int, first: int, last: int, *campaigns: str, id_: UUID | None = None) -> Plan:
    """A plan of ``round_`` from DAY + first to DAY + last."""
    return Plan(
        plan_id=id_ or uuid4(), campaigns=campaigns or ("bind-card",), window_start=DAY + timedelta(days=first),
        window_end=DAY + timedelta(days=last), as_of=DAY, digest="", prices={}, value_fen=0, bound_fen=0, gap_ppm=0,
        summary={"round": round_},
    )  # fmt: skip


@pytest.mark.parametrize("day", [0, 1, 29, 30, 400])
def test_a_round_is_run_once_on_whatever_day_it_is_asked_for_again(day: int) -> None:
    first = plan(1, 0, 29)
    assert standing_of([first], 1, DAY + timedelta(days=day)).ran is first


def test_a_further_window_begins_after_the_last_is_over() -> None:
    plans = [plan(1, 0, 29), plan(1, 30, 59)]
    for day in (0, 29, 30, 59):
        with pytest.raises(ConflictError) as refused:
            standing_of(plans, 1, DAY + timedelta(days=day), further=True)
        assert refused.value.code == "run.window_overlaps"
        assert "2027-01-29" in refused.value.message.en
    assert standing_of(plans, 1, DAY + timedelta(days=60), further=True).ran is None


def test_a_campaign_under_way_in_another_round_is_left_out_of_this_one() -> None:
    plans = [plan(1, 0, 29, "bind-card"), plan(2, 0, 9, "first-wealth")]
    assert standing_of(plans, 3, DAY + timedelta(days=9)).under_way == {"bind-card", "first-wealth"}
    assert standing_of(plans, 3, DAY + timedelta(days=10)).under_way == {"bind-card"}
    with pytest.raises(ConflictError, match=r"run\.window_overlaps"):
        check_apart(plans, 3, DAY + timedelta(days=10), ["bind-card", "keep-deposits"])
    check_apart(plans, 3, DAY + timedelta(days=10), ["first-wealth"])


def test_a_window_begins_today_or_later() -> None:
    check_start(DAY, DAY)
    check_start(DAY + timedelta(days=1), DAY)
    with pytest.raises(InputError) as refused:
        check_start(DAY - timedelta(days=1), DAY)
    assert refused.value.code == "run.window_past"


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 60), st.booleans(), st.sets(st.sampled_from("abc"), min_size=1))
    ),
    st.integers(1, 10),
)
def test_whatever_is_asked_for_nobody_has_two_windows_on_one_day(
    asked: list[tuple[int, int, bool, set[str]]], length: int
) -> None:
    plans: list[Plan] = []
    for round_, first, further, campaigns in asked:
        start = DAY + timedelta(days=first)
        try:
            standing = standing_of(plans, round_, start, further=further)
            free = campaigns - standing.under_way
            if standing.ran is None and free:
                check_apart(plans, round_, start, free)
                plans.append(plan(round_, first, first + length - 1, *sorted(free)))
        except ConflictError:
            continue
    for at, one in enumerate(plans):
        for other in plans[at + 1 :]:
            apart = one.window_end < other.window_start or other.window_end < one.window_start
            assert apart or not {*one.campaigns} & {*other.campaigns}
