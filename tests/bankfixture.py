"""A small bank that lived through one round: simulated, loaded, approved, planned, run, answered and read. Built once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bankloop.contact.queries import accepted_contacts
from bankloop.customer.consent import take_consents
from bankloop.kit.clock import Clock, FixedClock, local_day
from bankloop.lake.contracts import LoadReport
from bankloop.lake.load import load_bank
from bankloop.lake.service import open_lake
from bankloop.loop import evaluate as evaluation
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.evaluate import Estimate, Reading, RoundMoney
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.loop.model import ModelCard
from bankloop.loop.optimize import Challenger
from bankloop.loop.round.window import Window
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.performance.programme import read_programme
from bankloop.report.html import write_report
from bankloop.report.keeping import save_window
from bankloop.simulate.contracts import SimulatedBank
from bankloop.simulate.service import write_bank
from bankloop.simulate.world import World
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.history import append_events, read_decisions

CUSTOMERS = 6_000
ROUND = 1
DATABASE = "console"
TEMPLATE = "template_bank"


@dataclass(frozen=True)
class Told:
    """One campaign's round."""

    campaign: str
    reading: Reading
    true_lift: float


@dataclass(frozen=True)
class Ways:
    """Five ways to give the same calls out."""

    calls: int = 40
    random: float = -10_000.0
    balance_first: float = 250_000.0
    churn_first: float = 310_000.0
    plan: float = 520_000.0
    oracle: float = 900_000.0


@dataclass
class Lived:
    """What a demo tells, of the small bank."""

    bank: SimulatedBank
    load: LoadReport
    cards: dict[str, ModelCard]
    windows: list[Window]
    rounds: list[list[Told]]
    pooled: dict[str, Reading]
    placebo: Reading | None
    programme: evaluation.Programme | None = None
    challengers: dict[str, Challenger] = field(default_factory=dict)
    policies: Ways | None = field(default_factory=Ways)
    rerun_sends: int = 0
    caps_broken: int = 0
    audit_ok: bool = True


def set_clock(bank: Bank, day: date) -> None:
    """Let it be nine in the morning of a day for everything that the open bank does."""
    clock = FixedClock(datetime(day.year, day.month, day.day, 1, tzinfo=UTC))
    bank.store.clock = bank.lake.clock = clock
    object.__setattr__(bank, "clock", clock)


@dataclass(frozen=True)
class SmallBank:
    """The open bank with its story; the report is written and the plan's page kept."""

    open: Bank
    story: Lived
    report: Path

    @property
    def window(self) -> Window:
        """The one window."""
        return self.story.windows[0]


def open_small_bank(
    folder: Path, server: EmbeddedServer, template: str, clock: Clock, database: str = DATABASE
) -> SmallBank:
    """Build the bank in ``folder`` on a database of its own; whoever calls closes its store."""
    create_database(server, database, template)
    store = attach_store(folder, clock, server, database)
    day = local_day(clock.now(), "Asia/Shanghai")
    simulated = write_bank(folder, CUSTOMERS, 7, today=day)
    # Its people's tasks are the tests' own: nothing makes any by itself when a console starts.
    care = (resources.files("bankloop.care.maturity") / "care.yaml").read_text(encoding="utf-8")
    (folder / "care.yaml").write_text(f"{care.partition('daily:')[0]}daily: []\n", encoding="utf-8")
    programme = folder / "programmes" / "retail-growth.yaml"
    programme.write_text(programme.read_text(encoding="utf-8").replace("2026-08-24", day.isoformat()), encoding="utf-8")
    bank = Bank(folder, store, open_lake(folder, store, system("lake")), clock)
    loaded = load_bank(folder, bank.lake)
    take_consents(store, bank.lake)
    cards = {}
    for name in bank.spec.campaigns:
        cards[name] = draft_model(bank, maker(), name, day - timedelta(days=1))
        promote(bank, checker(), name)
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)
    window = loop.plan(bank, system(), ROUND, day)
    loop.run(bank, system(), ROUND, day, prepared=window)
    world = World.load(folder)
    told = [_told(store, bank, world, name, day) for name in bank.spec.campaigns]
    pooled = {one.campaign: twice(one.reading) for one in told}
    story = Lived(
        simulated,
        loaded,
        cards,
        [window],
        [told],
        pooled,
        placebo(told[0].reading),
        read_programme(bank, system()),
    )
    read_later(folder, server, database, clock, bank)
    save_window(window, folder)
    return SmallBank(bank, story, write_report(story, folder / "data" / "reports" / "demo.html"))


def read_later(folder: Path, server: EmbeddedServer, database: str, clock: Clock, bank: Bank) -> None:
    """Keep the readings of the round as they are once its window has closed."""
    later = FixedClock(clock.now() + timedelta(days=31))
    with attach_store(folder, later, server, database) as store:
        then = Bank(folder, store, open_lake(folder, store, system("lake")), later)
        for name in bank.spec.campaigns:
            loop.evaluate(then, system(), name, [ROUND])


_open: list[SmallBank] = []
_holders: list[object] = []


@contextmanager
def shared(server: EmbeddedServer, clock: Clock, places: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """Give the one small bank of this worker; the last who holds it closes its store."""
    if not _open:
        _open.append(open_small_bank(places.mktemp("small-bank"), server, TEMPLATE, clock))
    holder = object()
    _holders.append(holder)
    yield _open[0]
    _holders.remove(holder)
    if not _holders:
        _open.pop().open.store.close()


def _told(store: Store, bank: Bank, world: World, name: str, day: date) -> Told:
    with store.begin(system()) as connection:
        decided = read_decisions(connection, [name], ROUND)
        went = pc.is_in(decided["decision_id"], accepted_contacts(connection, name))
        issued = pc.if_else(went, pc.fill_null(decided["issued_action"], ""), "")
        events = world.respond(name, ROUND, day, decided["customer_no"], issued).events
        place = pc.index_in(events["customer_no"], decided["customer_no"].combine_chunks())
        local = events["occurred_at"].cast(pa.timestamp("us", "Asia/Shanghai")).cast(pa.date32())
        units = decided["unit_id"].take(place)
        append_events(connection, events.append_column("unit_id", units).append_column("occurred_on", local))
    reading = loop.evaluate(bank, system(), name, [ROUND])
    return Told(name, reading, world.true_lift(name, decided["customer_no"], issued, day).lift_as_run)


def twice(reading: Reading) -> Reading:
    """A reading as if pooled over two rounds."""
    return evaluation.Reading(**{**_fields(reading), "rounds": (1, 2)})


def placebo(reading: Reading) -> Reading:
    """An A/A reading that finds nothing."""
    lift = Estimate(0.001, -0.02, 0.022)
    verdict, sentence = evaluation.judge(lift, ())
    nothing = RoundMoney(0, Estimate(0.0, -1.0, 1.0), 0)
    fields = _fields(reading) | {"campaign": "a/a", "lift": lift, "verdict": verdict, "sentence": sentence}
    return evaluation.Reading(**{**fields, "money": nothing, "sample_ratio_p": 0.6})


def _fields(reading: Reading) -> dict[str, object]:
    return {name: getattr(reading, name) for name in Reading.__slots__}


__all__ = ["CUSTOMERS", "Lived", "SmallBank", "Told", "Ways", "open_small_bank", "placebo", "shared", "twice"]
