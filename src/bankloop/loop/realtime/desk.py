"""What real time needs of the plans in force, compiled once and renewed when anything behind it changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from bankloop.contact.contracts import Cap
from bankloop.customer.persons import KEY, LEAD
from bankloop.kit.expression import parse, to_function
from bankloop.loop import audience, reach
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.branch_rule import Narrowed, narrowed
from bankloop.loop.campaign.locks_in_force import locked_model, model_versions
from bankloop.loop.offering.shelf import shelf_of
from bankloop.loop.product import ShelfInForce
from bankloop.loop.spec import Lock, Policies, read_lock, read_spelled_out
from bankloop.organization.principals import system
from bankloop.store.contracts import Plan
from bankloop.store.registry import list_campaigns, read_plans
from bankloop.store.registry import read_lock as stored_lock

Row = Mapping[str, Any]
_Condition = Callable[[Row], Any]
# A pause, a stop or a change of the shelf holds from the next look on, which is at most this many seconds away.
FRESH_SECONDS = 1.0
_RUNNING = ("approved", "scheduled", "running")


@dataclass(frozen=True)
class OpenWindow:
    """One plan's window that is open today: its prices, and its campaigns that still run, ready for one customer.

    ``control`` is each campaign's share in ppm; ``versions`` the models by campaign.
    """

    plan: Plan
    tariff: reach.Tariff
    locks: Mapping[str, Lock]
    valuers: Mapping[str, reach.Valuer]
    versions: Mapping[str, Mapping[str, int]]
    control: Mapping[str, int]

    @property
    def round(self) -> int:
        """Return the round that the window is of."""
        return int(self.plan.summary["round"])

    @property
    def policies(self) -> Policies:
        """Return the policies under which it was planned."""
        return next(iter(self.locks.values())).policies


@dataclass(frozen=True)
class Counter:
    """All windows open today over one state, with the conditions that hold for everybody."""

    key: object
    windows: tuple[OpenWindow, ...]
    table: pa.Table
    digest: str
    as_of: date
    numbers: NDArray[np.str_]
    order: NDArray[np.int64]
    exclusions: audience.StandardExclusions
    exempt: _Condition | None
    segments: Mapping[str, _Condition]
    narrowed: Narrowed
    rules: Mapping[object, _Condition]
    leads: Mapping[str, str]
    numbered: Mapping[str, tuple[str, ...]]

    @property
    def today(self) -> date:
        """Return the day on which it holds."""
        return self.as_of + timedelta(days=1)

    @property
    def starts(self) -> list[date]:
        """Return the days on which the open windows began."""
        return sorted({one.plan.window_start for one in self.windows})

    def lead_of(self, number: str) -> str:
        """Return the number by which the state knows whoever has this one."""
        return self.leads.get(number, number)

    def numbers_of(self, number: str) -> tuple[str, ...]:
        """Return all numbers of the person who has this one."""
        return self.numbered.get(self.lead_of(number), (number,))

    def row(self, number: str) -> Row | None:
        """Return a customer's attributes as of yesterday with ``today``, None for who is not there."""
        at = int(np.searchsorted(self.numbers, number, sorter=self.order))
        if at >= len(self.order) or self.numbers[self.order[at]] != number:
            return None
        return {**self.table.slice(int(self.order[at]), 1).to_pylist()[0], "today": self.as_of}

    def outside(self, campaign: str, row: Row) -> bool:
        """Return whether the customer's branch leaves them out of a campaign; what cannot be known leaves out."""
        mine = (one for one in self.narrowed.rules if one.condition and one.campaign in ("", campaign))
        return any(self._is_of(one.unit_id, row) and self.rules[one.narrowing_id](row) is not True for one in mine)

    def withheld(self, campaign: str, row: Row) -> frozenset[str]:
        """Return the benefits that the customer's branch does not offer in a campaign."""
        mine = (one for one in self.narrowed.rules if one.campaign in ("", campaign))
        return frozenset(key for one in mine if self._is_of(one.unit_id, row) for key in one.withheld)

    def caps(self) -> Sequence[Cap]:
        """Return the branches' own caps."""
        return self.narrowed.caps()

    def _is_of(self, unit_id: str, row: Row) -> bool:
        units = self.narrowed.units[unit_id]
        return row.get("branch_id") in units or row.get("sub_branch_id") in units


