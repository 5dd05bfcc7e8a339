"""What the console reads: the bank, opened once, and what is kept of it in this process. It changes nothing."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection

from bankloop.customer.segment import segments_named
from bankloop.kit.text import Text
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import Outcomes, Programme, Reading
from bankloop.loop.membership.customer_watch import Everybody
from bankloop.loop.membership.members import CustomersNow, Look, look_at
from bankloop.loop.membership.probing import NEAR_A_DAY, Probes, too_near
from bankloop.loop.realtime import DecisionDesk
from bankloop.loop.round.labels import round_outcomes, round_population
from bankloop.loop.round.reading import newest_readings
from bankloop.loop.spec import Lock, read_lock
from bankloop.organization.people import UnitPlaces, numbers_kept, places_of
from bankloop.organization.principals import system
from bankloop.performance.programme import read_programme
from bankloop.report.keeping import kept_plans, load_window_view
from bankloop.report.pooled import pooled_reading, programme_reading
from bankloop.report.record import PlanRecord
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, Plan, Principal
from bankloop.store.registry import list_campaigns, read_plans
from bankloop.store.registry import read_lock as stored_lock
from bankloop.view.format import masked_number
from bankloop.web.shell import errors

# A plan's arrays and a round's decisions are tens of megabytes at a million customers: a few of each are kept.
KEPT = 4

T = TypeVar("T")


class RecentValues:
    """The last few values by key; made once however many ask."""

    def __init__(self, size: int = KEPT) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of ``key``, made by ``make`` where it is not kept."""
        with self._guard:
            if key not in self._values:
                self._values[key] = make()
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return cast(T, self._values[key])


