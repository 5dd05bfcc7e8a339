"""What models need without being asked: a challenger when a round's labels are due, a watch over every champion.

Neither decides anything: a challenger that the comparison supports is submitted for another person's approval, and drift
asks for a retraining. Both go by what is known: where the bank's files do not reach far enough, they wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from bankloop.kit import BankloopError
from bankloop.loop import optimize
from bankloop.loop.bank import Bank
from bankloop.loop.learning import learn_from, watch_model
from bankloop.loop.spec import read_lock
from bankloop.organization import system
from bankloop.store import CampaignRow, Principal, champion, list_campaigns, read_plans, read_steps
from bankloop.store import read_lock as stored_lock

_TABLE = "customer"


@dataclass(frozen=True, slots=True)
class Learned:
    """What became of a round whose labels are due: the challenger's version and whether it was proposed, or why none was."""

    round: int
    version: int = 0
    proposed: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a champion was found to be: how many things were watched, which of them passed their limit, or why none could."""

    watched: int = 0
    alarms: tuple[str, ...] = ()
    refused: str = ""


def learn_when_due(bank: Bank, today: date) -> Mapping[str, Learned]:
    """Train a challenger for each campaign's newest round whose labels are due and that none has learned from."""
    who, found = system("learning"), dict[str, Learned]()
    for name, round_ in _due(bank, who, today).items():
        try:
            made = learn_from(bank, who, name, round_, today, "")
            found[name] = Learned(round_, made.version, made.comparison.supported)
        except BankloopError as error:
            found[name] = Learned(round_, refused=error.code)
    return found


def watch_champions(bank: Bank, today: date) -> Mapping[str, Watched]:
    """Watch every campaign's champion on the day after the newest files; without new files nothing can have changed."""
    if _known_until(bank) < today - timedelta(days=1):
        return {}
    who, found = system("learning"), dict[str, Watched]()
    with bank.store.begin(who) as connection:
        names = [one.name for one in _run(connection) if champion(connection, one.name) is not None]
    for name in names:
        try:
            seen: tuple[optimize.Drift, ...] = watch_model(bank, who, name, today)
            found[name] = Watched(len(seen), tuple(one.kind for one in seen if one.alarm))
        except BankloopError as error:
            found[name] = Watched(refused=error.code)
    return found


def _due(bank: Bank, who: Principal, today: date) -> dict[str, int]:
    """Return by campaign the newest round whose last window has closed, by the clock and by the files, where none learned it."""
    known, found = min(_known_until(bank), today - timedelta(days=1)), dict[str, int]()
    with bank.store.begin(who) as connection:
        plans = [plan for plan in read_plans(connection) if "round" in plan.summary]
        for row in _run(connection):
            within = read_lock(stored_lock(connection, row.lock_digest or "")).campaign.goal.within
            last: dict[int, date] = {}
            for plan in plans:
                if row.name in plan.campaigns:
                    number = int(plan.summary["round"])
                    last[number] = max(last.get(number, date.min), plan.window_start + timedelta(days=within - 1))
            closed = [number for number, day in last.items() if day <= known]
            if closed and not _learned(connection, row.name, max(closed)):
                found[row.name] = max(closed)
    return found


def _learned(connection: Connection, name: str, round_: int) -> bool:
    step = read_steps(connection, name, round_).get("optimize")
    return step is not None and "version" in step.detail


def _run(connection: Connection) -> list[CampaignRow]:
    return [row for row in list_campaigns(connection) if row.lock_digest is not None]


def _known_until(bank: Bank) -> date:
    """Return the day up to which the bank's files say what happened."""
    return max((version.as_of for version in bank.lake.manifest.versions(_TABLE)), default=date.min)
