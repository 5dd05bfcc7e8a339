"""From where the bank stands on one day to where it stands on another: goals reached, deposits matured, money moved.

The same step writes the bank's recent past and its future after a round; nothing is drawn here but by named streams and
counter-based uniforms, so that the same step gives the same bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from bankloop.simulate.draw import Bools, Ints
from bankloop.simulate.history import FIRST_PAYMENT, FIRST_PURCHASE, KEPT, MATURED, Deeds, deeds
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import YEAR_DAYS, SimulatedPeople, day_number
from bankloop.simulate.portfolios import CLASSES, NO_DAY, PRODUCTS, Holdings, falls_due, term_days
from bankloop.simulate.standing import BankStanding
from bankloop.simulate.streams import Streams, uniforms
from bankloop.simulate.truth import CampaignTruth

_WINDOW_OF_RATES = 30
_KIND = {"bind-card": FIRST_PAYMENT, "first-wealth": FIRST_PURCHASE, "keep-deposits": KEPT}
_DEMAND, _TERM, _WEALTH = (CLASSES.index(name) for name in ("demand_deposit", "term_deposit", "wealth"))


@dataclass(frozen=True, slots=True)
class Dated:
    """Customer rows, each once, and the day on which something happened to each."""

    rows: Ints
    day: Ints

    def by_customer(self, customers: int) -> Ints:
        """Return a day for every customer, −1 where nothing happened."""
        out = np.full(customers, NO_DAY)
        out[self.rows] = self.day
        return out


NOTHING = Dated(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Notes:
    """What the bank learned from customers in between: assessments done, complaints, consent withdrawn."""

    assessed: Dated = NOTHING
    complained: Dated = NOTHING
    unsubscribed: Dated = NOTHING


def naturally(
    p: Parameters,
    streams: Streams,
    before: BankStanding,
    campaign: str,
    truth: CampaignTruth,
    begin: date,
    last: date,
    among: Bools | None = None,
) -> Dated:
    """Return who of a population reaches the goal unasked between two days, by the truth's base, and when.

    ``among`` limits it to entries of the truth. A deposit is kept when it matures or, agreed before, on any day: a step
    shorter than the rates' window takes its part of what is agreed before.
    """
    low, days = day_number(begin), day_number(last) - day_number(begin) + 1
    part = days / _WINDOW_OF_RATES
    if campaign == "keep-deposits":
        maturing = np.zeros(before.people.count, dtype=bool)
        maturing[before.holdings.customer[falls_due(before.holdings, day_number(before.day), day_number(last))]] = True
        exponent = np.where(maturing[truth.rows], 1.0, min(part, 1.0))
    else:
        exponent = np.full(len(truth.rows), part)
    chance = 1 - (1 - truth.base) ** exponent
    key = (streams.seed, campaign, "natural", begin)
    hit = uniforms(truth.rows, *key, "success") < chance
    rows = truth.rows[hit if among is None else hit & among]
    earliest = np.full(len(rows), low)
    if campaign == "keep-deposits":
        due = falls_due(before.holdings, day_number(before.day), day_number(last))
        latest = np.full(before.people.count, low)
        np.maximum.at(latest, before.holdings.customer[due], before.holdings.matures_day[due])
        earliest = latest[rows]
    share = uniforms(rows, *key, "day")
    return Dated(rows, earliest + (share * (low + days - earliest)).astype(np.int64))


def reached_deeds(campaign: str, truth: CampaignTruth, reached: Dated) -> Deeds:
    """Return the goals reached as the bank records them."""
    place = np.searchsorted(truth.rows, reached.rows)
    return deeds((reached.rows, _KIND[campaign], reached.day, truth.amount_fen[place]))


def move(
    p: Parameters,
    streams: Streams,
    before: BankStanding,
    truth: Mapping[str, CampaignTruth],
    reached: Mapping[str, Dated],
    last: date,
    notes: Notes | None = None,
    agreed: Ints | None = None,
) -> tuple[BankStanding, Deeds]:
    """Return where the bank stands at the end of ``last``, and the deposits that matured on the way.

    ``reached`` holds who reached the goal of each campaign (rows of its truth). What leaves with a deposit that is not
    kept is gone; as many deposits are opened by others, so that the bank stays as large as it was. Customers (rows) in
    ``agreed`` renew in a campaign, for twelve months and also before maturity; what renews by itself runs as before.
    """
    asked = np.zeros(before.people.count, dtype=bool)
    if agreed is not None:
        asked[agreed] = True
    step = _Step(p, streams, before, day_number(before.day), day_number(last))
    holdings, matured = _deposits(step, truth["keep-deposits"], reached["keep-deposits"], asked)
    holdings = _purchases(holdings, truth["first-wealth"], reached["first-wealth"])
    people = _people(step, reached, notes or Notes())
    owned = np.bincount(
        holdings.customer, np.where(holdings.counts_as_aum, holdings.balance_fen, 0), before.people.count
    )
    order = np.lexsort((holdings.number, holdings.matures_day, holdings.product_class, holdings.customer))
    return BankStanding(last, replace(people, aum=owned / 100), holdings.pick(order)), matured


@dataclass(frozen=True, slots=True)
class _Step:
    p: Parameters
    streams: Streams
    before: BankStanding
    low: int
    high: int


def _deposits(step: _Step, truth: CampaignTruth, kept: Dated, asked: Bools) -> tuple[Holdings, Deeds]:
    """Renew what is kept, drop what leaves, add what others open."""
    old, people = step.before.holdings, step.before.people
    matured = falls_due(old, step.low, step.high)
    member = np.zeros(people.count, dtype=bool)
    member[truth.rows] = True
    agreed = kept.by_customer(people.count)
    ahead = falls_due(old, step.low, step.low + int(step.p["keep-deposits.days_ahead"]))
    held = ahead & member[old.customer] & (agreed[old.customer] != NO_DAY) & (matured | asked[old.customer])
    # A smaller deposit is nobody's campaign: it stays or goes by the same bases.
    small = matured & ~member[old.customer]
    base = np.where(old.auto_renew == 1, step.p["keep-deposits.base_auto_renew"], step.p["keep-deposits.base_other"])
    stays = small & (uniforms(old.number, step.streams.seed, "small deposits", step.high) * 100 < base)
    gone = matured & ~held & ~stays
    share = np.ones(people.count)
    due = np.bincount(old.customer, np.where(ahead, old.balance_fen, 0), people.count)
    share[truth.rows] = np.minimum(1.0, truth.amount_fen / np.maximum(due[truth.rows], 1))
    place = np.flatnonzero(held | stays)
    opened = np.where(matured[place], old.matures_day[place], agreed[old.customer[place]])
    itself = (old.auto_renew[place] == 1) & ~asked[old.customer[place]]
    product = np.where(itself, old.product[place], PRODUCTS.index("term-deposit-1y"))
    left = old.pick(~(held | stays | gone))
    number = int(old.number.max(initial=0)) + 1
    renewed = replace(
        old.pick(place),
        number=number + np.arange(len(place)),
        product=product,
        balance_fen=np.rint(old.balance_fen[place] * np.where(held[place], share[old.customer[place]], 1.0)).astype(
            np.int64
        ),
        opened_day=opened,
        matures_day=opened + term_days(step.p)[product],
    )
    fresh = _opened(step, old.pick(gone), number + len(place))
    rows = np.flatnonzero(matured)
    small_rows = np.flatnonzero(stays)
    known = deeds(
        (old.customer[rows], MATURED, old.matures_day[rows], old.balance_fen[rows]),
        (old.customer[small_rows], KEPT, old.matures_day[small_rows], old.balance_fen[small_rows]),
    )
    return _stacked(left, renewed, fresh), known


def _opened(step: _Step, gone: Holdings, number: int) -> Holdings:
    """Return deposits like the ones that left, opened in between by other savers of about the same standing."""
    people, rng = step.before.people, step.streams.generator(f"opened/{step.high}")
    savers = np.flatnonzero(people.term & (people.opened_day <= step.low))
    count = len(gone.number) if len(savers) else 0
    chosen = rng.choice(savers, count, replace=count > len(savers)) if count else savers[:0]
    chosen = chosen[np.argsort(people.aum[chosen], kind="stable")]
    like = gone.pick(np.argsort(gone.balance_fen, kind="stable")[:count])
    day = step.low + 1 + (rng.random(count) * (step.high - step.low)).astype(np.int64)
    ends = np.maximum(day + term_days(step.p)[like.product], step.high + 1)
    return replace(like, number=number + np.arange(count), customer=chosen, opened_day=day, matures_day=ends)


def _purchases(old: Holdings, truth: CampaignTruth, bought: Dated) -> Holdings:
    """Add what was bought; the displaced part leaves the buyer's own deposits as far as they reach."""
    place = np.searchsorted(truth.rows, bought.rows)
    owed = np.zeros(int(max(old.customer.max(initial=0), truth.rows.max(initial=0))) + 1, dtype=np.int64)
    owed[bought.rows] = truth.displaced_fen[place]
    source = np.flatnonzero((old.product_class <= _TERM) & (owed[old.customer] > 0))
    source = source[np.lexsort((old.product_class[source], old.customer[source]))]
    balance, holder = old.balance_fen[source], old.customer[source]
    before = np.cumsum(balance) - balance
    _, first, group = np.unique(holder, return_index=True, return_inverse=True)
    taken = np.clip(owed[holder] - (before - before[first][group]), 0, balance)
    fen = old.balance_fen.copy()
    fen[source] -= taken
    empty = (old.product_class == _TERM) & (fen == 0) & (old.balance_fen > 0)
    count = len(bought.rows)
    new = Holdings(
        int(old.number.max(initial=0)) + 1 + np.arange(count),
        bought.rows,
        np.full(count, _WEALTH),
        np.full(count, PRODUCTS.index("wealth-fixed-income")),
        truth.amount_fen[place],
        bought.day,
        np.full(count, NO_DAY),
        np.full(count, NO_DAY),
    )
    return _stacked(replace(old, balance_fen=fen).pick(~empty), new)