@dataclass(frozen=True)
class Console:
    """One open bank as the console reads it for everybody: figures of the whole bank, each page asking for its right.

    Rows about customers are read under the visitor's own principal, or narrowed to those that it sees.
    """

    bank: Bank
    principal: Principal = field(default_factory=lambda: system("console", "console"))
    plans: RecentValues = field(default_factory=RecentValues)
    rounds: RecentValues = field(default_factory=RecentValues)
    readings: RecentValues = field(default_factory=lambda: RecentValues(64))
    locks: RecentValues = field(default_factory=lambda: RecentValues(64))
    locked: RecentValues = field(default_factory=lambda: RecentValues(64))
    programmes: RecentValues = field(default_factory=lambda: RecentValues(1))
    scores: RecentValues = field(default_factory=lambda: RecentValues(64))
    looks: RecentValues = field(default_factory=lambda: RecentValues(64))
    probes: Probes = field(default_factory=Probes)

    @cached_property
    def desk(self) -> DecisionDesk:
        """Return what decides in real time, shared by all who ask this process."""
        return DecisionDesk(self.bank)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open one transaction in the principal's name."""
        with self.bank.store.begin(self.principal) as connection:
            yield connection

    def seen_by(self, principal: Principal) -> pa.Array | None:
        """Return the customers that somebody sees; None for the whole bank."""
        if EVERY_UNIT in principal.units and not principal.book:
            return None
        with self.bank.store.begin(principal) as connection:
            return numbers_kept(connection, principal.book, principal.units)

    def places_of(self, principal: Principal) -> UnitPlaces:
        """Return the units and staff whose figures somebody may read one by one."""
        with self.bank.store.begin(principal) as connection:
            return places_of(connection, principal)

    def people_now(self) -> CustomersNow:
        """Return every customer as they are and allow now; what a load, a word or a merge changed is read again."""
        with self.reading() as connection:
            return self.everybody.now(connection)

    def look(self, principal: Principal, expression: str, *, sample: bool = False) -> Look:
        """Return what an audience comes to among the customers of ``principal``; what asks around somebody is written down.

        Raises as ``look_at``, and ``DeniedError`` for one question too many about nearly the same customers.
        """

        def heed(hit: NDArray[np.bool_]) -> None:
            near = self.probes.heed(principal.id, self.today, hit)
            if near:
                after = {"expression": expression, "near": near}
                with self.bank.store.begin(principal) as connection:
                    record_audit(connection, "segment.probe", "segment", "look", None, after, class_="access")
            if near > NEAR_A_DAY:
                raise too_near(near)

        with self.bank.store.begin(principal) as connection:
            named = segments_named(connection, expression)
        return look_at(self.people_now(), expression, self.seen_by(principal), named=named, sample=sample, heed=heed)

    @cached_property
    def everybody(self) -> Everybody:
        """Return the customers whom this console follows."""
        return Everybody(self.bank)

    @property
    def folder(self) -> Path:
        """Return the bank's folder."""
        return self.bank.folder

    @property
    def today(self) -> date:
        """Return the bank's day."""
        return self.bank.lake.today()

    @property
    def title(self) -> Text:
        """Return the bank's name as its file says it."""
        return self.locks.get("title", lambda: self.bank.title)

    def titles(self) -> dict[str, Text]:
        """Return the campaigns' titles by name: those in the files, and those that ran before."""
        found = {name: campaign.title.text for name, campaign in self.bank.spec.campaigns.items()}
        with self.reading() as connection:
            rows = list_campaigns(connection)
        for row in rows:
            if row.name not in found and row.lock_digest:
                found[row.name] = self.lock(row.lock_digest).campaign.title.text
        return found

    def titles_of(self, names: Collection[str]) -> dict[str, Text]:
        """Return the titles of these campaigns; the database is asked only where a file does not name one."""
        files = self.bank.spec.campaigns
        if all(name in files for name in names):
            return {name: files[name].title.text for name in names}
        return self.titles()

    def lock(self, digest: str) -> Lock:
        """Return a lock by its digest."""

        def make() -> Lock:
            with self.reading() as connection:
                return read_lock(stored_lock(connection, digest))

        return self.locks.get(digest, make)

    def stored_plans(self) -> list[Plan]:
        """Return all plans, the newest first."""
        with self.reading() as connection:
            return read_plans(connection)

    def record(self, plan_id: str) -> PlanRecord | None:
        """Return a plan's kept detail; None where none was kept."""
        if plan_id not in kept_plans(self.folder):
            return None
        return self.plans.get(plan_id, lambda: load_window_view(self.folder, plan_id))

    def latest_readings(self) -> list[Reading]:
        """Return each campaign's readings by round, the last day's of each."""
        return newest_readings(self.bank, self.principal)

    def pooled(self, readings: Sequence[Reading]) -> Reading:
        """Return one campaign's rounds read together; read again when a round's own reading has changed."""
        name, rounds = readings[0].campaign, [one.rounds[0] for one in readings]
        key = (name, *((one.rounds, one.treated, one.lift) for one in readings))

        def make() -> Reading:
            return loop.evaluate(self.bank, self.principal, name, rounds, keep=False)

        return self.readings.get(key, lambda: pooled_reading(self.folder, readings, make))

    def programme(self) -> Programme | None:
        """Return the programme against the holdout, read again when another window ran or a day passed; None before."""
        plans = self.stored_plans()
        if not plans:
            return None
        key = ("programme", self.today, tuple(str(plan.plan_id) for plan in plans))

        def make() -> Programme:
            return read_programme(self.bank, self.principal)

        readings = self.latest_readings()
        return self.programmes.get(key, lambda: programme_reading(self.folder, readings, plans, self.today, make))

    def locks_run(self) -> list[Lock]:
        """Return the present locks of the campaigns that have one."""
        with self.reading() as connection:
            digests = [row.lock_digest for row in list_campaigns(connection) if row.lock_digest]
        return [self.lock(digest) for digest in digests]

    def outcomes(self, campaign: str, round_: int) -> tuple[pa.Table, Outcomes]:
        """Return a round's decisions, those of the experiment, and what became of each; read again every day."""

        def make() -> tuple[pa.Table, Outcomes]:
            with self.reading() as connection:
                _, found = round_outcomes(self.bank, connection, campaign, round_)
                _, decided, _ = round_population(connection, campaign, round_, self.bank.leads())
            return decided, found

        return self.rounds.get((campaign, round_, self.today), make)

    def truth(self) -> dict[str, Any]:
        """Return what a demo left of its simulator's truth; empty for a real bank."""
        place = self.folder / "data" / "reports" / "truth.json"
        if not place.exists():
            return {}
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return found

    def due_on(self, plan: Plan, campaign: str) -> date | None:
        """Return the day on which a round's labels are due; None where its lock is unknown."""
        with self.reading() as connection:
            row = next((one for one in list_campaigns(connection) if one.name == campaign), None)
        if row is None or row.lock_digest is None:
            return None
        return plan.window_start + timedelta(days=self.lock(row.lock_digest).campaign.goal.within)


def narrowed(rows: pa.Table, seen: pa.Array | None) -> pa.Table:
    """Return the rows of the customers in ``seen``; all of them where it is None."""
    return rows if seen is None else rows.filter(pc.is_in(rows["customer_no"], seen))


masked = masked_number


def known(choices: dict[str, T], name: str, value: str) -> T:
    """Return a choice by its key; raise ``NotFoundError`` with those there are."""
    if value not in choices:
        raise errors.no_choice(name, value, ", ".join(choices))
    return choices[value]
