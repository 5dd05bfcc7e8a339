"""The closed loop, top-down: 建模型 筛客群 配产品 定权益 选话术 准触达 评结果 优模型.

``draft_model`` and ``submit`` prepare a campaign; a second person approves; ``plan`` shows what would happen; ``run``
makes it happen once; ``evaluate`` reads it; ``learn`` trains the challenger that the next round may be promoted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from bankloop.benefit.grants import STOCK, pools
from bankloop.kit.errors import ConflictError
from bankloop.kit.text import Text
from bankloop.loop import audience, model, optimize, product, reach
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import start_campaign
from bankloop.loop.campaign.branch_rule import narrowed, same_rules
from bankloop.loop.campaign.launch import launches
from bankloop.loop.campaign.locks_in_force import (
    approved_locks,
    catalogue_in_force,
    locked_model,
    model_versions,
    policies_in_force,
)
from bankloop.loop.learning.first_lot import first_lot
from bankloop.loop.learning.training import SEED, learn_from
from bankloop.loop.model import Uplift
from bankloop.loop.offering.shelf import shelf_now, shelf_of
from bankloop.loop.round.reading import read_rounds
from bankloop.loop.round.rules import chosen_by_rules, rule_choices, rules_beside
from bankloop.loop.round.standing import check_apart, check_start, standing_of
from bankloop.loop.round.window import Window, record_steps, stored_plan
from bankloop.loop.spec import Lock
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Plan, Principal
from bankloop.store.database import bank_wide
from bankloop.store.registry import await_turn, read_plans, save_plan
from bankloop.store.verbs import verb


@dataclass(frozen=True, slots=True)
class RunReport:
    """What running a window did; ``issued`` is None when the window had been issued before and nothing was done."""

    round: int
    window_start: date
    issued: reach.Issued | None


def plan(
    bank: Bank, principal: Principal, round_: int, window_start: date, seed: int = SEED, *, further: bool = False
) -> Window:
    """Return what a window of a round would do, for all approved campaigns together; it changes nothing.

    A campaign that has an open window in another round is left out; raises ``ConflictError`` where that leaves none.
    """
    as_of = window_start - timedelta(days=1)
    shelf = shelf_now(bank, principal)
    locks = {name: shelf.on(lock) for name, lock in _free_locks(bank, principal, round_, window_start, further).items()}
    policies = policies_in_force(locks)
    catalogue = catalogue_in_force(bank, locks)
    state = bank.state(as_of, catalogue)
    # What customers allow and forbid holds as of now, whatever the files of that day said.
    with bank.store.begin(principal) as connection:
        allowed = bank.allowed(connection, state)
        own_rules = narrowed(connection)
    locks = {name: own_rules.on(lock) for name, lock in locks.items()}
    table = allowed.applied(state.table)
    # 1 建模型: the champions that the locks name
    models = {name: locked_model(bank, principal, lock) for name, lock in locks.items()}
    # 2 筛客群: frozen snapshots with their exclusions
    audiences = {
        name: audience.select(
            lock, table, lock.types, as_of, outside=own_rules.outside(name, table, catalogue.types, as_of)
        )
        for name, lock in locks.items()
    }
    # 3 配产品: eligibility and suitability, why and why not
    people = {name: table.take(pa.array(found.rows)) for name, found in audiences.items()}
    offers = {name: product.match(lock, people[name], lock.types, as_of) for name, lock in locks.items()}
    # 4 定权益 and 5 选话术 happen inside: an action is product × benefit × script × channel
    candidates = [
        reach.candidates_of(
            lock, audiences[name], offers[name], models[name], people[name], lock.types, as_of, round_,
            control_share(lock, models[name], people[name]), allowed.open_to, own_rules.withheld(lock.campaign, table),
            first_lot(models[name], reach.actions_of(lock), people[name].num_rows),
        )
        for name, lock in locks.items()
    ]  # fmt: skip
    # 6 准触达: one plan over all campaigns, the bank is one sender
    types = {name: type_ for lock in locks.values() for name, type_ in lock.types.items()}
    joined = reach.join(candidates, table, policies, types, as_of, round_)
    spent = _spent(bank, principal, round_, window_start)
    dated, lot = reach.plan_window(joined, locks, policies, window_start, as_of, seed + round_, spent)
    members = table.take(pa.array(joined.rows))
    return Window(round_, state, locks, audiences, offers, models, dated, lot, members, shelf.digest, own_rules)


def was_run(bank: Bank, principal: Principal, round_: int, window_start: date, *, further: bool = False) -> Plan | None:
    """Return the window in which a round was run, None where it was not or a ``further`` one may begin."""
    with bank.store.begin(principal) as connection:
        return standing_of(read_plans(connection), round_, window_start, further=further).ran


@verb("round.run")
def run(
    bank: Bank,
    principal: Principal,
    round_: int,
    window_start: date,
    seed: int = SEED,
    prepared: Window | None = None,
    *,
    further: bool = False,
) -> RunReport:
    """Issue a window once: decisions, reservations, messages and tasks in one transaction; again, it does nothing.

    A round is run once; ``further`` asks for one more window after the last is over. ``prepared`` is what ``plan`` just
    returned for the same window; without it the window is planned here. Raises ``InputError`` for a window in the past.
    """
    if was_run(bank, principal, round_, window_start, further=further):
        return RunReport(round_, window_start, None)
    check_start(window_start, bank.lake.today())
    window = prepared or plan(bank, principal, round_, window_start, seed, further=further)
    rules = rule_choices(window)
    beside = [asdict(one) for one in rules_beside(window, rules)]
    frame = reach.DecisionFrame(
        round_,
        window.state.digest,
        bank.lake.zone,
        policies_in_force(window.locks).plan.placement,
        {name: model_versions(bank, principal, lock) for name, lock in window.locks.items()},
        chosen_by_rules(window, rules),
    )
    with bank.store.begin(principal) as connection:
        await_turn(connection)
        # Whoever planned at the same time was first, or was not.
        plans = read_plans(connection)
        if standing_of(plans, round_, window_start, further=further).ran is not None:
            return RunReport(round_, window_start, None)
        check_apart(plans, round_, window_start, window.locks)
        _same_shelf(connection, window)
        same_rules(connection, window.narrowed.ids)
        launched = {name: one.as_dict() for name, one in launches(window).items()}
        save_plan(connection, stored_plan(window, launched, beside))
        for name, lock in window.locks.items():
            start_campaign(connection, name, lock.digest, round_, bank.lake.zone)
        caps = window.narrowed.caps()
        policies = policies_in_force(window.locks)
        issued = reach.issue(
            connection, window.plan, window.lot, window.locks, policies, window.members, frame, bank.clock, caps
        )
        for index, name in enumerate(window.locks):
            record_steps(connection, window, index, name)
        record_audit(
            connection, "round.run", "round", f"{round_}@{window_start}", None, {"decisions": issued.decisions}
        )
    return RunReport(round_, window_start, issued)


@verb("round.evaluate")
def evaluate(
    bank: Bank, principal: Principal, campaign: str, rounds: Sequence[int], *, keep: bool = True
) -> evaluation.Reading:
    """7 评结果: read a campaign's rounds, pooled where several are named, from decisions, contacts and events."""
    return read_rounds(bank, principal, campaign, rounds, keep=keep)


