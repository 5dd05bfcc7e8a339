"""Balances and holdings: each customer's AUM split over products so that the bank's totals are met."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np

from bankloop.simulate.draw import Bools, Floats, Ints, choose, mark_share, unit_lognormal
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import YEAR_DAYS, SimulatedPeople, day_number
from bankloop.simulate.streams import Streams

CLASSES = (
    "demand_deposit",
    "term_deposit",
    "wealth",
    "fund",
    "insurance",
    "credit_card",
    "mortgage",
    "consumer_loan",
    "debit_card",
)
PRODUCTS = (
    "demand-deposit",
    "term-deposit-3m",
    "term-deposit-6m",
    "term-deposit-1y",
    "term-deposit-3y",
    "wealth-cash",
    "wealth-fixed-income",
    "fund-bond",
    "fund-equity",
    "insurance-annuity",
    "card-credit",
    "loan-mortgage",
    "loan-consumer",
    "card-debit",
)
NO_DAY = -1
_AUM_CLASSES = 5  # the first five
_FENS = 100
_YEAR = 365
# Splitting is repeated until both totals settle; twelve rounds leave less than a tenth of a per cent.
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Holdings:
    """One entry a holding: number, customer's row, class, product, fen, days (−1 for none), auto-renewal (−1 unknown)."""

    number: Ints
    customer: Ints
    product_class: Ints
    product: Ints
    balance_fen: Ints
    opened_day: Ints
    matures_day: Ints
    auto_renew: Ints

    @property
    def counts_as_aum(self) -> Bools:
        """Return which holdings are the customer's money: deposits and investments, not debt or cards."""
        return self.product_class < _AUM_CLASSES

    def pick(self, chosen: Bools | Ints) -> Holdings:
        """Return the chosen holdings, by mask or by place."""
        return Holdings(*(getattr(self, field.name)[chosen] for field in fields(self)))


def make_holdings(parameters: Parameters, streams: Streams, people: SimulatedPeople, today: date) -> Holdings:
    """Split every customer's AUM and return all holdings, sorted by customer."""
    rng = streams.generator("holdings")
    share = _split(parameters, rng, people)
    day = day_number(today)
    parts = [_term_deposits(parameters, streams.generator("term"), people, share["term"] * people.aum, day)]
    demand = np.ones(people.count, dtype=bool)
    short = rng.random(people.count) < 0.45
    equity = rng.random(people.count) < 0.35
    debt = {
        name: parameters.number(f"holdings.{name}_mean") * unit_lognormal(rng, 0.7, people.count)
        for name in ("credit_card", "mortgage", "consumer_loan")
    }
    zero = np.zeros(people.count)
    for number, mask, product, balance in (
        (0, demand, zero, share["demand"] * people.aum),
        (2, people.wealth, np.where(short, 5, 6), share["wealth"] * people.aum),
        (3, people.fund, np.where(equity, 8, 7), share["fund"] * people.aum),
        (4, people.insurance, zero + 9, share["insurance"] * people.aum),
        (5, people.credit_card, zero + 10, debt["credit_card"]),
        (6, people.mortgage, zero + 11, debt["mortgage"]),
        (7, people.consumer_loan, zero + 12, debt["consumer_loan"]),
        (8, people.debit_card, zero + 13, zero),
    ):
        parts.append(_plain(rng, people, number, mask, product, balance, day))
    joined = [np.concatenate([part[column] for part in parts]) for column in range(7)]
    order = np.lexsort((joined[5], joined[1], joined[0]))
    return Holdings(np.arange(1, len(order) + 1), *(column[order] for column in joined))


def term_days(parameters: Parameters) -> Ints:
    """Return the days that a deposit of each product runs, by the place in PRODUCTS; 0 for what never matures."""
    days = np.zeros(len(PRODUCTS), dtype=np.int64)
    terms = np.array(parameters.numbers("maturity.terms_months"))
    days[1 : 1 + len(terms)] = np.rint(terms * YEAR_DAYS / 12)
    return days


def _split(p: Parameters, rng: np.random.Generator, people: SimulatedPeople) -> dict[str, Floats]:
    """Return shares of AUM that meet the bank's deposit and term-deposit ratios."""
    n = people.count
    weight = {
        "demand": rng.gamma(1.2, 0.5, n) + 0.02,
        "term": people.term * rng.gamma(3.0, 0.5, n),
        "wealth": people.wealth * rng.gamma(3.0, 0.4, n),
        "fund": people.fund * rng.gamma(2.0, 0.15, n),
        "insurance": people.insurance * rng.gamma(2.0, 0.15, n),
    }
    total = people.aum.sum()
    target_term, target_invest = p.number("holdings.term_of_aum"), 1 - p.number("holdings.deposits_of_aum")
    term, invest = 1.0, 1.0
    for _ in range(_ROUNDS):
        invested = weight["wealth"] + weight["fund"] + weight["insurance"]
        whole = weight["demand"] + term * weight["term"] + invest * invested
        got_term = float((people.aum * term * weight["term"] / whole).sum() / total)
        got_invest = float((people.aum * invest * invested / whole).sum() / total)
        # The odds, not the share, respond about in proportion to a weight.
        term *= _odds(target_term) / _odds(max(got_term, 1e-6))
        invest *= _odds(target_invest) / _odds(max(got_invest, 1e-6))
    factor = {"demand": 1.0, "term": term, "wealth": invest, "fund": invest, "insurance": invest}
    whole = sum((weight[name] * factor[name] for name in weight), np.zeros(n))
    return {name: weight[name] * factor[name] / whole for name in weight}


