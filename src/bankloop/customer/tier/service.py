"""The verbs of tiers: a month closed once for everybody; a bank's own rules submitted for approval."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa

from bankloop.customer.persons import read_leads
from bankloop.customer.tier import errors
from bankloop.customer.tier.contracts import Closing, Ints, Standings, TierRule
from bankloop.customer.tier.queries import aligned, averages, last_month, next_month, standings_after
from bankloop.customer.tier.rules import NEW, OWN, begin, moves, read_tier_rules, rule_on, step
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.lake.service import Lake
from bankloop.organization.approval import Effects, have_effect, is_approved, submit_approval
from bankloop.organization.principals import system
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.store.verbs import verb

KIND = "tier_rule"
TABLE = "tier_month"


def ask_rules(store: Store, principal: Principal, folder: Path, reason: str) -> UUID:
    """Submit the bank's own tiers.yaml as it is, and return the request; ``ConflictError`` where there is none."""
    rules = read_tier_rules(folder)
    if not (folder / OWN).exists():
        raise errors.nothing_own()
    with store.begin(principal) as connection:
        content = {"rules": [_plain(one) for one in rules]}
        made: UUID = submit_approval(connection, KIND, OWN, _digest(rules), content=content, reason=reason)
    return made


@verb("tier_rule.close")
def close_month(store: Store, principal: Principal, lake: Lake, month: date) -> Closing:
    """Read every person's monthly average and where it leaves them, once; months since the last closed come first.

    ``month`` is its first day. Raises ``ConflictError`` for a month that is not over or of which nothing is known, and
    for rules of the bank's own that were not approved.
    """
    month = month.replace(day=1)
    if next_month(month) > lake.today():
        raise errors.not_over(month)
    rules = _rules(store, principal, lake.folder)
    with store.begin(system("tier")) as connection:
        leads = read_leads(connection, lake)
    done, last = None, last_month(lake)
    if last is not None and month <= last:
        return _told(month, standings_after(lake, month), new=False)
    following = next_month(last) if last is not None else month
    while following <= month:
        done = _close(lake, rule_on(rules, following), following, last, leads)
        last, following = following, next_month(following)
    assert done is not None
    with store.begin(principal) as connection:
        after = {
            "customers": done.customers,
            "tiers": {str(k): n for k, n in done.tiers.items()},
            "moves": dict(done.moves),
        }
        record_audit(connection, "tier_rule.close", "tier_rule", month.strftime("%Y-%m"), None, after)
    return done


def _close(lake: Lake, rule: TierRule, month: date, last: date | None, leads: pa.Table) -> Closing:
    found = averages(lake, month, next_month(month), leads)
    if found is None:
        raise errors.no_balances(month)
    numbers, average = found
    fresh = begin(rule, average)
    before = standings_after(lake, last, leads) if last is not None else pa.table({})
    after, changed = fresh, moves(None, fresh)
    if before.num_rows:
        tier = aligned(numbers, before, "tier")
        known = tier > 0
        months, best, watched = (
            np.maximum(aligned(numbers, before, n), 0) for n in ("months_below", "best_fen", "watched")
        )
        stood = Standings(np.where(known, tier, fresh.tier), months, best, watched == 1)
        stepped = step(rule, stood, average)
        after = Standings(*(np.where(known, getattr(stepped, f), getattr(fresh, f)) for f in Standings.__slots__))
        changed = np.where(known, moves(stood, after), NEW)
    table = _table(numbers, month, average, after, changed)
    lake.append(TABLE, table, next_month(month) - timedelta(days=1))
    return _told(month, table, new=True)


def _rules(store: Store, principal: Principal, folder: Path) -> tuple[TierRule, ...]:
    rules = read_tier_rules(folder)
    if (folder / OWN).exists():
        with store.begin(principal) as connection:
            if not is_approved(connection, KIND, OWN, _digest(rules)):
                raise errors.not_approved()
    return rules


def _digest(rules: tuple[TierRule, ...]) -> str:
    return digest([one.digest for one in rules])


def _plain(rule: TierRule) -> dict[str, object]:
    tiers = [{"name": one.name, "from_fen": one.from_fen} for one in rule.tiers]
    return {"since": rule.since.isoformat(), "below": rule.below, "watch": rule.watch, "tiers": tiers}


def _table(numbers: pa.Array, month: date, average: Ints, after: Standings, changed: np.ndarray) -> pa.Table:
    return pa.table(
        {
            "customer_no": numbers,
            "month": pa.array([month] * len(numbers), pa.date32()),
            "average_fen": pa.array(average),
            "tier": pa.array(after.tier),
            "watched": pa.array(after.watched),
            "months_below": pa.array(after.months_below),
            "best_fen": pa.array(after.best_fen),
            "move": pa.array(changed.tolist(), pa.string()),
        }
    )


def _told(month: date, table: pa.Table, *, new: bool) -> Closing:
    tiers = Counter(table["tier"].to_pylist())
    counted = Counter(one for one in table["move"].to_pylist() if one)
    return Closing(month, table.num_rows, dict(sorted(tiers.items())), dict(sorted(counted.items())), new)


have_effect(
    KIND, Effects(Text("此后月末分层按这一版规则", "months are closed by this version of the rules from now on"))
)
