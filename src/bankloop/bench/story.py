"""The demo's story: a bank is simulated and loaded, three campaigns run for some rounds, the truth judges the readings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.bench.proportion import in_proportion
from bankloop.contact.queries import accepted_contacts, broken_caps
from bankloop.kit.clock import FixedClock
from bankloop.lake.contracts import LoadReport
from bankloop.loop import evaluate as evaluation
from bankloop.loop import reach
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.evaluate import Reading
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.loop.model import ModelCard
from bankloop.loop.optimize import Challenger
from bankloop.loop.round.labels import campaign_outcomes, round_population
from bankloop.loop.round.reading import newest_readings
from bankloop.loop.round.window import Window
from bankloop.organization import account
from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.performance.programme import read_programme
from bankloop.report.pooled import pooled_reading, programme_reading
from bankloop.simulate.answers import answer_round
from bankloop.simulate.contracts import Response, SimulatedBank
from bankloop.simulate.service import write_bank
from bankloop.simulate.staff import deeds_of, work_off
from bankloop.simulate.world import World
from bankloop.store.audit import seal_audit, verify_audit
from bankloop.store.history import read_decisions
from bankloop.store.registry import read_plans
from bankloop.wiring import file_channel, load, open_bank
from bankloop.work.rounds import hand_out, run_round

# The first day of a story whose day is fixed: of benchmarks and tests, whose figures are compared.
FIRST_DAY = date(2026, 8, 24)
ROUND_DAYS = 30
# A round is read, and learned from, on the morning of the day on which the next one starts: a clock never goes back.
CYCLE_DAYS = ROUND_DAYS + 1
STAFF_CAMPAIGN = "keep-deposits"
_GRADE_A = re.compile(r"(grade_a: )\d+")
_WINDOW = re.compile(r"window: \{from: \S+, to: \S+\}")

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CampaignRound:
    """One campaign's round: what the bank read, and what the simulator knows to be true of the same customers."""

    campaign: str
    reading: Reading
    true_lift: float
    audience: int
    excluded: int
    assigned: int
    window: Window


@dataclass(frozen=True, slots=True)
class CallPolicies:
    """True value in fen of the same staff calls given out in five ways, on the last round's customers."""

    calls: int
    random: float
    balance_first: float
    churn_first: float
    plan: float
    oracle: float


@dataclass
class Story:
    """Everything that terminal, report and ``--json`` tell of one demo."""

    bank: SimulatedBank
    first_day: date = FIRST_DAY
    load: LoadReport | None = None
    cards: dict[str, ModelCard] = field(default_factory=dict)
    rounds: list[list[CampaignRound]] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    truths: list[dict[str, float]] = field(default_factory=list)
    challengers: dict[str, Challenger] = field(default_factory=dict)
    pooled: dict[str, Reading] = field(default_factory=dict)
    placebo: Reading | None = None
    programme: evaluation.Programme | None = None
    policies: CallPolicies | None = None
    sent: int = 0
    rerun_sends: int = 0
    caps_broken: int = 0
    audit_ok: bool = False
    people: list[tuple[str, str]] = field(default_factory=list)
    password: str = ""


def tell(
    folder: Path, customers: int, rounds: int, seed: int, say: Say, first_day: date = FIRST_DAY, *, ends: bool = True
) -> Story:
    """Live through the whole story in ``folder`` and return it.

    One that does not end is left on the morning after its last round: what happened in it is loaded, its challengers
    wait.
    """
    today = start_of_round(rounds + 1, first_day)
    opening = None if ends else date(today.year - 1, 12, 31)
    own = partial(write_own_files, first=first_day, last=today + timedelta(days=ROUND_DAYS))
    story, world = begin(folder, customers, seed, say, None if ends else own, first_day=first_day, opening=opening)
    for number in range(1, rounds + 1):
        start, goes_on = start_of_round(number, first_day), number < rounds or not ends
        with open_bank(folder, clock_of(start)) as bank:
            responses = live_round(bank, world, story, number, start, seed, say, noted=not ends)
            if goes_on:
                world.advance(folder, responses, start + timedelta(days=ROUND_DAYS))
        with open_bank(folder, clock_of(start_of_round(number + 1, first_day))) as bank:
            if not ends:
                say(f"staff {number}")
                hand_out(bank, file_channel(folder))
                work_off(bank, deeds_of(responses), start, start + timedelta(days=ROUND_DAYS))
            close_round(bank, story, number, last=number == rounds, goes_on=goes_on, say=say)
    with open_bank(folder, clock_of(today)) as bank:
        say("check")
        _check(bank, story)
        _keep_read(bank, story)
    return story


