"""A round from plan to delivery: run once, never in the past, handed out day by day, stopped until then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bankloop.benefit.grants import BUDGET, STOCK, GrantLife, grant_of, pool_of, pools
from bankloop.contact.channels import FileChannel
from bankloop.contact.delivery import give_up
from bankloop.customer.consent import restrict
from bankloop.kit.clock import FixedClock, local_moment
from bankloop.kit.errors import InputError
from bankloop.ledger.statements import check_ledger
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, kill_campaign, pause_campaign, resume_campaign, submit
from bankloop.organization.principals import compliance, maker, reviewers, system
from bankloop.store.contracts import Principal
from bankloop.store.doctor import examine
from bankloop.store.outbox import MAX_ATTEMPTS, retry_message, stuck_messages
from bankloop.work.rounds import RoundRun, hand_out, run_round
from tests.loop.gates import STATES

NAME = "bind-card"
PER_DAY = 20


class Parts:
    """A channel that keeps each part it was given, by day; one channel of its own choice is broken."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.given: dict[str, list[str]] = {}

    @property
    def days(self) -> list[str]:
        return sorted(self.given)

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        if channel == self.broken:
            raise OSError(f"{channel} is away")
        self.given.setdefault(due_on, []).extend(one["customer_no"] for one in contacts)


@pytest.fixture
def narrow(bank: Bank) -> Iterator[Bank]:
    """The bank with a few messages a day, and one campaign approved."""
    path = bank.folder / "policies.yaml"
    written = path.read_text(encoding="utf-8")
    try:
        path.write_text(written.replace("per_day: 60000", f"per_day: {PER_DAY}"), encoding="utf-8")
        found = Bank(bank.folder, bank.store, bank.lake, bank.clock, STATES)
        submit(found, maker(), NAME)
        approve_in_turn(found, reviewers(), NAME)
        yield found
    finally:
        path.write_text(written, encoding="utf-8")


def set_day(bank: Bank, day: date, hour: int = 9) -> None:
    """Let it be an hour of a day for everything that the open bank does."""
    clock = FixedClock(local_moment(day, hour, 0, bank.lake.zone))
    bank.store.clock = bank.lake.clock = clock
    object.__setattr__(bank, "clock", clock)


def run(bank: Bank, day: date, channel: Any = None, *, further: bool = False, round_: int = 1) -> RoundRun:
    return run_round(bank, system(), round_, day, channel or Parts(), further=further)


def waiting(bank: Bank, day: date) -> list[str]:
    """The customers whose messages wait for a day."""
    with bank.store.begin(system()) as connection:
        rows = connection.scalars(
            text("SELECT c->>'customer_no' FROM outbox, jsonb_array_elements(payload->'contacts') c "
                 "WHERE topic = 'delivery' AND done_at IS NULL AND payload->>'due_on' = :day AND payload->>'channel' = 'sms' "
                 "ORDER BY 1"), {"day": day.isoformat()}
        )  # fmt: skip
        return list(rows)


def test_what_is_due_later_waits_and_a_withdrawal_until_then_takes_it_out(narrow: Bank) -> None:
    today, channel = narrow.lake.today(), Parts()
    done = run(narrow, today, channel)
    assert channel.days == [today.isoformat()]
    assert done.issued is not None
    assert 0 < done.delivered.done < done.issued.accepted
    days = [today + timedelta(days=n) for n in (1, 2, 3)]
    second, third, fourth = (waiting(narrow, day) for day in days)
    assert len(second) == len(third) == PER_DAY
    with narrow.store.begin(system()) as connection:
        restrict(connection, second[0], "letter", {"letter": "stop"})
    set_day(narrow, days[0], hour=8)
    assert hand_out(narrow, channel).done == 0  # before the day's first open hour
    set_day(narrow, days[0])
    hand_out(narrow, channel)
    assert channel.days == [today.isoformat(), days[0].isoformat()]
    assert sorted(channel.given[days[0].isoformat()]) == second[1:]
    pause_campaign(narrow, maker(), NAME, "a complaint")
    set_day(narrow, days[1])
    assert hand_out(narrow, channel).done == 0
    resume_campaign(narrow, maker(), NAME)
    assert hand_out(narrow, channel).done == len(third)
    kill_campaign(narrow, compliance(), NAME, "stopped")
    set_day(narrow, days[2])
    assert fourth
    assert hand_out(narrow, channel).done == 0
    assert days[2].isoformat() not in channel.given


