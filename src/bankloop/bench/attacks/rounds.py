"""Rounds sent twice, in the past, at once, or past whoever said no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from bankloop.bench.attacks.target import CAMPAIGN, AttackTarget, attack, held
from bankloop.customer.consent import restrict
from bankloop.kit.errors import BankloopError
from bankloop.loop.campaign.approving import approve_in_turn, kill_campaign, submit
from bankloop.organization.principals import compliance, maker, reviewers, system
from bankloop.store.audit import check_clock
from bankloop.work.rounds import hand_out, run_round

_TWICE = text(
    "SELECT count(*) FROM (SELECT 1 FROM contact WHERE accepted "
    "GROUP BY customer_no, campaign, channel HAVING count(*) > 1) x"
)


class _Given:
    """A channel that remembers to whom it sent."""

    def __init__(self) -> None:
        self.customers: list[str] = []

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        self.customers += [one["customer_no"] for one in contacts]


_CHANNEL = _Given()


def _began(target: AttackTarget) -> None:
    """Have round one run, if it has not."""
    if target.scalar(text("SELECT count(*) FROM decision WHERE campaign = :c"), c=CAMPAIGN):
        return
    submit(target.bank, maker(), CAMPAIGN)
    approve_in_turn(target.bank, reviewers(), CAMPAIGN)
    done = run_round(target.bank, system(), 1, target.bank.lake.today(), _CHANNEL)
    held(done.issued is not None, "the round did not run")


def _refused(target: AttackTarget, days: int, round_: int = 1, *, further: bool = False) -> None:
    """Ask for a round some days from today: it may do nothing."""
    start, sent = target.bank.lake.today() + timedelta(days=days), len(_CHANNEL.customers)
    try:
        done = run_round(target.bank, system(), round_, start, _CHANNEL, further=further)
    except BankloopError:
        done = None
    held(done is None or done.issued is None, f"round {round_} ran again {days} days on")
    held(done is None or len(_CHANNEL.customers) == sent or days != 0, "sent again")
    held(target.scalar(_TWICE) == 0, "somebody was contacted twice")


@attack("rounds")
def send_in_the_past(target: AttackTarget) -> None:
    """Run a round with a window in the past, where no cap counts."""
    _refused(target, -300, round_=9)
    held(target.scalar(text("SELECT count(*) FROM plan WHERE summary ->> 'round' = '9'")) == 0, "a plan was kept")


@attack("rounds")
def run_a_round_again(target: AttackTarget) -> None:
    """Run a round again on the same day, the next, and two days earlier."""
    _began(target)
    for days in (0, 1, -2, 2):
        _refused(target, days)


@attack("rounds")
def overlap_a_window(target: AttackTarget) -> None:
    """Ask for a further window, or another round, while one is open for the same customers."""
    _began(target)
    _refused(target, 3, further=True)
    _refused(target, 3, round_=2)


@attack("rounds")
def run_twice_at_once(target: AttackTarget) -> None:
    """Start one round from several places at the same moment."""
    _began(target)
    before = target.scalar(text("SELECT count(*) FROM decision"))

    def run(_: int) -> None:
        try:
            run_round(target.bank, system(), 1, target.bank.lake.today(), _CHANNEL)
        except BankloopError:
            return

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    held(target.scalar(text("SELECT count(*) FROM decision")) == before, "more decisions")
    held(target.scalar(_TWICE) == 0, "somebody was contacted twice")


@attack("rounds")
def reach_who_said_no(target: AttackTarget) -> None:
    """Send to who withdrew between the decision and the day."""
    _began(target)
    waiting = text(
        "SELECT c->>'customer_no' FROM outbox, jsonb_array_elements(payload->'contacts') c "
        "WHERE topic = 'delivery' AND done_at IS NULL ORDER BY 1 LIMIT 1"
    )
    number = target.scalar(waiting)
    if number is not None:
        with target.bank.store.begin(system()) as connection:
            restrict(connection, number, "letter", {"letter": "stop"})
    before = len(_CHANNEL.customers)
    target.move_on(timedelta(days=1))
    hand_out(target.bank, _CHANNEL)
    held(number not in _CHANNEL.customers[before:], "who withdrew was sent to")


@attack("rounds")
def send_what_was_stopped(target: AttackTarget) -> None:
    """Send what is still queued of a campaign that compliance stopped."""
    _began(target)
    kill_campaign(target.bank, compliance(), CAMPAIGN, "stopped")
    before = len(_CHANNEL.customers)
    for _ in range(3):
        target.move_on(timedelta(days=1))
        hand_out(target.bank, _CHANNEL)
    held(len(_CHANNEL.customers) == before, "sent after the stop")


@attack("rounds")
def turn_the_clock_back(target: AttackTarget) -> None:
    """Turn the machine's clock back, to write before what was written."""
    _began(target)
    target.move_on(timedelta(days=-5))
    try:
        check_clock(target.bank.store)  # as whoever opens the bank does, and a serving process every minute
        submit(target.bank, maker(), "keep-deposits")
    except BankloopError as error:
        held(error.code == "store.clock_behind", error.code)
    else:
        held(False, "written before the newest row of the trail")
    finally:
        target.move_on(timedelta(days=5))
        check_clock(target.bank.store)