def start_of_round(number: int, first_day: date = FIRST_DAY) -> date:
    """The day on which a round starts, counted from one."""
    return first_day + timedelta(days=CYCLE_DAYS * (number - 1))


def begin(
    folder: Path,
    customers: int,
    seed: int,
    say: Say,
    before_opening: Callable[[Path], None] | None = None,
    *,
    first_day: date = FIRST_DAY,
    opening: date | None = None,
) -> tuple[Story, World]:
    """Simulate and load a bank with its people, limits in proportion, and have its first models approved.

    ``before_opening`` may change the bank's files; with ``opening`` its core system also tells of that day, long
    before.
    """
    say("simulate")
    simulated = write_bank(folder, customers, seed, today=first_day, opening=opening)
    in_proportion(folder, customers)
    if before_opening is not None:
        before_opening(folder)
    story = Story(simulated, first_day)
    with open_bank(folder, clock_of(first_day)) as bank:
        say("load")
        story.load, _ = load(bank)
        with bank.store.begin(system("demo")) as connection:
            people = seed_demo_people(connection, folder)
        with bank.store.begin(account.SIGN_IN) as connection:
            story.password = account.open_demo_accounts(connection, folder, [one.person_id for one in people])
        story.people = [(one.person_id, one.role) for one in people]
        for name in bank.spec.campaigns:
            say(f"model {name}")
            story.cards[name] = draft_model(bank, maker(), name, first_day - timedelta(days=1), seed)
            promote(bank, checker(), name)
    return story, World.load(folder)


def write_own_files(folder: Path, first: date, last: date) -> None:
    """Let the bank's programmes begin and end with the story, and its remote centre call the middle of the tail."""
    for place in sorted((folder / "programmes").glob("*.yaml")):
        words = place.read_text(encoding="utf-8")
        place.write_text(_WINDOW.sub(f"window: {{from: {first}, to: {last}}}", words), encoding="utf-8")
    policy = (resources.files("bankloop.customer.servicing") / "servicing.yaml").read_text(encoding="utf-8")
    (folder / "servicing.yaml").write_text(_GRADE_A.sub(r"\g<1>20000", policy), encoding="utf-8")


def clock_of(day: date) -> FixedClock:
    """Return a clock that stands at nine in the morning of a day, in the bank's zone."""
    return FixedClock(datetime(day.year, day.month, day.day, 1, tzinfo=UTC))


def live_round(
    bank: Bank, world: World, story: Story, number: int, start: date, seed: int, say: Say, *, noted: bool = False
) -> list[Response]:
    """Submit, approve, run and deliver a round, and return what the simulator's people did in it.

    ``noted``: the staff will log its calls itself, and nobody else tells of them.
    """
    for name in bank.spec.campaigns:
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)
    channel = file_channel(bank.folder)
    first = run_round(bank, system(), number, start, channel, seed=seed, say=lambda step: say(f"{step} {number}"))
    if first.window is None:
        raise RuntimeError(f"round {number} of the demo had run before")
    window = first.window
    story.windows.append(window)
    again = run_round(bank, system(), number, start, channel, seed=seed)
    story.sent += first.delivered.done
    story.rerun_sends += (again.issued.accepted if again.issued else 0) + again.delivered.done
    say(f"people {number}")
    responses = [answer_round(bank, world, name, number, start, noted=noted) for name in bank.spec.campaigns]
    # The truth is asked before the world moves on: afterwards other deposits mature and who succeeded is gone.
    story.truths.append({name: _truth(bank, world, name, number, start) for name in window.locks})
    story.policies = compare_policies(window, world)
    return responses


def close_round(bank: Bank, story: Story, number: int, *, last: bool, goes_on: bool, say: Say) -> None:
    """Read the round, compare with the truth, train the challengers and promote them for the next round."""
    # What was due later in the window has gone out by now.
    story.sent += hand_out(bank, file_channel(bank.folder)).done
    say(f"evaluate {number}")
    window = story.windows[number - 1]
    story.rounds.append([_judge(bank, story, window, name, number) for name in window.locks])
    today = start_of_round(number + 1, story.first_day)
    if last:
        say(f"beside {number}")
        _read_beside(bank, story, window, number)
    if goes_on:
        say(f"load {number}")
        load(bank)
    say(f"learn {number}")
    for name in window.locks:
        learned = loop.learn(bank, maker(), name, number, today)
        story.challengers[name] = learned
        if not last and learned.comparison.supported:
            promote(bank, checker(), name)


def _read_beside(bank: Bank, story: Story, window: Window, number: int) -> None:
    """Read what no round has of its own: an A/A test, all rounds together, the programme against its holdout."""
    story.placebo = placebo(bank, list(window.locks), number)
    for one in story.rounds[-1]:
        # One round together with none is that round.
        every = list(range(1, number + 1))
        story.pooled[one.campaign] = (
            one.reading if number == 1 else loop.evaluate(bank, system(), one.campaign, every, keep=False)
        )
    story.programme = read_programme(bank, system())


