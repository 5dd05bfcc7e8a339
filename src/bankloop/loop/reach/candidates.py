"""From offers, benefits, scripts and channels to candidate actions and their value for every customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.expression import Type
from bankloop.loop.audience import Snapshot
from bankloop.loop.benefit import attach
from bankloop.loop.model import Uplift, feature_matrix
from bankloop.loop.product import Offers, numbers
from bankloop.loop.reach.cells import draw_cells, draw_control
from bankloop.loop.reach.contracts import SLOT, Action, Bools, CampaignCandidates, Candidates, Floats, Integers
from bankloop.loop.reach.quotas import amounts_by, banks_quotas, own_quotas, unknown
from bankloop.loop.script import choose
from bankloop.loop.spec import NO_BENEFIT, Lock, Policies, Product
from bankloop.loop.spec.batch import conditions


def actions_of(lock: Lock) -> tuple[Action, ...]:
    """Return a campaign's actions: products × benefits that may accompany them × channels that have a script."""
    allowed = attach(lock)
    found = []
    for product in lock.products:
        for benefit in allowed[product.key] if product.key in lock.campaign.products else (None,):
            for name in lock.campaign.reach.channels:
                chosen = choose(lock, product.key, name)
                if chosen is None or not offered_by(product, name):
                    continue
                channel = lock.policies.channels[name]
                people = channel.minutes * lock.policies.staff.cost_per_hour / 60 if channel.staff else 0.0
                found.append(
                    Action(
                        campaign=lock.name,
                        product=product.key,
                        benefit=benefit.key if benefit else NO_BENEFIT,
                        channel=name,
                        script=chosen.label,
                        contact_cost=channel.cost_per_thousand / 1000 + people,
                        minutes=channel.minutes,
                        reserved=benefit.reserved_fen if benefit else 0,
                        face=benefit.face if benefit else 0,
                        staff=channel.staff,
                        delivery=channel.delivery,
                        staff_cost=people,
                    )
                )
    return tuple(found)


def offered_by(product: Product, channel: str) -> bool:
    """Return whether a product is offered on a channel."""
    return product.available.channels is None or channel in product.available.channels


def candidates_of(
    lock: Lock,
    snapshot: Snapshot,
    offers: Offers,
    model: Uplift,
    members: pa.Table,
    types: Mapping[str, Type],
    as_of: date,
    round_: int,
    control_share: int,
    allowed: Callable[[str], Bools] | None = None,
    withheld: Mapping[str, Bools] | None = None,
    lot: int = 0,
) -> CampaignCandidates:
    """Return one campaign's candidates over its usable ``members`` (m rows of the state, in snapshot order).

    ``allowed`` returns (n,) which rows of the state a channel may reach by what customers consented to; all without it.
    ``withheld`` says by benefit (n,) whom a branch does not offer it to. ``lot`` is the share (ppm) drawn by lot.
    """
    actions, quotas = actions_of(lock), own_quotas(lock)
    taken = amounts_by(quotas, members, types, as_of)
    open_ = _open(lock, actions, offers, members, types, as_of) & _allowed(actions, snapshot, allowed, withheld or {})
    base, uplift = model.predict(feature_matrix(members, model.base.features), [a.key for a in actions])
    return CampaignCandidates(
        campaign=lock.name,
        lock_digest=lock.digest,
        rows=snapshot.rows,
        actions=actions,
        base=base,
        uplift=uplift,
        worth=_worth(lock, members, model),
        open=open_ & ~unknown(quotas, taken, actions, len(open_)),
        control=draw_control(snapshot.customer_no.to_pylist(), lock.name, round_, control_share),
        control_share=control_share / 1_000_000,
        explore_staff=lock.campaign.evaluate.explore_staff,
        lot=lot,
        amounts=taken,
    )


def _worth(lock: Lock, members: pa.Table, model: Uplift) -> Floats:
    """Change in 12-month contribution that one success brings, fen per customer: the campaign's first product says.

    Its rate is of an attribute, or of the expected amount where the lock names a model of it.
    """
    product = next(p for p in lock.products if p.key == lock.campaign.products[0])
    worth = np.full(members.num_rows, float(product.contribution.fixed))
    if product.contribution.of is not None:
        balance = np.nan_to_num(numbers(members[product.contribution.of]))
        if model.amount is not None:
            balance = model.amount.predict(feature_matrix(members, model.amount.features))
        worth += np.floor(balance * product.contribution.rate / 1_000_000 + 0.5)
    return worth


def _open(
    lock: Lock, actions: Sequence[Action], offers: Offers, members: pa.Table, types: Mapping[str, Type], as_of: date
) -> Bools:
    reach = lock.campaign.reach
    texts = {f"open:{name}": lock.policies.channels[name].open_to for name in reach.channels}
    texts |= {f"when:{name}": text for name, text in reach.when.items()}
    met = conditions(members, texts, types, as_of)
    everyone = np.ones(members.num_rows, bool)
    columns = [
        offers.open(a.product) & met[f"open:{a.channel}"] & met.get(f"when:{a.channel}", everyone)
        # Nobody is sent to where customers come by themselves: a plan has prices for it, and real time decides.
        if a.delivery != SLOT
        else np.zeros(members.num_rows, bool)
        for a in actions
    ]
    return np.column_stack(columns) if columns else np.zeros((members.num_rows, 0), bool)


