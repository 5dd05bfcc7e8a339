"""Journeys of new customers: a funnel a journey, what each step loses and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from pydantic import Field, model_validator

from bankloop.kit.clock import local_moment
from bankloop.kit.text import Text
from bankloop.kit.wording import Unfit
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import share_apart
from bankloop.loop.spec import Label, Spec, read_spec
from bankloop.performance.cohorts import lake_of

# A journey is read of who opened within this many days and has had all the days that it gives.
OPENED_DAYS = 365
_OPENED = Text("开户", "Account opened")
_FUNNEL = """
WITH newcomer AS (SELECT customer_no, opened_on FROM customer WHERE opened_on BETWEEN $first AND $day {seen}),
happened AS (
    SELECT e.customer_no, e.type AS what, min((e.occurred_at AT TIME ZONE $zone)::DATE) AS on_day
    FROM event e JOIN newcomer n USING (customer_no)
    WHERE list_contains($types, e.type) AND e.occurred_at >= $start AND e.occurred_at < $stop AND e.recorded_at < $stop
        AND (e.occurred_at AT TIME ZONE $zone)::DATE >= n.opened_on
    GROUP BY 1, 2
    UNION ALL
    SELECT h.customer_no, '=' || h.product_class, min(h.opened_on) FROM holding h JOIN newcomer n USING (customer_no)
    WHERE list_contains($products, h.product_class) AND h.opened_on BETWEEN n.opened_on AND $day GROUP BY 1, 2),
reached AS (
    SELECT s.journey, s.step, n.customer_no, min(h.on_day - n.opened_on) AS days
    FROM step s JOIN newcomer n ON n.opened_on BETWEEN $day - s.within - $opened AND $day - s.within
    JOIN happened h ON h.customer_no = n.customer_no AND h.what = s.what
    WHERE h.on_day - n.opened_on <= s.within GROUP BY ALL),
gone AS (SELECT * FROM reached QUALIFY row_number() OVER (PARTITION BY journey, customer_no ORDER BY step) = step)
SELECT journey, 0, count(*), NULL FROM newcomer n JOIN (SELECT DISTINCT journey, within FROM step) s
    ON n.opened_on BETWEEN $day - s.within - $opened AND $day - s.within GROUP BY ALL
UNION ALL SELECT journey, step, count(*), median(days) FROM gone GROUP BY ALL ORDER BY 1, 2
"""


class JourneyStep(Spec):
    """What a customer does next: one of ``events``, or holds one of ``products`` (classes)."""

    title: Label
    events: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_something(self) -> JourneyStep:
        if not self.events and not self.products:
            raise Unfit("旅程的一步要写 events 或 products", "a step of a journey names `events` or `products`")
        return self


class Journey(Spec):
    """A journey from the opening of an account on; all its steps within so many days of it."""

    key: str
    title: Label
    within: int = Field(ge=1, le=3650)
    steps: tuple[JourneyStep, ...] = Field(min_length=1)


class JourneyFile(Spec):
    """``journeys.yaml``."""

    journeys: tuple[Journey, ...]


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """One stage of a funnel: who got there having passed all before it; ``days`` is the median from the opening."""

    title: Text
    customers: int
    days: float | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """A journey as it went: the opening and each step."""

    journey: Journey
    stages: tuple[FunnelStage, ...]

    @property
    def customers(self) -> int:
        """Return how many set out."""
        return self.stages[0].customers

    @property
    def worst(self) -> tuple[FunnelStage, float] | None:
        """Return the step that loses the largest share of who got to the one before, and that share.

        None where chance alone could have put the next worst step first.
        """
        pairs = [(before.customers, after) for before, after in pairwise(self.stages) if before.customers]
        ranked = sorted(pairs, key=lambda one: one[1].customers / one[0])
        if not ranked:
            return None
        before, after = ranked[0]
        if len(ranked) > 1:
            next_before, next_after = ranked[1]
            if not share_apart((before, next_before), (after.customers, next_after.customers)):
                return None
        return after, 1 - after.customers / before


def read_journeys(folder: Path) -> dict[str, Journey]:
    """Return the journeys by key: the built-in ones, and those of the bank's own journeys.yaml."""
    built_in = Path(str(resources.files("bankloop.performance") / "journeys.yaml"))
    found = {one.key: one for one in read_spec(built_in, JourneyFile).journeys}
    own = folder / "journeys.yaml"
    return {**found, **{one.key: one for one in read_spec(own, JourneyFile).journeys}} if own.exists() else found


def funnels(bank: Bank, as_of: date, seen: pa.Array | None = None) -> list[Funnel]:
    """Return every journey's funnel as it was known at the end of a day, of everybody or of the reader's customers.

    A step counts for who passed all before it, in whatever order, within the journey's days; those who have not had all
    of these days yet are left out, so that every customer had the same time.
    """
    journeys = list(read_journeys(bank.folder).values())
    steps = _steps(journeys)
    what = set(steps["what"].to_pylist())
    first = as_of - timedelta(days=OPENED_DAYS + max(one.within for one in journeys))
    values = {
        "zone": bank.lake.zone,
        "first": first,
        "day": as_of,
        "opened": OPENED_DAYS,
        "start": local_moment(first, 0, 0, bank.lake.zone),
        "stop": local_moment(as_of + timedelta(days=1), 0, 0, bank.lake.zone),
        "types": [one for one in what if not one.startswith("=")],
        "products": [one[1:] for one in what if one.startswith("=")],
    }
    with lake_of(bank, as_of, seen) as (engine, narrowed):
        engine.register("step", steps)
        rows = engine.execute(_FUNNEL.format(seen=narrowed), values).fetchall()
    found = {(journey, step): (customers, days) for journey, step, customers, days in rows}
    return [Funnel(one, tuple(_stages(one, found))) for one in journeys]


def _stages(journey: Journey, found: Mapping[tuple[str, int], tuple[int, float | None]]) -> Iterator[FunnelStage]:
    for step, title in enumerate([_OPENED, *(step.title.text for step in journey.steps)]):
        yield FunnelStage(title, *found.get((journey.key, step), (0, None)))


def _steps(journeys: Sequence[Journey]) -> pa.Table:
    """Return (journey, step, within, what) of every event and product (after '=') that makes a step."""
    rows = [
        (journey.key, number, journey.within, what)
        for journey in journeys
        for number, step in enumerate(journey.steps, 1)
        for what in (*step.events, *(f"={one}" for one in step.products))
    ]
    kinds = {"journey": pa.string(), "step": pa.int32(), "within": pa.int32(), "what": pa.string()}
    return pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(kinds.items())})