def _truth(bank: Bank, world: World, name: str, number: int, start: date) -> float:
    """The true intention-to-treat lift among the treated, against controls of whom staff call some by hand."""
    with bank.store.begin(system()) as connection:
        found = read_decisions(connection, [name], number, columns=evaluation.DECISION_COLUMNS)
        decided = evaluation.population(found, name)
        went = pc.is_in(decided["decision_id"], accepted_contacts(connection, name))
    treated = pc.not_equal(decided["cell"], "control")
    action = pc.if_else(went, pc.fill_null(decided["issued_action"], ""), "")
    return world.true_lift(name, decided["customer_no"].filter(treated), action.filter(treated), start).lift_as_run


def _judge(bank: Bank, story: Story, window: Window, name: str, number: int) -> CampaignRound:
    reading = loop.evaluate(bank, system(), name, [number])
    found = window.audiences[name]
    assigned = sum(line.customers for line in window.plan.lines if line.campaign == name)
    truth = story.truths[number - 1][name]
    return CampaignRound(name, reading, truth, found.usable, found.hit - found.usable, assigned, window)


def placebo(bank: Bank, campaigns: Sequence[str], number: int) -> Reading:
    """An A/A reading: the largest campaign's control split in two by another salt. It must find nothing."""
    with bank.store.begin(system()) as connection:
        lock, decided, _ = round_population(connection, campaigns[0], number, bank.leads())
        outcomes = campaign_outcomes(bank, connection, lock, decided, number, to_read=False)
    quiet = ~outcomes.contacted
    numbers = decided["customer_no"].filter(pa.array(quiet)).to_pylist()
    half = reach.draw_control(numbers, "a/a", number, 500_000)
    zeros, never = np.zeros(len(numbers)), np.zeros(len(numbers), bool)
    split = evaluation.Outcomes(
        number, half, never, never, outcomes.success[quiet], outcomes.worth[quiet], zeros, zeros, never, {}
    )
    return evaluation.read("a/a", [split], 0.5)


def compare_policies(window: Window, world: World) -> CallPolicies | None:
    """Give the plan's number of staff calls out in five ways among the same customers, and ask the truth what each is worth."""
    side = next((c for c in window.plan.candidates.campaigns if c.campaign == STAFF_CAMPAIGN), None)
    if side is None:
        return None
    column = next(i for i, a in enumerate(side.actions) if a.channel == "rm_call")
    place = np.searchsorted(window.plan.candidates.rows, side.rows)
    planned = window.plan.candidates.cell[place] == reach.ExperimentCell.OPTIMIZE.value
    free = np.flatnonzero(side.open[:, column] & ~side.control & planned)
    key = side.actions[column].key
    people = window.state.table["customer_no"].take(pa.array(side.rows[free]))
    true = np.asarray(world.value_of(STAFF_CAMPAIGN, people, [key])[:, 1])
    rank = place[free]
    chosen = window.plan.chosen(STAFF_CAMPAIGN)[rank] == key
    calls = int(chosen.sum())
    rng = np.random.default_rng(0)
    return CallPolicies(
        calls=calls,
        random=float(np.mean([true[rng.permutation(len(free))[:calls]].sum() for _ in range(50)])),
        balance_first=float(true[np.argsort(-side.worth[free], kind="stable")[:calls]].sum()),
        churn_first=float(true[np.argsort(side.base[free], kind="stable")[:calls]].sum()),
        plan=float(true[chosen].sum()),
        oracle=float(np.sort(true)[::-1][:calls].clip(min=0.0).sum()),
    )


def _keep_read(bank: Bank, story: Story) -> None:
    """Keep what was read of all rounds together for the console, which would read it again when somebody first looks."""
    readings = newest_readings(bank, system())
    with bank.store.begin(system()) as connection:
        plans = read_plans(connection)
    for name, found in story.pooled.items():
        mine = [one for one in readings if one.campaign == name]
        if len(mine) > 1:
            pooled_reading(bank.folder, mine, partial(_same, found))
    if (programme := story.programme) is not None:
        programme_reading(bank.folder, readings, plans, bank.lake.today(), partial(_same, programme))


def _same(found: T) -> T:
    return found


def _check(bank: Bank, story: Story) -> None:
    caps, _ = reach.gate_limits(story.windows[-1].policies)
    with bank.store.begin(system()) as connection:
        story.caps_broken = broken_caps(connection, caps)
    seal_audit(bank.store)
    story.audit_ok = verify_audit(bank.store).ok
