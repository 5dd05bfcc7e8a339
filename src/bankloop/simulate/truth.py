"""The truth nobody in the bank can see: what each customer would do without contact, and with every action.

An action's effect is stored as the change in probability *when the channel reaches the customer*; what a campaign can
measure is reach × effect. Types (persuadable, sure, lost, sleeping dog) follow from what the bank can see plus noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from bankloop.simulate.draw import Bools, Floats, Ints, mark, scaled_to_mean, unit_lognormal
from bankloop.simulate.network import NOBODY, Network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import ADULT, SimulatedPeople, day_number
from bankloop.simulate.portfolios import Holdings, maturing
from bankloop.simulate.streams import Streams

CAMPAIGNS = ("bind-card", "first-wealth", "keep-deposits")
TYPES = ("persuadable", "sure", "lost", "dog")
HAND_ACTION = {
    "bind-card": "",
    "first-wealth": "wealth-fixed-income|none|rm_call",
    "keep-deposits": "term-deposit-renewal|none|rm_call",
}
_CHANNEL_SIGMA = 0.25
_HIGHEST = 0.98
# Below ten thousand yuan there is less and less to invest.
_SAVER = 10_000


@dataclass(frozen=True, slots=True)
class CampaignTruth:
    """One entry a customer of the natural population; ``effect`` by action key; money is fen for one success.

    ``assessed`` says who has a valid risk assessment where that matters: an invitation moves only who has none, a
    product only who has one. ``effect`` is what it would be if the action were open.
    """

    rows: Ints
    type_code: Ints
    base: Floats
    assessed: Bools
    effect: dict[str, Floats]
    amount_fen: Ints
    attributed_fen: Ints
    contribution_fen: Ints
    new_money_fen: Ints
    displaced_fen: Ints


def contactable(people: SimulatedPeople) -> Bools:
    """Return who may be contacted for marketing at all; the means of the parameter file are over these."""
    barred = people.do_not_contact | people.phone_bad | people.staff | people.staff_relative
    barred = barred | people.watchlist | people.frozen | (people.overdue_days > 0)
    return np.asarray(people.consent & ~barred & (people.age >= ADULT), dtype=bool)


def availability(people: SimulatedPeople, network: Network) -> dict[str, Bools]:
    """Return who a channel can address at all."""
    return {
        "app_push": people.push,
        "sms": ~people.phone_bad,
        "wecom": people.wecom,
        "rm_call": network.manager != NOBODY,
    }


def make_truth(
    parameters: Parameters, streams: Streams, people: SimulatedPeople, network: Network, holdings: Holdings, today: date
) -> dict[str, CampaignTruth]:
    """Return the truth of the three demo campaigns for who was a customer before ``today``.

    What is random belongs to the customer, not to the day: on another day the same person has much the same truth.
    """
    return {
        "bind-card": _bind_card(parameters, streams, people, network, day_number(today)),
        "first-wealth": _first_wealth(parameters, streams, people, network, day_number(today)),
        "keep-deposits": _keep_deposits(parameters, streams, people, network, holdings, day_number(today)),
    }


@dataclass(frozen=True, slots=True)
class _Chance:
    """Draws by customer: made for all, read for the rows of a population."""

    rng: np.random.Generator
    customers: int
    rows: Ints

    def normal(self) -> Floats:
        return self.rng.standard_normal(self.customers)[self.rows]

    def lognormal(self, sigma: float) -> Floats:
        return unit_lognormal(self.rng, sigma, self.customers)[self.rows]

    def beta(self, a: float, b: float) -> Floats:
        return self.rng.beta(a, b, self.customers)[self.rows]


def _bind_card(p: Parameters, streams: Streams, people: SimulatedPeople, network: Network, today: int) -> CampaignTruth:
    low, high = p["bind-card.ages"]
    here = people.debit_card & ~people.bound & (people.opened_day < today)
    rows = np.flatnonzero(here & (people.age >= low) & (people.age <= high))
    chance = _Chance(streams.generator("truth/bind-card"), people.count, rows)
    counted = contactable(people)[rows]
    types = _types(p, chance, people, rows, counted)
    base = _base(p, chance, types, p.number("bind-card.base") / 100, counted)
    can = {channel: mask[rows] for channel, mask in availability(people, network).items()}
    lifts = p.table("bind-card.lifts")
    effect = _effects(p, chance, types, base, lifts, can, dict.fromkeys(lifts, counted))
    amount = np.rint(np.clip(4500 * np.exp(0.9 * chance.normal()), 100, 5e5)).astype(np.int64)
    worth = scaled_to_mean(
        chance.lognormal(0.5) * np.exp(0.15 * _standard(people.digital[rows])),
        p.number("bind-card.success_value") * 100,
        0,
        np.inf,
        counted,
    )
    fen = np.rint(worth).astype(np.int64)
    nothing = np.zeros(len(rows), dtype=np.int64)
    every = np.ones(len(rows), dtype=bool)
    return CampaignTruth(rows, types, base, every, effect, amount, fen, fen, nothing, nothing)


def _first_wealth(
    p: Parameters, streams: Streams, people: SimulatedPeople, network: Network, today: int
) -> CampaignTruth:
    low, high = p["first-wealth.ages"]
    here = people.payroll & ~people.wealth & (people.opened_day < today)
    rows = np.flatnonzero(here & (people.age >= low) & (people.age <= high))
    chance = _Chance(streams.generator("truth/first-wealth"), people.count, rows)
    counted = contactable(people)[rows] & (people.aum[rows] >= p.number("first-wealth.calibrated_from"))
    counted &= people.aum[rows] < p.number("tiers.private_banking_from")
    valid = people.assessment_valid[rows]
    types = _types(p, chance, people, rows, counted)
    tilt = np.where(valid, 1.0, p.number("first-wealth.unassessed")) * np.minimum(1, people.aum[rows] / _SAVER) ** 0.7
    base = _base(p, chance, types, p.number("first-wealth.base") / 100, counted, tilt)
    lifts = p.table("first-wealth.lifts")
    can = {channel: mask[rows] for channel, mask in availability(people, network).items()}
    can["rm_call"] &= people.aum[rows] >= p.number("first-wealth.rm_call_from")
    over = {key: counted & open_to(key, valid) for key in lifts}
    effect = _effects(p, chance, types, base, lifts, can, over)
    amount = _purchase(p, chance, people, rows, counted)
    displaced = _displaced_share(p, chance, people, rows, amount, counted)
    gross = amount * p.number("first-wealth.gross_bp") / 1e4
    net = gross - amount * displaced * p.number("first-wealth.displaced_bp") / 1e4
    return CampaignTruth(
        rows,
        types,
        base,
        valid,
        effect,
        _fen(amount),
        _fen(gross),
        _fen(net),
        _fen(amount * (1 - displaced)),
        _fen(amount * displaced),
    )


def open_to(action: str, assessed: Bools) -> Bools:
    """Return to whom an action is open: the invitation to who has no valid assessment, a product to who has one."""
    return ~assessed if action.startswith("risk-assessment") else assessed


def _purchase(p: Parameters, chance: _Chance, people: SimulatedPeople, rows: Ints, counted: Bools) -> Floats:
    median, mean = p.number("first-wealth.purchase_median"), p.number("first-wealth.purchase_mean")
    sigma = (2 * np.log(mean / median)) ** 0.5
    score = 0.5 * _standard(np.log(1000 + people.aum[rows]), counted) + 0.75**0.5 * chance.normal()
    amount: Floats = median * np.exp(sigma * score)
    return np.clip(amount, p.number("first-wealth.purchase_least"), 5e6)


def _displaced_share(
    p: Parameters, chance: _Chance, people: SimulatedPeople, rows: Ints, amount: Floats, counted: Bools
) -> Floats:
    """Return the share of a purchase that leaves our own deposits: more where the bank already holds the money."""
    covered = np.log((1000 + people.aum[rows]) / amount)
    raw: Floats = 1 / (1 + np.exp(-0.5 * covered - chance.normal()))
    if not counted.any():
        return raw
    return raw * p.number("first-wealth.displaced") / float(np.average(raw[counted], weights=amount[counted]))


def _keep_deposits(
    p: Parameters, streams: Streams, people: SimulatedPeople, network: Network, holdings: Holdings, today: int
) -> CampaignTruth:
    rows, balance, renews = maturing(
        holdings, today - 1, int(p["keep-deposits.days_ahead"]), p.number("keep-deposits.least_balance")
    )
    chance = _Chance(streams.generator("truth/keep-deposits"), people.count, rows)
    tie = _standard(0.3 * people.age[rows] / 10 + 0.6 * people.payroll[rows] - 0.4 * people.digital[rows])
    score = 0.5 * tie + 0.5 * chance.normal()
    base = np.where(
        renews,
        _logistic_mean(score, p.number("keep-deposits.base_auto_renew") / 100, renews),
        _logistic_mean(score, p.number("keep-deposits.base_other") / 100, ~renews),
    )
    person = chance.lognormal(p.number("response.sigma")) * np.exp(-0.35 * tie)
    effect: dict[str, Floats] = {}
    for key, other in p.table("keep-deposits.lifts_other").items():
        reached = _reach_factor(p, key)
        effect[key] = np.zeros(len(rows))
        for group, lift in ((renews, p.table("keep-deposits.lifts_auto_renew")[key]), (~renews, other)):
            scaled = scaled_to_mean(
                person * np.sign(lift), lift / 100 / reached, -base * _HIGHEST, (1 - base) * _HIGHEST, group
            )
            effect[key] = np.where(group, scaled, effect[key])
    can = {channel: mask[rows] for channel, mask in availability(people, network).items()}
    for key in effect:
        effect[key] *= can[key.split("|")[2]]
    least = p.number("keep-deposits.kept_share")
    kept = balance * (least + (1 - least) * chance.beta(3.0, 1.0))
    worth = _fen(kept * p.number("keep-deposits.success_value") / (float(kept.mean()) if len(rows) else 1.0))
    nothing = np.zeros(len(rows), dtype=np.int64)
    types = np.where(renews, TYPES.index("dog"), TYPES.index("persuadable"))
    every = np.ones(len(rows), dtype=bool)
    return CampaignTruth(rows, types, base, every, effect, _fen(kept), worth, worth, nothing, nothing)


def _types(p: Parameters, chance: _Chance, people: SimulatedPeople, rows: Ints, counted: Bools) -> Ints:
    """Assign the four types with exact shares within the contactable and, apart, within the rest."""
    shares, signal = p.table("response.types"), p.number("response.signal")
    digital, activity = _standard(people.digital[rows]), _standard(people.activity[rows])
    seen = {
        "sure": _standard(digital + activity + 0.8 * people.active[rows]),
        "persuadable": _standard(
            0.5 * digital + 0.9 * people.push[rows] - 0.5 * np.abs(activity) + 0.4 * people.payroll[rows]
        ),
        "dog": _standard(people.age[rows] / 15 + 2.0 * (people.complaint_day[rows] > 0) + 0.3 * people.tier[rows]),
    }
    types = np.full(len(rows), TYPES.index("lost"))
    noise = {name: chance.normal() for name in seen}
    for group in (counted, ~counted):
        for name, index in seen.items():
            free = group & (types == TYPES.index("lost"))
            hit = mark(signal * index + noise[name], round(shares[name] * int(group.sum())), free)
            types[hit] = TYPES.index(name)
    return types


def _base(
    p: Parameters, chance: _Chance, types: Ints, mean: float, counted: Bools, tilt: Floats | float = 1.0
) -> Floats:
    weights = p.table("response.base_weight")
    raw = np.array([weights[name] for name in TYPES])[types] * chance.lognormal(p.number("response.sigma"))
    return scaled_to_mean(raw * tilt, mean, 0.0, 0.9, counted)


def _effects(
    p: Parameters,
    chance: _Chance,
    types: Ints,
    base: Floats,
    lifts: dict[str, float],
    can: dict[str, Bools],
    over: dict[str, Bools],
) -> dict[str, Floats]:
    """Return each action's effect when reached, so that the intention-to-treat mean is the parameter's."""
    sigma = p.number("response.sigma")
    weights = p.table("response.lift_weight")
    person = np.array([weights[name] for name in TYPES])[types]
    person = person * chance.lognormal((sigma**2 - _CHANNEL_SIGMA**2) ** 0.5)
    by_channel = {channel: chance.lognormal(_CHANNEL_SIGMA) for channel in can}
    effect = {}
    for key, lift in lifts.items():
        channel = key.split("|")[2]
        mean = lift / 100 / _reach_factor(p, key)
        raw = person * by_channel[channel]
        effect[key] = (
            scaled_to_mean(raw, mean, -base * _HIGHEST, (1 - base) * _HIGHEST, over[key] & can[channel]) * can[channel]
        )
    return effect


def _reach_factor(p: Parameters, key: str) -> float:
    """Return what turns an intention-to-treat lift into an effect when reached; calls are stated when reached."""
    channel = key.split("|")[2]
    return 1.0 if channel == "rm_call" else float(p.table(f"channels.{channel}")["reached"])


def _standard(values: Floats, over: Bools | None = None) -> Floats:
    """Return z-scores, of mean 0 and deviation 1 over a mask (over all by default)."""
    base = values if over is None or not over.any() else values[over]
    spread = float(base.std()) if len(base) else 0.0
    return (values - base.mean()) / spread if spread else np.zeros(len(values))


def _logistic_mean(score: Floats, mean: float, over: Bools) -> Floats:
    """Return probabilities of the given mean over a mask, ordered by ``score``."""
    low, high = -12.0, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        short = bool(over.any()) and float((1 / (1 + np.exp(-score[over] - middle))).mean()) < mean
        low, high = (middle, high) if short else (low, middle)
    return 1 / (1 + np.exp(-score - low))


def _fen(yuan: Floats) -> Ints:
    return np.rint(yuan * 100).astype(np.int64)
