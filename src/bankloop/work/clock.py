"""What a bank does at its times: each duty with when it is due and what it does, done once by whichever clock is first.

Each minute the trail is sealed, what is due is handed out, what was approved is carried out; then the clocks of
tasks, the shelf where a notice has begun, and from half past eight on the day's report and work. Each hour the trail
is verified and sessions, requests and tasks that are over are closed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

from bankloop.journey.trigger import work_triggers
from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.errors import BankloopError, ConflictError
from bankloop.kit.worktime import WorkTime
from bankloop.loop.bank import Bank
from bankloop.loop.offering.shelf import screen, shelf_now
from bankloop.organization import account
from bankloop.organization.approval import expire_approvals
from bankloop.organization.principals import system
from bankloop.organization.task import escalate_tasks, expire_tasks, hand_over_tasks
from bankloop.performance.daily import due_day
from bankloop.performance.daily_figures import report_day
from bankloop.store.audit import check_clock, check_due, purge_due, seal_audit
from bankloop.store.database import now_of
from bankloop.store.duties import claim_duty, end_duty, fail_duty, renew_duty
from bankloop.store.rates import forget_counts
from bankloop.work.approvals import carry_out
from bankloop.work.daily_jobs import work_day
from bankloop.work.leases import log_fault, renewed
from bankloop.work.rounds import hand_out
from bankloop.work.workplace import Workplace

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# How often a clock looks whether something is due; the shortest answer that is promised is half an hour.
TICK_SECONDS = 5.0
# A task escalated to the branch long ago is nobody's any more: it ends, and its customer is free for others.
LATEST = timedelta(days=30)
_CLOCK = system("clock")
_LOG = logging.getLogger(__name__)

Due = Callable[[Bank, datetime], datetime | None]


@dataclass(frozen=True, slots=True)
class Duty:
    """What is done at its times: when it was due last as of a moment (None: not yet), and what it does.

    It is told the mark that its last run returned, whichever process that was in.
    """

    name: str
    due: Due
    act: Callable[[Workplace, str], str]


def every(length: timedelta) -> Due:
    """Return when something is due that is due so often: at whole multiples since the epoch."""
    seconds = int(length.total_seconds())

    def due(_: Bank, now: datetime) -> datetime:
        return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)

    return due


def every_morning(bank: Bank, now: datetime) -> datetime | None:
    """Return the first moment of the day whose report is due; None before the morning, and where nothing is held."""
    day = due_day(now, bank.lake.zone)
    if day is None or bank.lake.manifest.current("holding") is None:
        return None
    return local_moment(day, 0, 0, bank.lake.zone)


def seal_trail(place: Workplace, mark: str) -> str:
    """Seal and anchor the rows of the trail written since: what is cut off its end is missed from then on.

    A trail that was cut is not sealed on; that it was stands in the log until somebody looks, and ``doctor`` finds it.
    """
    try:
        seal_audit(place.bank.store)
    except ConflictError as error:
        _LOG.error("clock: %s", error)
    return mark


def keep_up(place: Workplace, mark: str) -> str:
    """Verify the trail if that is due, purge what is kept no longer, close sessions, requests and tasks that are over."""
    store = place.bank.store
    if check_due(store) is not None:
        purge_due(store, system("retention"))
    with store.begin(account.SIGN_IN) as connection:
        account.forget_sessions(connection)
    with store.begin(_CLOCK) as connection:
        forget_counts(connection)
        expire_approvals(connection)
        expire_tasks(connection, now_of(connection).date() - LATEST)
        hand_over_tasks(connection, now_of(connection).date(), moved=True)
    return mark


def keep_clocks(place: Workplace, mark: str) -> str:
    """Escalate the tasks whose working time runs out, and give on those of who is away."""
    zone = place.bank.lake.zone
    with place.bank.store.begin(_CLOCK) as connection:
        escalate_tasks(connection, WorkTime(zone))
        hand_over_tasks(connection, local_day(now_of(connection), zone))
    return mark


def watch_shelf(place: Workplace, mark: str) -> str:
    """Screen what is under way when the shelf becomes another one, and each hour while anything is taken off it.

    A notice begins at its own moment, when nobody does anything. Assessments run out and follow-ups are made meanwhile.
    """
    who = system("shelf")
    shelf = shelf_now(place.bank, who)
    seen = f"{shelf.digest} {place.bank.store.clock.now():%Y-%m-%dT%H}"
    if seen != mark and any(not one.silent for one in shelf.notices.values()):
        screen(place.bank, who)
    return seen


def do_morning(place: Workplace, mark: str) -> str:
    """Make the report of the day that is over and hand it over, then do the day's regular work."""
    bank = place.bank
    day = due_day(bank.clock.now(), bank.lake.zone)
    if day is None:
        return mark
    report_day(bank, system("daily"), day)
    place.post(bank)
    work_day(bank, bank.lake.today())
    return day.isoformat()


def hand_out_due(place: Workplace, mark: str) -> str:
    """Hand out what has come due and carry out what was approved; what failed a moment ago waits longer each time."""
    hand_out(place.bank, place.channel, patient=True)
    carry_out(place.bank, patient=True)
    return mark


def let_triggers_act(place: Workplace, mark: str) -> str:
    """Act on the events that were taken in a moment ago, and on what waited and is due."""
    work_triggers(place.bank)
    return mark


DUTIES: tuple[Duty, ...] = (
    # Somebody stands at the counter, or moves their money: it is looked after at every tick.
    Duty("triggers", every(SECOND), let_triggers_act),
    Duty("seal", every(MINUTE), seal_trail),
    Duty("upkeep", every(HOUR), keep_up),
    Duty("tasks", every(MINUTE), keep_clocks),
    Duty("shelf", every(MINUTE), watch_shelf),
    Duty("morning", every_morning, do_morning),
    Duty("delivery", every(MINUTE), hand_out_due),
)


def do_duty(place: Workplace, duty: Duty, worker: str) -> bool:
    """Do a duty if it is due and nobody has done it or is at it; return whether it was done here.

    What fails ends nothing: its reason is kept, and it is due again in a minute. While the machine's clock is behind the
    trail no duty is done, and the process writes nothing at all.
    """
    bank, store = place.bank, place.bank.store
    check_clock(store)
    if store.behind is not None:
        return False
    due = duty.due(bank, store.clock.now())
    if due is None:
        return False
    with store.begin(_CLOCK) as connection:
        claim = claim_duty(connection, duty.name, due, worker)
    if claim is None:
        return False

    def renew() -> None:
        with store.begin(_CLOCK) as connection:
            renew_duty(connection, claim)

    try:
        with renewed(renew):
            mark = duty.act(place, claim.mark)
    except Exception as error:
        log_fault(f"duty {duty.name}", error)
        reason = error.message.en if isinstance(error, BankloopError) else type(error).__name__
        with store.begin(_CLOCK) as connection:
            fail_duty(connection, claim, reason)
        return False
    with store.begin(_CLOCK) as connection:
        end_duty(connection, claim, mark)
    return True


def keep_duty(place: Workplace, duty: Duty, worker: str, over: Event) -> None:
    """Do a duty whenever it is due, until told that it is over."""
    while not over.is_set():
        try:
            do_duty(place, duty, worker)
        except Exception as error:  # a database that is away now is back in a while
            log_fault(f"duty {duty.name}", error)
        over.wait(TICK_SECONDS)