def _allowed(
    actions: Sequence[Action],
    snapshot: Snapshot,
    allowed: Callable[[str], Bools] | None,
    withheld: Mapping[str, Bools],
) -> Bools:
    masks = {a.channel: allowed(a.channel)[snapshot.rows] for a in actions} if allowed else {}
    given = {benefit: ~hidden[snapshot.rows] for benefit, hidden in withheld.items()}
    everyone = np.ones(len(snapshot.rows), bool)
    columns = [masks.get(a.channel, everyone) & given.get(a.benefit, everyone) for a in actions]
    return np.column_stack(columns) if columns else np.zeros((len(snapshot.rows), 0), bool)


def action_values(campaign: CampaignCandidates) -> Floats:
    """Return (m, k) value in fen: uplift × worth − contact − face × P(success), −inf where the action is not open."""
    cost = np.array([a.contact_cost for a in campaign.actions])
    face = np.array([float(a.face) for a in campaign.actions])
    success = np.clip(campaign.base[:, None] + campaign.uplift, 0.0, 1.0)
    value = campaign.uplift * campaign.worth[:, None] - cost - success * face
    return np.where(campaign.open, value, -np.inf)


def join(
    campaigns: Sequence[CampaignCandidates],
    state: pa.Table,
    policies: Policies,
    types: Mapping[str, Type],
    as_of: date,
    round_: int,
) -> Candidates:
    """Lay the campaigns side by side over the union of their customers: the bank is one sender."""
    rows = np.unique(np.concatenate([c.rows for c in campaigns])) if campaigns else np.zeros(0, np.int64)
    members = state.take(pa.array(rows))
    actions = tuple(action for campaign in campaigns for action in campaign.actions)
    n = len(rows)
    value = np.full((n, len(actions)), -np.inf)
    uplift = np.zeros((n, len(actions)))
    base = np.zeros((n, len(actions)))
    control = np.zeros((n, len(campaigns)), bool)
    member = np.zeros((n, len(campaigns)), bool)
    at = 0
    for index, campaign in enumerate(campaigns):
        here = np.searchsorted(rows, campaign.rows)
        span = slice(at, at + len(campaign.actions))
        value[here, span] = action_values(campaign)
        uplift[here, span] = campaign.uplift
        base[here, span] = campaign.base[:, None]
        control[here, index] = campaign.control
        member[here, index] = True
        at += len(campaign.actions)
    branch, branches = _branches(members)
    numbers_ = members["customer_no"].combine_chunks()
    experiment = policies.experiment
    # Whom a campaign without history wants is drawn by lot with that campaign's share.
    explore = np.full(n, experiment.explore, np.int64)
    for index, campaign in enumerate(campaigns):
        explore[member[:, index]] = np.maximum(explore[member[:, index]], campaign.lot)
    texts = {f"segment:{key}": segment.where for key, segment in policies.segments.items()}
    texts |= {"exempt": experiment.exempt} if experiment.exempt is not None else {}
    met = conditions(members, texts, types, as_of)
    bank = banks_quotas(policies)
    taken = amounts_by(bank, members, types, as_of)
    value[unknown(bank, taken, actions, n)] = -np.inf
    exempt = met.get("exempt", np.zeros(n, bool))
    return Candidates(
        customer_no=numbers_,
        rows=rows,
        branch=branch,
        branches=branches,
        campaigns=tuple(campaigns),
        actions=actions,
        column_campaign=np.repeat(np.arange(len(campaigns)), [len(c.actions) for c in campaigns]),
        value=value,
        uplift=uplift,
        base=base,
        cell=draw_cells(numbers_.to_pylist(), as_of, round_, experiment.holdout, explore, exempt),
        control=control & ~exempt[:, None],
        member=member,
        segments={key: met[f"segment:{key}"] for key in policies.segments},
        managers=_managers(state, branches),
        amounts={**taken, **_own_amounts(campaigns, rows)},
    )


def _own_amounts(campaigns: Sequence[CampaignCandidates], rows: Integers) -> dict[str, Floats]:
    """Return (n,) what each takes of the campaigns' own volumes; NaN for whom a campaign does not want."""
    found = {}
    for campaign in campaigns:
        for name, amount in campaign.amounts.items():
            found[name] = np.full(len(rows), np.nan)
            found[name][np.searchsorted(rows, campaign.rows)] = amount
    return found


def _branches(members: pa.Table) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    encoded = members["branch_id"].combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), tuple(encoded.dictionary.to_pylist())


def _managers(state: pa.Table, branches: tuple[str, ...]) -> NDArray[np.int64]:
    """Return (b,) how many managers the customers of each branch name, wanted by a campaign or not."""
    each = state.select(["branch_id", "manager_id"]).group_by("branch_id").aggregate([("manager_id", "count_distinct")])
    counted = dict(zip(each["branch_id"].to_pylist(), each["manager_id_count_distinct"].to_pylist(), strict=True))
    return np.array([counted.get(branch, 0) for branch in branches], np.int64)