@dataclass
class DecisionDesk:
    """Keeps a bank's open windows ready; one for a process, shared by all who ask."""

    bank: Bank
    fresh_seconds: float = FRESH_SECONDS
    _kept: Counter | None = field(default=None, repr=False)
    _looked: float = field(default=-1e9, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def counter(self) -> Counter:
        """Return what is open now."""
        with self._guard:
            if self._kept is None or time.monotonic() - self._looked >= self.fresh_seconds:
                self._kept = self._renewed(self._kept)
                self._looked = time.monotonic()
            return self._kept

    def _renewed(self, known: Counter | None) -> Counter:
        bank, who = self.bank, system("realtime")
        today = bank.lake.today()
        with bank.store.begin(who) as connection:
            plans = [one for one in read_plans(connection) if one.window_start <= today <= one.window_end]
            plans = [one for one in plans if "tariff" in one.summary]
            running = frozenset(row.name for row in list_campaigns(connection) if row.state in _RUNNING)
            shelf, rules = shelf_of(connection), narrowed(connection)
            versions = tuple(sorted(bank.versions_of(today - timedelta(days=1)).items()))
            leads = bank.leads()
            people = tuple((one[KEY], one[LEAD]) for one in leads.to_pylist())
            key = (today, tuple(one.plan_id for one in plans), running, shelf.digest, rules.ids, versions, people)
            if known is not None and known.key == key:
                return known
            locks = {one.plan_id: _locks(connection, one, shelf, running) for one in plans}
        windows = [self._window(one, locks[one.plan_id]) for one in plans if locks[one.plan_id]]
        return self._counter(key, tuple(windows), rules, today - timedelta(days=1), dict(people))

    def _window(self, plan: Plan, locks: Mapping[str, Lock]) -> OpenWindow:
        who = system("realtime")
        tariff = reach.tariff_from(plan.summary["tariff"], str(plan.plan_id), plan.window_start, plan.window_end)
        valuers = {name: reach.Valuer.of(lock, locked_model(self.bank, who, lock)) for name, lock in locks.items()}
        versions = {name: model_versions(self.bank, who, lock) for name, lock in locks.items()}
        control = {name: round(share * 1_000_000) for name, share in plan.summary["control_share"].items()}
        return OpenWindow(plan, tariff, locks, valuers, versions, control)

    def _counter(
        self, key: object, windows: tuple[OpenWindow, ...], rules: Narrowed, as_of: date, leads: Mapping[str, str]
    ) -> Counter:
        state = self.bank.state(as_of)
        numbers = np.array(state.table["customer_no"].to_pylist(), dtype=np.str_)
        types = dict(self.bank.catalogue.types)
        for window in windows:
            for lock in window.locks.values():
                types |= lock.types

        def compiled(text: str) -> _Condition:
            return to_function(parse(text, types))

        policies = windows[0].policies if windows else self.bank.spec.policies
        exempt = policies.experiment.exempt
        return Counter(
            key=key,
            windows=windows,
            table=state.table,
            digest=state.digest,
            as_of=as_of,
            numbers=numbers,
            order=np.argsort(numbers, kind="stable"),
            exclusions=audience.StandardExclusions.of(types),
            exempt=None if exempt is None else to_function(read_spelled_out(exempt, types)),
            segments={name: compiled(one.where) for name, one in policies.segments.items()},
            narrowed=rules,
            rules={one.narrowing_id: compiled(one.condition) for one in rules.rules if one.condition},
            leads=leads,
            numbered=_by_lead(leads),
        )


def _by_lead(leads: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for number, lead in leads.items():
        found.setdefault(lead, {lead}).add(number)
    return {lead: tuple(sorted(numbers)) for lead, numbers in found.items()}


def _locks(connection: Connection, plan: Plan, shelf: ShelfInForce, running: frozenset[str]) -> dict[str, Lock]:
    """Return the locks of a plan's campaigns that still run, as they were planned, with the shelf as it is."""
    named: Mapping[str, str] = plan.summary["locks"]
    return {
        name: shelf.on(read_lock(stored_lock(connection, digest))) for name, digest in named.items() if name in running
    }