def test_a_round_is_run_once_whatever_day_it_is_asked_for_again(narrow: Bank) -> None:
    today = narrow.lake.today()
    assert run(narrow, today).issued is not None
    with narrow.store.begin(system()) as connection:
        before = connection.scalar(text("SELECT count(*) FROM decision"))
    for days in (1, 2, 31):
        set_day(narrow, today + timedelta(days=days))
        again = run(narrow, narrow.lake.today())
        assert again.issued is None
        assert again.plain()["already_run"] is True
        assert again.window_start == today
    with narrow.store.begin(system()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == before
        twice = connection.scalar(
            text("SELECT count(*) FROM (SELECT 1 FROM contact WHERE accepted GROUP BY customer_no, campaign, channel HAVING count(*) > 1) x")
        )  # fmt: skip
    assert twice == 0


def test_a_window_in_the_past_is_refused_before_anything_happens(narrow: Bank) -> None:
    channel = Parts()
    with pytest.raises(InputError, match=r"run\.window_past"):
        run(narrow, narrow.lake.today() - timedelta(days=300), channel)
    assert channel.given == {}
    with narrow.store.begin(system()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM plan")) == 0


def test_a_failing_channel_blocks_nobody_and_ends_with_a_person(narrow: Bank, strategist: Principal) -> None:
    """A part of SMS stands between others; it waits longer each time, is seen, and is tried again or given up."""
    today, channel = narrow.lake.today(), Parts(broken="sms")
    done = run(narrow, today, channel)
    assert done.delivered.done > 0
    assert [one.reason.en for one in done.delivered.failures] == [
        "a fault nobody foresaw (OSError); the log says where"
    ]
    assert hand_out(narrow, channel, patient=True).failures == ()  # failed a moment ago
    for _ in range(MAX_ATTEMPTS + 2):
        hand_out(narrow, channel)
    with narrow.store.begin(strategist) as connection:
        (stuck,) = stuck_messages(connection)
    assert (stuck.for_a_person, stuck.attempts) == (True, MAX_ATTEMPTS)
    found = {one.check: one for one in examine(narrow.store)}["messages"]
    assert not found.ok
    assert stuck.key in found.place
    channel.broken = ""
    assert hand_out(narrow, channel).done == 0  # it waits for a person
    with narrow.store.begin(strategist) as connection:
        retry_message(connection, stuck.id)
    assert hand_out(narrow, channel).done == PER_DAY
    assert {one.check: one for one in examine(narrow.store)}["messages"].ok


def test_a_part_given_up_is_recorded_as_stopped(narrow: Bank, strategist: Principal) -> None:
    run(narrow, narrow.lake.today(), Parts(broken="sms"))
    with narrow.store.begin(strategist) as connection:
        (stuck,) = stuck_messages(connection)
        assert give_up(connection, stuck.id, "the gateway is gone") == PER_DAY
        assert stuck_messages(connection) == []
    with narrow.store.begin(system()) as connection:
        stopped = connection.scalar(text("SELECT count(*) FROM contact_stop WHERE reason = 'delivery:given_up'"))
    assert stopped == PER_DAY


def test_a_round_s_benefits_are_on_the_ledger_and_come_back_with_what_is_given_up(
    narrow: Bank, strategist: Principal
) -> None:
    run(narrow, narrow.lake.today(), Parts(broken="sms"))
    with narrow.store.begin(system()) as connection:
        rows = connection.execute(text("SELECT benefit, reserved_fen FROM benefit_grant WHERE granted")).all()
        assert rows
        assert pool_of(connection, BUDGET, f"{NAME}:1").committed == sum(row.reserved_fen for row in rows)
        pieces = {one.name: one.committed for one in pools(connection) if one.asset == STOCK and one.committed}
        assert pieces == Counter(row.benefit for row in rows)
        assert check_ledger(connection) == ()
    with narrow.store.begin(strategist) as connection:
        (stuck,) = stuck_messages(connection)
        give_up(connection, stuck.id, "the gateway is gone")
    with narrow.store.begin(system()) as connection:
        back = connection.execute(
            text(
                "SELECT decision_id::text AS id, reserved_fen FROM benefit_grant JOIN contact_stop USING (decision_id)"
            )
        ).all()
        assert back
        assert {grant_of(connection, row.id).life for row in back} == {GrantLife.RETURNED}
        kept = sum(row.reserved_fen for row in rows) - sum(row.reserved_fen for row in back)
        assert pool_of(connection, BUDGET, f"{NAME}:1").committed == kept
        assert check_ledger(connection) == ()


def test_a_kept_plan_is_kept_once_by_whoever_comes_first(narrow: Bank) -> None:
    """Two commands plan the same window together: the second finds the page, and is told that the round was run."""
    today = narrow.lake.today()
    first = run(narrow, today, FileChannel(narrow.folder / "out"))
    assert first.window is not None
    second = run(narrow, today, FileChannel(narrow.folder / "out"))
    assert (second.window, second.delivered.done) == (None, 0)


@pytest.fixture
def strategist() -> Principal:
    return maker()