def _people(step: _Step, reached: Mapping[str, Dated], notes: Notes) -> SimulatedPeople:
    people, n = step.before.people, step.before.people.count
    paid = reached["bind-card"].by_customer(n)
    bought = reached["first-wealth"].by_customer(n)
    complained = np.maximum(people.complaint_day, notes.complained.by_customer(n))
    consent = people.consent & (notes.unsubscribed.by_customer(n) == NO_DAY)
    assessed, tolerance = _assessments(step, people, bought, notes.assessed.by_customer(n))
    return replace(
        people,
        age=((step.high + 1 - people.birth_day) / YEAR_DAYS).astype(np.int64),
        bound=people.bound | (paid != NO_DAY),
        wealth=people.wealth | (bought != NO_DAY),
        complaint_day=complained,
        consent=consent,
        assessed_day=assessed,
        assessment_valid=(assessed != NO_DAY) & (step.high - assessed <= step.p["assessment.valid_days"]),
        tolerance=tolerance,
    )


def _assessments(step: _Step, people: SimulatedPeople, bought: Ints, invited: Ints) -> tuple[Ints, Ints]:
    """Return assessment days and levels: nobody buys without a valid one, most renew theirs when it runs out."""
    valid_days = int(step.p["assessment.valid_days"])
    ends = people.assessed_day + valid_days
    ran_out = people.assessment_valid & (ends < step.high)
    share = uniforms(np.arange(people.count), step.streams.seed, "assessment", step.high)
    day = np.where(
        ran_out & (share < step.p.number("assessment.renewed")), np.maximum(ends, step.low + 1), people.assessed_day
    )
    lacking = (bought != NO_DAY) & ((day == NO_DAY) | (bought - day > valid_days))
    day = np.where(lacking, bought, day)
    day = np.maximum(day, invited)
    # A first level is drawn as the bank's levels are; who buys has the level that the product asks for.
    first = 1 + np.searchsorted(np.cumsum(step.p.numbers("assessment.tolerance"))[:-1], share, side="right")
    level = np.where((people.tolerance == 0) & (day != NO_DAY), first, people.tolerance)
    return day, np.where(bought != NO_DAY, np.maximum(level, 2), level)


def _stacked(*parts: Holdings) -> Holdings:
    names = Holdings.__dataclass_fields__
    return Holdings(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def settled(old: CampaignTruth, new: CampaignTruth, unassessed: float) -> CampaignTruth:
    """Return the new truth in which who was in the old one keeps type, base and effects.

    Only an assessment that was done or ran out in between changes the base, by the ratio ``unassessed``.
    """
    place = np.searchsorted(old.rows, new.rows).clip(0, max(len(old.rows) - 1, 0))
    known = old.rows[place] == new.rows if len(old.rows) else np.zeros(len(new.rows), dtype=bool)
    if not known.any():
        return new

    change = np.select(
        [new.assessed & ~old.assessed[place], ~new.assessed & old.assessed[place]], [1 / unassessed, unassessed], 1.0
    )
    return replace(
        new,
        type_code=np.where(known, old.type_code[place], new.type_code),
        base=np.where(known, np.minimum(old.base[place] * change, 0.95), new.base),
        effect={key: np.where(known, old.effect[key][place], values) for key, values in new.effect.items()},
    )
