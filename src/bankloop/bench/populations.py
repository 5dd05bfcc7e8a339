"""Banks in memory, without files or a store: the simulator's people, holdings and truth, with what a bank would know.

What a bank sees of behaviour (sessions, payments) is drawn from the same pace as the simulator's events, and only
counted. So that a decision can be asked of hundreds of banks in the time that one takes through its files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.loop.model import feature_matrix
from bankloop.simulate.history import pace_of
from bankloop.simulate.network import NOBODY, Network, make_network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import SimulatedPeople, day_number, make_people
from bankloop.simulate.portfolios import CLASSES, Holdings, make_holdings
from bankloop.simulate.streams import Streams
from bankloop.simulate.truth import HAND_ACTION, CampaignTruth, contactable, make_truth

TODAY = date(2026, 8, 24)
_MONTH = 30.44
_COMPLAINT_DAYS = 90
_TERM = CLASSES.index("term_deposit")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Audience:
    """One campaign's usable customers in one bank: what the bank knows, and the truth that it does not.

    ``rows`` (m,) of the bank's ``state``; ``x`` (m, f) by ``features``; ``base`` (m,) P(success) alone; ``effect`` by
    action (m,) its change by intention to treat; ``hand`` (m,) what managers change on their own account; ``worth`` (m,)
    fen of a success.
    """

    rows: Ints
    x: Floats
    base: Floats
    effect: Mapping[str, Floats]
    hand: Floats
    worth: Floats
    cost: Mapping[str, float]
    face: Mapping[str, float]

    def value(self, actions: tuple[str, ...]) -> Floats:
        """Return (m, k) the true expected fen of each action."""
        columns = []
        for key in actions:
            success = np.clip(self.base + self.effect[key], 0.0, 1.0)
            columns.append((success - self.base) * self.worth - self.cost[key] - success * self.face[key])
        return np.column_stack(columns)


@dataclass(frozen=True, slots=True)
class Population:
    """One bank: everybody's attributes as a bank would have them, and its campaigns' audiences."""

    state: pa.Table
    features: tuple[str, ...]
    audiences: Mapping[str, Audience]


def make_population(p: Parameters, customers: int, seed: int) -> Population:
    """Return a bank of so many customers, the same for the same seed."""
    streams = Streams(seed)
    people = make_people(p, streams, customers, TODAY, TODAY)
    network = make_network(p, streams, people)
    holdings = make_holdings(p, streams, people, TODAY)
    truth = make_truth(p, streams, people, network, holdings, TODAY)
    columns = {**_known(people, network), **_held(people, holdings), **_done(p, streams, people)}
    features = tuple(sorted(name for name in columns if name not in ("customer_no", "branch_id", "manager_id")))
    state = pa.table(columns)
    usable = contactable(people) & ~people.personalisation_off
    usable &= (people.complaint_day < 0) | (people.complaint_day < day_number(TODAY) - _COMPLAINT_DAYS)
    found = {name: _audience(p, name, one, usable, network, state, features) for name, one in truth.items()}
    # Only those whom a campaign wants are kept: a hundred banks fit into memory.
    wanted = np.unique(np.concatenate([one.rows for one in found.values()]))
    places = {name: replace(one, rows=np.searchsorted(wanted, one.rows)) for name, one in found.items()}
    return Population(state.take(pa.array(wanted)), features, places)


def _audience(
    p: Parameters,
    name: str,
    truth: CampaignTruth,
    usable: Bools,
    network: Network,
    state: pa.Table,
    features: tuple[str, ...],
) -> Audience:
    here = np.flatnonzero(usable[truth.rows])
    if name == "first-wealth":
        here = here[state["aum"].to_numpy()[truth.rows[here]] >= 5_000 * 100]
    rows = truth.rows[here]
    unit = network.sub_branch[rows]
    effect = {key: _reached(p, network, key, unit) * moved[here] for key, moved in truth.effect.items()}
    if name == "first-wealth":
        assessed = truth.assessed[here]
        effect = {k: np.where(assessed != k.startswith("risk-assessment"), e, 0.0) for k, e in effect.items()}
    hand = np.zeros(len(rows))
    if own := HAND_ACTION[name]:
        managed = network.manager[rows] != NOBODY
        hand = network.by_hand[unit] * managed * float(p.table("channels.rm_call")["reached"]) * truth.effect[own][here]
    channel = {key: key.split("|")[2] for key in effect}
    faces = p.table(f"{name}.face") if name == "bind-card" else {}
    return Audience(
        rows=rows,
        x=feature_matrix(state.take(pa.array(rows)), features),
        base=truth.base[here],
        effect=effect,
        hand=hand,
        worth=truth.contribution_fen[here].astype(np.float64),
        cost={key: float(p.table(f"channels.{one}")["cost"]) * 100 for key, one in channel.items()},
        face={key: float(faces.get(key.split("|")[1], 0)) * 100 for key in effect},
    )


def _reached(p: Parameters, network: Network, key: str, unit: Ints) -> Floats:
    channel = key.split("|")[2]
    rate = float(p.table(f"channels.{channel}")["reached"])
    return rate * network.execution[unit] if channel == "rm_call" else np.full(len(unit), rate)


def _known(people: SimulatedPeople, network: Network) -> dict[str, object]:
    today = day_number(TODAY)
    numbers = np.arange(1, people.count + 1)
    return {
        "customer_no": pa.array([f"C{number:08d}" for number in numbers]),
        "branch_id": pa.array([f"B{one:03d}" for one in range(network.branches)]).take(
            pa.array(network.branch_of[network.sub_branch])
        ),
        "manager_id": pa.array(network.manager, mask=network.manager == NOBODY),
        "age": people.age,
        "tenure_days": today - people.opened_day,
        "payroll": people.payroll,
        "pension": people.pension,
        "merchant_owner": people.merchant_owner,
        "app_registered": people.app,
        "push_allowed": people.push,
        "wecom_friend": people.wecom,
        "has_valid_risk_assessment": people.assessment_valid,
        "dormant": people.dormant,
    }


def _held(people: SimulatedPeople, holdings: Holdings) -> dict[str, object]:
    today, n = day_number(TODAY), people.count

    def total(*classes: str) -> Floats:
        mine = np.isin(holdings.product_class, [CLASSES.index(one) for one in classes])
        return np.asarray(np.bincount(holdings.customer[mine], holdings.balance_fen[mine], n), np.float64)

    balances = {"demand_balance": total("demand_deposit"), "term_balance": total("term_deposit")}
    balances |= {
        "wealth_balance": total("wealth"),
        "fund_balance": total("fund"),
        "insurance_balance": total("insurance"),
    }
    aum = np.sum(list(balances.values()), axis=0)
    term = np.flatnonzero((holdings.product_class == _TERM) & (holdings.matures_day >= today - 1))
    soon = term[holdings.matures_day[term] <= today - 1 + 60]
    maturing = np.bincount(holdings.customer[soon], holdings.balance_fen[soon], n)
    term = term[np.argsort(holdings.matures_day[term], kind="stable")]
    owner, first = np.unique(holdings.customer[term], return_index=True)
    ahead, renews = np.full(n, np.nan), np.full(n, np.nan)
    ahead[owner] = holdings.matures_day[term][first] - (today - 1)
    renews[owner] = holdings.auto_renew[term][first] == 1
    return {
        **balances,
        "deposits": balances["demand_balance"] + balances["term_balance"],
        "aum": aum,
        "tier": 1 + np.searchsorted(np.array([50, 200, 500, 1000, 6000]) * 100_000.0, aum, side="right"),
        "loan_balance": total("mortgage", "consumer_loan"),
        "products_held": np.bincount(np.unique(holdings.customer * 16 + holdings.product_class) // 16, minlength=n),
        "has_credit_card": people.credit_card,
        "has_wealth": people.wealth,
        "has_fund": people.fund,
        "has_insurance": people.insurance,
        "has_mortgage": people.mortgage,
        "has_consumer_loan": people.consumer_loan,
        "term_maturing_60d": maturing,
        "days_to_maturity": ahead,
        "auto_renew_next": renews,
    }


def _done(p: Parameters, streams: Streams, people: SimulatedPeople) -> dict[str, object]:
    """Return what is counted of behaviour, drawn at everybody's own pace."""
    rng = streams.generator("populations/behaviour")
    pace = pace_of(p, rng, people, 365)
    digital, money = (np.where(people.dormant, 0.0, one) for one in (pace.digital, pace.money))
    near, far = rng.poisson(0.84 * digital), rng.poisson(0.84 * digital * 60 / _MONTH)
    paid, before = rng.poisson(0.8 * money), rng.poisson(0.8 * money * 60 / _MONTH)
    return {
        "login_days_30d": np.rint(30 * (1 - np.exp(-near / 30))),
        "login_days_90d": np.rint(90 * (1 - np.exp(-(near + far) / 90))),
        "wealth_views_30d": rng.poisson(0.11 * digital),
        "push_opens_90d": rng.poisson(0.03 * digital * 90 / _MONTH),
        "transactions_30d": paid,
        "transactions_90d": paid + before,
        "spend_90d": (paid + before) * np.where(people.bound, 4_800.0, 8_500.0),
    }