def _odds(share: float) -> float:
    return share / (1 - min(share, 0.999999))


def _plain(
    rng: np.random.Generator,
    people: SimulatedPeople,
    product_class: int,
    mask: Bools,
    product: Floats | Ints,
    balance: Floats,
    today: int,
) -> tuple[Ints, ...]:
    rows = np.flatnonzero(mask)
    start = people.opened_day[rows]
    owned = np.maximum(today - 1 - start, 0)
    since = np.where(product_class in (0, 8), start, start + rng.random(len(rows)) ** 0.7 * owned)
    none = np.full(len(rows), NO_DAY)
    return (
        rows,
        np.full(len(rows), product_class),
        product[rows].astype(np.int64),
        np.rint(balance[rows] * _FENS).astype(np.int64),
        since.astype(np.int64),
        none,
        none,
    )


def _term_deposits(
    p: Parameters, rng: np.random.Generator, people: SimulatedPeople, amount: Floats, today: int
) -> tuple[Ints, ...]:
    second, third = p.numbers("holdings.more_deposits")
    holders = np.flatnonzero(people.term)
    draw = rng.random(len(holders))
    pieces = 1 + (draw < second).astype(np.int64) + (draw < third)
    rows = np.repeat(holders, pieces)
    part = rng.gamma(2.0, 1.0, len(rows))
    whole = np.bincount(rows, part, people.count)
    fen = np.rint(amount[rows] * part / whole[rows] * _FENS).astype(np.int64)
    terms = p.numbers("maturity.terms_months")
    kind = choose(rng, p.numbers("maturity.term_shares"), len(rows))
    matures = _maturity_days(p, rng, kind, terms, today)
    days = term_days(p)[1 + kind]
    renew = _auto_renew(p, rng, people, rows, fen)
    return rows, np.ones_like(rows), 1 + kind, fen, matures - days, matures, renew.astype(np.int64)


def _auto_renew(p: Parameters, rng: np.random.Generator, people: SimulatedPeople, rows: Ints, fen: Ints) -> Bools:
    lazy = 0.02 * people.age[rows] - 0.25 * people.digital[rows]
    score = lazy + rng.standard_normal(len(rows))
    # The same share among large and small deposits: the campaign looks at the large ones only.
    large = fen >= p.number("keep-deposits.least_balance") * _FENS
    share = p.number("maturity.auto_renew")
    return mark_share(score, share, large) | mark_share(score, share, ~large)


def _maturity_days(p: Parameters, rng: np.random.Generator, kind: Ints, terms: list[float], today: int) -> Ints:
    """Return days from today on within each term, with the season's share in January to March."""
    quarter = p.number("maturity.first_quarter")
    days = np.empty(len(kind), dtype=np.int64)
    for number, months in enumerate(terms):
        rows = np.flatnonzero(kind == number)
        ahead = today + np.arange(round(months * YEAR_DAYS / 12))
        month = (ahead.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)) % 12
        weight = np.where(month < 3, quarter / 90.25, (1 - quarter) / 275.0)
        days[rows] = ahead[choose(rng, weight.tolist(), len(rows))]
    return days


def maturing(holdings: Holdings, day: int, ahead: int, least: float) -> tuple[Ints, Floats, Bools]:
    """Return the customers with deposits of at least ``least`` yuan maturing within ``ahead`` days after ``day``.

    Their rows, the sum in yuan, and whether the largest of the deposits renews by itself.
    """
    picked = np.flatnonzero(falls_due(holdings, day, day + ahead))
    picked = picked[np.lexsort((-holdings.balance_fen[picked], holdings.customer[picked]))]
    rows, first, place = np.unique(holdings.customer[picked], return_index=True, return_inverse=True)
    total = np.bincount(place, holdings.balance_fen[picked], len(rows)) / _FENS
    large = total >= least
    return rows[large], total[large], (holdings.auto_renew[picked][first] == 1)[large]


def held_on(parameters: Parameters, holdings: Holdings, today: date, day: date) -> Holdings:
    """Return what was held on an earlier day, of what is held today.

    What was opened since took the place of its like, whole years older; balances were as much smaller as the bank grew.
    """
    limit, gone = day_number(day), (today - day).days / _YEAR
    years = -(-np.maximum(holdings.opened_day - limit, 0) // _YEAR) * _YEAR
    owned = holdings.counts_as_aum
    fen = np.rint(holdings.balance_fen / (1 + parameters.number("season.year_growth")) ** gone).astype(np.int64)
    return replace(
        holdings,
        balance_fen=np.where(owned, fen, holdings.balance_fen),
        opened_day=np.where(holdings.opened_day == NO_DAY, NO_DAY, holdings.opened_day - years),
        matures_day=np.where(holdings.matures_day == NO_DAY, NO_DAY, holdings.matures_day - years),
    )


def falls_due(holdings: Holdings, after: int, until: int) -> Bools:
    """Return which holdings are deposits that mature after one day and not later than another."""
    due = (holdings.matures_day > after) & (holdings.matures_day <= until)
    return np.asarray((holdings.product_class == CLASSES.index("term_deposit")) & due, dtype=bool)