@verb("model.learn")
def learn(
    bank: Bank,
    principal: Principal,
    campaign: str,
    round_: int,
    today: date,
    anyway: str = "",
    prepared: optimize.Challenger | None = None,
) -> optimize.Challenger:
    """8 优模型: train the challenger on all rounds so far and compare; it is submitted where the comparison supports it.

    ``anyway`` is why it is submitted all the same; ``prepared`` is what ``learn`` returned of that round
    before.
    """
    return learn_from(bank, principal, campaign, round_, today, anyway, prepared)


def _free_locks(bank: Bank, principal: Principal, round_: int, start: date, further: bool) -> dict[str, Lock]:
    """Return the approved locks that have no open window in another round."""
    locks = approved_locks(bank, principal)
    with bank.store.begin(principal) as connection:
        plans = read_plans(connection)
    standing = standing_of(plans, round_, start, further=further)
    free = {name: lock for name, lock in locks.items() if name not in standing.under_way}
    if not free:
        check_apart(plans, round_, start, locks)
    return free


def _same_shelf(connection: Connection, window: Window) -> None:
    """Refuse a window that was planned of another shelf than there is now: it would offer what is off it."""
    if window.shelf != shelf_of(connection).digest:
        raise ConflictError(
            "run.shelf_changed",
            Text("做方案之后货架变了；请再运行一次，会按现在的货架重做方案", "the shelf has changed since this plan was made; run again, and it is planned of the shelf as it is now"),
        )  # fmt: skip


def _spent(bank: Bank, principal: Principal, round_: int, window_start: date) -> dict[str, float]:
    """What earlier windows took: of budgets in this round as planned, with contacts; of stocks what the ledger says."""
    spent: dict[str, float] = {}
    with bank.store.begin(principal) as connection:
        for stored in read_plans(connection):
            for name, _, used, *_ in stored.summary.get("resources", ()):
                of_round = stored.summary.get("round") == round_ and name.startswith("budget:")
                if stored.window_start < window_start and of_round:
                    spent[name] = spent.get(name, 0.0) + float(used)
        with bank_wide(connection):
            stocks = [one for one in pools(connection) if one.asset == STOCK]
    return {**spent, **{f"stock:{one.name}": float(one.committed + one.spent) for one in stocks}}


def control_share(lock: Lock, learned: Uplift, people: pa.Table) -> int:
    """Return the control's share in ppm: as written, or for ``auto`` the smallest usual share that can be read.

    It can be read when 80 % of such rounds would find the lift that the model expects, and enough succeed for any lift; else the largest usual share.
    """
    written = lock.campaign.evaluate.control
    if isinstance(written, int):
        return written
    keys = [action.key for action in reach.actions_of(lock)]
    base, uplift = learned.predict(model.feature_matrix(people, learned.base.features), keys)
    n, expected = people.num_rows, float(np.maximum(uplift, 0).max(axis=1).mean()) if keys and len(base) else 0.0
    for share in (50_000, 100_000, 150_000, 200_000, 250_000):
        if evaluation.design(n, share / 1_000_000, float(base.mean()) if n else 0.0, expected).readable:
            return share
    return 250_000
