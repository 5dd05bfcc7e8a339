"""The rules of triggers alone: what completes one in whatever order it is told, when customers are left alone, the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.event import SeenEvent, read_event_types
from bankloop.journey.trigger.contracts import WhenKind
from bankloop.journey.trigger.reader import Vocabulary, read_triggers
from bankloop.journey.trigger.rules import came_since, completed, held_back, open_from, reason_of, row_of
from bankloop.kit.errors import SpecError
from bankloop.organization.rights import ROLES
from bankloop.simulate.service import TEMPLATES

NOW = datetime(2026, 6, 30, 2, tzinfo=UTC)
KNOWN = Vocabulary(
    read_event_types(),
    read_catalogue(None).open_types,
    {
        "note": ("app_push", "sms"),
        **dict.fromkeys(("maturity-note", "payday-note", "birthday-note", "wealth-interest"), ("app_push", "sms")),
    },
    tuple(ROLES),
)
THEN = "then: [{task: {title: {zh: 做, en: do}}}]"


def written(folder: Path, when: str, rest: str = "1h", then: str = THEN) -> Path:
    (folder / "triggers.yaml").write_text(
        f"format: 1\ntriggers:\n  - trigger: it\n    title: {{zh: 它, en: it}}\n    rest: {rest}\n    when: {when}\n    {then}\n",
        encoding="utf-8",
    )
    return folder


def seen(number: int, kind: str, minutes: float, **fields: object) -> SeenEvent:
    at = NOW + timedelta(minutes=minutes)
    return SeenEvent("app", number, kind, "C1", "S1", at, at, "app", fields)


def test_the_shipped_triggers_read_and_say_what_the_issue_asks() -> None:
    found = read_triggers(TEMPLATES, KNOWN)
    assert {one.when.kind for one in found.values()} == {
        WhenKind.EVENT, WhenKind.COUNT, WhenKind.ABSENCE, WhenKind.DAY,
    }  # fmt: skip
    assert found["wealth-interest"].when.times == 3
    assert found["dormant-again"].when.without == found["dormant-again"].when.events
    assert len({one.digest for one in found.values()}) == len(found) == 12


@pytest.mark.parametrize(
    ("when", "then", "said"),
    [
        ("{event: page_veiw}", THEN, "page_view"),
        ("{event: page_view, wher: 'tier > 1'}", THEN, "where"),
        ("{event: page_view, where: 'event_pge = 1'}", THEN, "event_page"),
        ("{event: page_view, where: 'event_page'}", THEN, "bool"),
        ("{event: page_view, times: 3}", THEN, "24h"),
        ("{event: page_view, within: 900d}", THEN, "400d"),
        ("{sequence: [page_view]}", THEN, "2"),
        ("{day: true}", THEN, "where"),
        ("{day: true, where: 'frozen'}", THEN, "frozen"),
        ("{event: page_view}", "then: [{posting: {points: 5}}]", "task"),
        ("{event: page_view}", "then: [{lead: {}}]", "task"),
        ("{event: page_view}", "then: [{notcie: {}}]", "notice"),
        ("{event: page_view}", "then: [{notice: {role: sub_branch_haed, title: {zh: 一, en: a}}}]", "sub_branch_head"),
        ("{event: page_view}", "then: [{contact: {script: noet, channels: [sms], class: service}}]", "note"),
        ("{event: page_view}", "then: [{contact: {script: note, channels: [smss], class: service}}]", "sms"),
        ("{event: salary_stopped}", "then: [{contact: {script: note, channels: [sms], class: marketing}}]", "salary_stopped"),
    ],
)  # fmt: skip
def test_what_is_written_wrongly_is_refused_with_its_line_and_the_nearest_name(
    tmp_path: Path, when: str, then: str, said: str
) -> None:
    with pytest.raises(SpecError) as refused:
        read_triggers(written(tmp_path, when, then=then), KNOWN)
    assert refused.value.code == "trigger.file"
    assert said in refused.value.message.en
    assert said in refused.value.message.zh
    assert "triggers.yaml:" in refused.value.message.en


def keys(folder: Path, when: str, order: Sequence[SeenEvent]) -> set[int]:
    """Return the events at which a trigger is completed, where they become known in this order, some told twice."""
    rule = read_triggers(written(folder, when), KNOWN)["it"].when
    known: list[SeenEvent] = []
    found: set[int] = set()
    for event in order:
        if event not in known:
            known.append(event)
        found |= {one.event_id for one in completed(rule, event, known, lambda _: True)}
    return found


SEQUENCE = "{sequence: [page_view, queue_ticket, wealth_purchase], within: 60m}"


def test_a_sequence_is_completed_at_its_last_step_in_whatever_order_it_is_told(tmp_path: Path) -> None:
    steps = [
        seen(1, "page_view", 0),
        seen(2, "queue_ticket", 20),
        seen(3, "wealth_purchase", 50),
        seen(4, "page_view", 55),
    ]
    for order in permutations(steps):
        assert keys(tmp_path, SEQUENCE, [*order, *order]) == {3}
    assert (
        keys(tmp_path, SEQUENCE, [seen(1, "page_view", 0), seen(2, "queue_ticket", 20), seen(3, "wealth_purchase", 61)])
        == set()
    )
    assert (
        keys(tmp_path, SEQUENCE, [seen(1, "queue_ticket", 0), seen(2, "page_view", 20), seen(3, "wealth_purchase", 30)])
        == set()
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["page_view", "queue_ticket", "wealth_purchase"]), st.integers(0, 90)), max_size=7
    ),
    st.randoms(),
)
def test_the_order_in_which_events_are_told_changes_no_sequence(drawn: list[tuple[str, int]], chance: object) -> None:
    from random import Random
    from tempfile import TemporaryDirectory

    events = [seen(number, kind, minutes) for number, (kind, minutes) in enumerate(drawn)]
    other = list(events)
    assert isinstance(chance, Random)
    chance.shuffle(other)
    with TemporaryDirectory() as folder:
        assert keys(Path(folder), SEQUENCE, events) == keys(Path(folder), SEQUENCE, [*other, *events])


COUNT = "{event: page_view, times: 3, within: 60m, without: [wealth_purchase]}"


@given(st.lists(st.integers(0, 300), max_size=8, unique=True), st.lists(st.integers(0, 300), max_size=2), st.randoms())
def test_a_count_is_reached_in_any_order_exactly_where_a_window_holds_enough(
    views: list[int], bought: list[int], chance: object
) -> None:
    from random import Random
    from tempfile import TemporaryDirectory

    events = [seen(number, "page_view", at) for number, at in enumerate(views)]
    against = [seen(100 + number, "wealth_purchase", at) for number, at in enumerate(bought)]
    assert isinstance(chance, Random)
    chance.shuffle(events)
    ordered = sorted(views)
    there = any(
        ordered[i + 2] - ordered[i] <= 60 and not any(ordered[i] <= b <= ordered[i] + 60 for b in bought)
        for i in range(len(ordered) - 2)
    )
    with TemporaryDirectory() as folder:
        assert bool(keys(Path(folder), COUNT, [*against, *events])) is there


def test_an_absence_is_one_only_where_nothing_came_in_time(tmp_path: Path) -> None:
    rule = read_triggers(written(tmp_path, "{event: page_view, absent: 60m, without: [wealth_purchase]}"), KNOWN)[
        "it"
    ].when
    first = seen(1, "page_view", 0)
    assert [one.event_id for one in completed(rule, first, [first], lambda _: True)] == [1]
    assert came_since(rule, NOW, [first, seen(2, "wealth_purchase", 60)])
    assert not came_since(rule, NOW, [first, seen(2, "wealth_purchase", 61), seen(3, "wealth_purchase", -1)])


def test_late_and_resting_are_held_back_with_a_reason(tmp_path: Path) -> None:
    one = read_triggers(written(tmp_path, "{event: page_view}", rest="2h"), KNOWN)["it"]
    assert held_back(one, NOW, NOW + timedelta(hours=25), []) == "trigger.late"
    assert held_back(one, NOW, NOW, [NOW + timedelta(minutes=119)]) == "trigger.rest"
    assert held_back(one, NOW, NOW, [NOW - timedelta(hours=2)]) == ""
    for code in (
        "trigger.late",
        "trigger.rest",
        "cap:marketing:sms:1/7d",
        "declined",
        "capacity:sms:*",
        "trigger.quiet_hours",
    ):
        assert reason_of(code).zh != reason_of(code).en
        assert "the contact gate refused" not in reason_of(code).en


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-06-29 10:00", "2026-06-29 10:00"), ("2026-06-29 20:59", "2026-06-29 20:59"), ("2026-06-29 21:00", "2026-06-30 09:00"),
        ("2026-06-30 03:00", "2026-06-30 09:00"), ("2026-06-30 12:30", "2026-06-30 14:00"), ("2026-09-30 22:00", "2026-10-02 09:00"),
    ],
)  # fmt: skip
def test_customers_are_left_alone_at_night_at_noon_and_on_holidays(now: str, then: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    asked, wanted = (datetime.fromisoformat(one).replace(tzinfo=zone) for one in (now, then))
    assert open_from(asked, (time(21), time(9)), lambda day: day != date(2026, 10, 1)) == wanted


def test_a_condition_reads_the_event_and_the_customer() -> None:
    row = row_of(
        seen(1, "transfer_out", 0, amount=500), {"tier": 3}, ("event_amount", "event_channel", "tier"), NOW.date()
    )
    assert row == {"event_amount": 500, "event_channel": "app", "tier": 3, "today": NOW.date()}
