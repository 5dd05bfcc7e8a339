"""The programme on an open bank: everybody of the quarter's first round, what they did until its last round closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.contact.queries import accepted_contacts
from bankloop.customer.persons import led_numbers
from bankloop.kit.errors import ConflictError
from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import Programme, ProgrammeMembers
from bankloop.loop.round.labels import chance_before, events_between, with_recorded
from bankloop.loop.round.one_person import as_decided, first_of_persons
from bankloop.loop.spec import Lock, read_lock
from bankloop.store.contracts import Plan, Principal
from bankloop.store.history import read_decisions
from bankloop.store.registry import read_lock as stored_lock
from bankloop.store.registry import read_plans

_SPOKEN = "call_connected"
_ISSUED = ("decision_id", "customer_no", "issued_action")


def read_programme(bank: Bank, principal: Principal) -> Programme:
    """Return what all campaigns together brought in the newest quarter, against the holdout that was drawn for it.

    The holdout is drawn anew each quarter. Who belongs is fixed by the quarter's first round, since later audiences are
    what the campaigns themselves made of them. Raise ``ConflictError`` before the first round.
    """
    with bank.store.begin(principal) as connection:
        plans = [plan for plan in read_plans(connection) if "round" in plan.summary]
        if not plans:
            raise ConflictError(
                "evaluate.no_programme",
                Text("还没有执行过任何一轮；先运行 bankloop run", "no round has run yet; run bankloop run first"),
            )
        quarter = max(_quarter(plan) for plan in plans)
        mine = [plan for plan in plans if _quarter(plan) == quarter]
        rounds = sorted({int(plan.summary["round"]) for plan in mine})
        first = [plan for plan in mine if plan.summary["round"] == rounds[0]]
        names = sorted({name for plan in first for name in plan.campaigns})
        start = min(plan.window_start for plan in mine)
        found, locks = [], []
        for name in names:
            stored = read_decisions(connection, [name], rounds[0], columns=evaluation.DECISION_COLUMNS)
            decided = first_of_persons(_members(stored), bank.leads())
            lock = read_lock(stored_lock(connection, decided["lock_digest"][0].as_py()))
            locks.append(lock)
            found.append((name, decided))
        closes = max(plan.window_start for plan in mine) + timedelta(days=max(x.campaign.goal.within for x in locks))
        members = _joined(bank, connection, found, locks, rounds, start, closes)
    today, days = bank.lake.today(), (closes - start).days
    elapsed = min(max(1.0 - (closes - today).days / days, 0.0), 1.0)
    share = locks[0].policies.experiment.holdout / 1_000_000
    window = (start.isoformat(), (closes - timedelta(days=1)).isoformat())
    return evaluation.read_members(members, share, tuple(rounds), window, elapsed)


def _quarter(plan: Plan) -> tuple[int, int]:
    """The quarter whose holdout a plan's cells were drawn with."""
    return plan.as_of.year, (plan.as_of.month + 2) // 3


def _members(decisions: pa.Table) -> pa.Table:
    return evaluation.first_decisions(decisions.filter(pc.not_equal(decisions["cell"], "exempt")))


def _joined(
    bank: Bank,
    connection: Connection,
    found: Sequence[tuple[str, pa.Table]],
    locks: Sequence[Lock],
    rounds: Sequence[int],
    start: date,
    closes: date,
) -> ProgrammeMembers:
    """One row a customer over all campaigns: what each brought, cost, would be claimed for, and was expected to bring."""
    types = sorted({_SPOKEN, *(lock.campaign.goal.event for lock in locks)})
    events = events_between(bank, connection, types, start, closes - timedelta(days=1))
    leads = bank.leads()
    persons = [led_numbers(decided["customer_no"], leads) for _, decided in found]
    everybody = pc.unique(pa.chunked_array([chunk for one in persons for chunk in one.chunks], pa.string()))
    n, span = len(everybody), (closes - start).days
    holdout, asked, spoken = (np.zeros(n, bool) for _ in range(3))
    earned, cost, attributed, expected = (np.zeros(n) for _ in range(4))
    member, reached, known = {}, {}, True
    for (name, decided), lock, person in zip(found, locks, persons, strict=True):
        place = np.asarray(pc.index_in(person, value_set=everybody).to_numpy(), dtype=np.int64)
        holdout[place] |= np.asarray(pc.equal(decided["cell"], "holdout").to_numpy(zero_copy_only=False), dtype=bool)
        mine = as_decided(events, decided, leads)
        success = evaluation.first_day(decided, mine, [lock.campaign.goal.event], span)[0] >= 0
        recorded = with_recorded(connection, lock, decided, evaluation.worth_reads(lock))
        worth, claimed, _ = evaluation.worths(lock, recorded)
        contacted, spent = _spent(connection, lock, decided, leads, rounds, success)
        before = chance_before(bank, connection, lock, decided)
        known = known and before is not None
        earned[place] += success * worth
        cost[place] += spent
        attributed[place] += success * contacted * claimed
        expected[place] += 0.0 if before is None else before * worth
        asked[place] |= contacted
        spoken[place] |= evaluation.first_day(decided, mine, [_SPOKEN], span)[0] >= 0
        member[name], reached[name] = np.zeros(n, bool), np.zeros(n, bool)
        member[name][place] = True
        reached[name][place] = success
    before_all = expected if known else None
    return ProgrammeMembers(holdout, earned, cost, attributed, before_all, member, reached, spoken & ~asked)


def _spent(
    connection: Connection,
    lock: Lock,
    decided: pa.Table,
    leads: pa.Table,
    rounds: Sequence[int],
    success: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Who of a campaign's members was contacted in any round (n,), and what was spent on each, fen."""
    contacted, spent = np.zeros(decided.num_rows, bool), np.zeros(decided.num_rows)
    accepted = accepted_contacts(connection, lock.name)
    for round_ in rounds:
        every = as_decided(read_decisions(connection, [lock.name], round_, columns=_ISSUED), decided, leads)
        issued = pc.fill_null(every["issued_action"], "")
        went = pc.and_(pc.not_equal(issued, ""), pc.is_in(every["decision_id"], accepted))
        went_out = np.asarray(went.to_numpy(zero_copy_only=False), dtype=bool)
        value_set = decided["customer_no"].combine_chunks()
        at = np.asarray(pc.fill_null(pc.index_in(every["customer_no"], value_set=value_set), -1).to_numpy(), np.int64)
        spent += evaluation.costs(lock, issued, went_out, at, success.astype(np.float64)).total
        contacted[at[went_out & (at >= 0)]] = True
    return contacted, spent
