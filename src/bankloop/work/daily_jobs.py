"""What a bank does every day by itself, once it serves: each part on its own, so that one that cannot be done stops no other.

Credit is recorded and models are minded every day. Care asks people to call, so it is done on working days, and as far as
``care.yaml`` says under ``daily``. Every part is safe to do again: what it has made already it does not make twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bankloop.benefit.points import Night, read_points, work_night
from bankloop.care.initiative import care_for_maturities, explain_falls, keep_in_touch
from bankloop.care.maturity import DRAWDOWN, MATURITY, REMOTE, read_care
from bankloop.customer.relation import EDGES, Derived, derive_relations
from bankloop.journey.trigger import ask_day
from bankloop.kit.errors import BankloopError
from bankloop.kit.worktime import is_working_day
from bankloop.loop.bank import Bank
from bankloop.loop.learning.model_watch import learn_when_due, watch_champions
from bankloop.loop.offering.assortment import Trigger, review_products
from bankloop.organization.principals import system
from bankloop.performance.sales import credit_sales

CREDIT, LEARN, DRIFT, RELATIONS, REVIEWS = "credit", "learn", "drift", "relations", "reviews"
POINTS, TRIGGERS = "points", "triggers"
Part = Callable[[Bank, date], Any]
_ALWAYS = (RELATIONS, CREDIT, POINTS, TRIGGERS, REVIEWS, LEARN, DRIFT)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one part of the day's work: what it did, or why it could not be done."""

    part: str
    result: Any = None
    refused: BankloopError | None = None


def _whole(act: Callable[[Bank, Connection, date], Any]) -> Part:
    """Return a part of the day's work that is one transaction in the program's own name."""

    def part(bank: Bank, today: date) -> Any:
        with bank.store.begin(system("daily")) as connection:
            return act(bank, connection, today)

    return part


def _relations(bank: Bank, today: date) -> Derived | None:
    """Derive relations and whom a default reaches once a day; None where it is done, or nobody is loaded yet."""
    kept, loaded = (bank.lake.manifest.current(table) for table in (EDGES, "customer"))
    if loaded is None or (kept is not None and kept.as_of >= today):
        return None
    return derive_relations(bank.store, system("daily"), bank.lake)


def _reviews(bank: Bank, _: date) -> tuple[Trigger, ...]:
    """Open a review of every product with a figure beyond its limit; one that waits already is not opened again."""
    if any(bank.lake.manifest.current(table) is None for table in ("customer", "holding")):
        return ()
    return review_products(bank, system("daily"))


def _points(bank: Bank, today: date) -> Night:
    """Do the night's work on points, as the bank's file says."""
    return work_night(bank.store, system("daily"), bank.lake, read_points(bank.folder), today)


# Whom a default reaches is known before anybody is asked to call. Whose deposit matures is called before the remote
# centre writes to anybody: one contact, the better one.
PARTS: Mapping[str, Part] = {
    RELATIONS: _relations,
    CREDIT: _whole(credit_sales),
    POINTS: _points,
    TRIGGERS: ask_day,
    MATURITY: _whole(care_for_maturities),
    DRAWDOWN: _whole(explain_falls),
    REMOTE: _whole(keep_in_touch),
    REVIEWS: _reviews,
    LEARN: learn_when_due,
    DRIFT: watch_champions,
}


def work_day(bank: Bank, today: date) -> tuple[Done, ...]:
    """Do the day's work in the program's own name, each part by itself, and say what became of each.

    Raises ``SpecError`` for a ``care.yaml`` that cannot be read.
    """
    wanted = {*_ALWAYS, *(read_care(bank.folder).daily if is_working_day(today) else ())}
    return tuple(_done(bank, name, part, today) for name, part in PARTS.items() if name in wanted)


def _done(bank: Bank, name: str, part: Part, today: date) -> Done:
    try:
        return Done(name, part(bank, today))
    except BankloopError as error:
        return Done(name, refused=error)
