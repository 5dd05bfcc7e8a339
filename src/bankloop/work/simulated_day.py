"""A day of a simulated bank: what is due goes out, people answer, staff work, the night's files arrive.

The bank's own clock is moved on with it, a step of the day at a time, so that whoever serves the bank sees the day
pass;
what a bank does at its times (``clock.DUTIES``) is done at them, by whichever process comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.errors import DeniedError
from bankloop.kit.text import Text
from bankloop.kit.worktime import is_working_day
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.organization.demonstration import is_demo
from bankloop.organization.principals import system
from bankloop.simulate.answers import answer_day
from bankloop.simulate.clock import set_clock
from bankloop.simulate.contracts import Response
from bankloop.simulate.staff import deeds_of, work_off
from bankloop.simulate.standing import newest_day
from bankloop.simulate.world import World
from bankloop.store.contracts import Plan
from bankloop.store.registry import read_plans, read_results
from bankloop.work.clock import DUTIES, do_duty
from bankloop.work.workplace import Workplace

# What was left undone is worked off within so many days, or by nobody.
_LATELY = timedelta(days=3)
_NIGHT, _OPENS, _CLOSES = (2, 0), (9, 0), (17, 45)
_WORKER = "simulated-day"


@dataclass(frozen=True, slots=True)
class LivedDay:
    """What a day brought: tasks touched, goals reached, tables renewed in the night, campaigns read."""

    day: date
    now: datetime
    tasks: int
    successes: int
    tables: int
    read: tuple[str, ...]

    def plain(self) -> dict[str, object]:
        """Return it as command and job print it."""
        return {**asdict(self), "day": self.day.isoformat(), "now": self.now.isoformat(), "read": list(self.read)}


def live_day(place: Workplace, say: Callable[[str], None] = lambda _: None) -> LivedDay:
    """Live through the bank's day until nine on the next morning, and say what it brought.

    Raises ``DeniedError`` for a bank that is not simulated: nobody moves a real one's clock.
    """
    bank = place.bank
    check_simulated(bank)
    zone = bank.lake.zone
    day = local_day(bank.clock.now(), zone)
    say("day")
    _do_duties(place)
    responses = list(_answers(bank, day, day, kept=False))
    _move(bank, local_moment(day, *_CLOSES, zone))
    tasks = work_off(bank, deeds_of(responses), day - _LATELY, day) if is_working_day(day) else 0
    _do_duties(place)
    say("night")
    following = day + timedelta(days=1)
    _move(bank, local_moment(following, *_NIGHT, zone))
    since = date.fromisoformat(newest_day(bank.folder).name) + timedelta(days=1)
    told = list(_answers(bank, since, day, kept=True))
    World.load(bank.folder).advance(bank.folder, told, day)
    report = place.take_in(bank, None)
    say("morning")
    _move(bank, local_moment(following, *_OPENS, zone))
    read = tuple(_read_closed(bank, following))
    _do_duties(place)
    return LivedDay(day, bank.clock.now(), tasks, sum(one.successes for one in told), len(report.versions), read)


def check_simulated(bank: Bank) -> None:
    """Raise ``DeniedError`` for a bank that is not simulated."""
    if not is_demo(bank.folder):
        raise DeniedError(
            "demo.not_simulated",
            Text(
                "只有模拟行的时钟可以拨快；真实的银行一天一天地过",
                "only a simulated bank's clock is moved on; a real bank lives its days one by one",
            ),
        )


def _move(bank: Bank, moment: datetime) -> None:
    """Let it be a moment in the bank, unless it is later there already."""
    if bank.clock.now() < moment:
        set_clock(bank.folder, moment)


def _do_duties(place: Workplace) -> None:
    for duty in DUTIES:
        do_duty(place, duty, _WORKER)


def _answers(bank: Bank, first: date, last: date, *, kept: bool) -> Iterator[Response]:
    """Yield what people did on the days from ``first`` to ``last``, a day and campaign each."""
    for plan in _rounds(bank):
        world = World.load(bank.folder, before=plan.window_start)
        for ahead in range((last - first).days + 1):
            day = first + timedelta(days=ahead)
            if plan.window_start <= day <= plan.window_end:
                for name in sorted({*plan.campaigns} & {*world.campaigns}):
                    yield answer_day(
                        bank, world, name, _number(plan), plan.window_start, plan.window_end, day, kept=kept
                    )


def _read_closed(bank: Bank, today: date) -> Iterator[str]:
    """Read the campaigns of the rounds whose windows are over and that nobody has read, and yield their names."""
    with bank.store.begin(system()) as connection:
        known = {(one.campaign, one.round) for one in read_results(connection)}
    for plan in _rounds(bank):
        for name in plan.campaigns:
            if plan.window_end < today and (name, _number(plan)) not in known:
                loop.evaluate(bank, system(), name, [_number(plan)])
                yield name


def _rounds(bank: Bank) -> list[Plan]:
    with bank.store.begin(system()) as connection:
        return [plan for plan in read_plans(connection) if "round" in plan.summary]


def _number(plan: Plan) -> int:
    return int(plan.summary["round"])
