"""A campaign's customers and limits as a day's plan takes them: where two models' plans are held beside each other."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

from bankloop.loop import audience, model, optimize, product, reach
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.branch_rule import narrowed
from bankloop.loop.campaign.locks_in_force import catalogue_in_force
from bankloop.loop.model import Uplift
from bankloop.loop.offering.shelf import shelf_now
from bankloop.loop.spec import Lock
from bankloop.store.contracts import Principal


def campaign_today(bank: Bank, principal: Principal, locked: Lock, champion: Uplift, today: date) -> optimize.Setting:
    """Return who is in the audience on the eve of a day, and what there would be to give out in a window from it on.

    The campaign has the bank's limits to itself: what others take of them is not known before they are planned
    together.
    """
    lock = shelf_now(bank, principal).on(locked)
    as_of = today - timedelta(days=1)
    state = bank.state(as_of, catalogue_in_force(bank, {lock.name: lock}))
    with bank.store.begin(principal) as connection:
        allowed = bank.allowed(connection, state)
        own = narrowed(connection)
    lock = own.on(lock)
    table = allowed.applied(state.table)
    outside = own.outside(lock.name, table, lock.types, as_of)
    found = audience.select(lock, table, lock.types, as_of, outside=outside)
    people = table.take(pa.array(found.rows))
    offers = product.match(lock, people, lock.types, as_of)
    withheld = own.withheld(lock.campaign, table)
    side = reach.candidates_of(
        lock, found, offers, champion, people, lock.types, as_of, 0, 0, allowed.open_to, withheld
    )
    joined = reach.join([side], table, lock.policies, lock.types, as_of, 0)
    days = reach.window_days(today, lock.policies.plan.window)
    families = reach.families_of(joined, {lock.name: lock}, lock.policies, days)
    return optimize.Setting(side, model.feature_matrix(people, champion.base.features), families)
