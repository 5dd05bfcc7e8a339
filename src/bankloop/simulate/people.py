"""The customers: who they are, how rich, how digital, what they agreed to, what they hold.

Every share of the parameter file is met exactly by marking the highest scores; the scores carry the correlation that a
model can learn (age, payroll, balance and activity pull on each other), the noise in them what it cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from bankloop.simulate.draw import Bools, Floats, Ints, choose, mark_share, ranked_quota
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.streams import Streams

EPOCH = date(1970, 1, 1)
WORKING_AGE = (20, 60)
PENSION_AGE = 55
ADULT = 18
SENIOR = 65
YEAR_DAYS = 365.2425


@dataclass(frozen=True, slots=True)
class SimulatedPeople:
    """One entry a customer in every array; days count from 1970-01-01, money is yuan until it is written."""

    age: Ints
    birth_day: Ints
    opened_day: Ints
    female: Bools
    payroll: Bools
    pension: Bools
    merchant_owner: Bools
    staff: Bools
    staff_relative: Bools
    tier: Ints
    aum: Floats
    digital: Floats
    activity: Floats
    app: Bools
    active: Bools
    dormant: Bools
    push: Bools
    wecom: Bools
    debit_card: Bools
    bound: Bools
    term: Bools
    wealth: Bools
    fund: Bools
    insurance: Bools
    credit_card: Bools
    mortgage: Bools
    consumer_loan: Bools
    consent: Bools
    do_not_contact: Bools
    personalisation_off: Bools
    phone_bad: Bools
    watchlist: Bools
    frozen: Bools
    overdue_days: Ints
    complaint_day: Ints
    assessed_day: Ints
    assessment_valid: Bools
    tolerance: Ints
    source: Ints

    @property
    def count(self) -> int:
        """Return the number of customers."""
        return len(self.age)


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - EPOCH).days


def make_people(parameters: Parameters, streams: Streams, count: int, today: date, joined_by: date) -> SimulatedPeople:
    """Draw ``count`` customers as they stand at the end of the day before ``today``.

    Who opens an account between ``today`` and ``joined_by`` is among them, with money on the account and nothing else.
    """
    rng = streams.generator("people")
    day = day_number(today)
    made = _lives(parameters, rng, count, day, day_number(joined_by))
    made |= _wealth(parameters, streams.generator("wealth"), made)
    made |= _digital(parameters, streams.generator("digital"), made)
    made |= _products(parameters, streams.generator("products"), made)
    made |= _consents(parameters, streams.generator("consent"), made, day)
    made |= _assessments(parameters, streams.generator("assessment"), made, day)
    late = made["opened_day"] >= day
    for product in ("bound", "term", "wealth", "fund", "insurance", "credit_card", "mortgage", "consumer_loan"):
        made[product] = made[product] & ~late
    return SimulatedPeople(**made)


def _lives(p: Parameters, rng: np.random.Generator, n: int, today: int, joined_by: int) -> dict[str, np.ndarray]:
    minors, seniors = p.number("people.minors"), p.number("people.seniors")
    stage = ranked_quota(rng.random(n), [minors, 1 - minors - seniors, seniors])
    grown = ADULT + (SENIOR - ADULT) * rng.beta(1.7, 1.9, n)
    years = np.choose(stage, [6 + rng.random(n) * 11.9, grown, SENIOR + np.minimum(rng.exponential(7, n), 30)])
    age = years.astype(np.int64)
    working = (age >= WORKING_AGE[0]) & (age < WORKING_AGE[1])
    payroll = mark_share(working * 10 + rng.standard_normal(n), p.number("people.payroll"))
    pension = mark_share(
        ((age >= PENSION_AGE) & ~payroll) * 10 + age / 20 + rng.standard_normal(n), p.number("people.pension")
    )
    adult = age >= ADULT
    owner = mark_share(adult * 10 + rng.standard_normal(n) - 3 * pension, p.number("people.merchant_owner"))
    staff = mark_share(working * 10 + payroll * 5 + rng.standard_normal(n), p.number("people.staff"))
    relative = mark_share(rng.standard_normal(n) - 99 * staff, p.number("people.staff_relative"))
    tenure = np.minimum(rng.gamma(2.0, 3.2, n), np.minimum(years - 0.2, 25))
    shares = p.numbers("people.source_shares")
    source = choose(rng, shares, n)
    source[payroll & (rng.random(n) < 0.6)] = 1
    return {
        "age": age,
        "birth_day": today - (years * YEAR_DAYS).astype(np.int64) - 1,
        "opened_day": joined_by - (tenure * YEAR_DAYS).astype(np.int64) - 2,
        "female": rng.random(n) < p.number("people.female"),
        "payroll": payroll,
        "pension": pension,
        "merchant_owner": owner,
        "staff": staff,
        "staff_relative": relative,
        "source": source,
    }


def _wealth(p: Parameters, rng: np.random.Generator, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    age, n = made["age"], len(made["age"])
    score = -(((age - 52) / 22.0) ** 2) + 0.65 * made["payroll"] + 1.2 * made["merchant_owner"]
    score = score + 0.03 * (age > PENSION_AGE) + 1.3 * rng.standard_normal(n)
    cuts, means = p.numbers("tiers.cut_offs"), p.numbers("tiers.means")
    tier = ranked_quota(score, p.numbers("tiers.shares"))
    aum = np.zeros(n)
    for number, (low, mean, weight) in enumerate(zip(cuts, means, p.numbers("tiers.concentration"), strict=True)):
        rows = np.flatnonzero(tier == number)
        rows = rows[np.argsort(score[rows] + rng.standard_normal(len(rows)), kind="stable")]
        if number + 1 == len(cuts):
            aum[rows] = low + np.sort(rng.exponential(mean - low, len(rows)))
            continue
        width = cuts[number + 1] - low
        middle = (mean - low) / width
        aum[rows] = low + width * 0.99999 * np.sort(rng.beta(middle * weight, (1 - middle) * weight, len(rows)))
    return {"tier": tier, "aum": np.round(aum, 2)}


def _digital(p: Parameters, rng: np.random.Generator, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    n, age, tier = len(made["age"]), made["age"], made["tier"]
    digital = -(age - 42) / 16 + 0.5 * made["payroll"] + 0.15 * tier + rng.standard_normal(n)
    digital = np.where(age < ADULT, -3.0, digital)
    rich = np.log10(1 + made["aum"]) / 2
    activity = 0.6 * digital + 0.8 * made["payroll"] + 0.4 * made["pension"] + rich + rng.standard_normal(n)
    app = mark_share(digital + 0.5 * activity + 0.7 * rng.standard_normal(n), p.number("digital.app_registered"))
    dormant = mark_share(-activity - 3 * made["payroll"] + 0.4 * rng.standard_normal(n), p.number("digital.dormant"))
    active = mark_share(activity + 0.5 * digital - 99 * (dormant | ~app), p.number("digital.monthly_active"))
    push = mark_share(0.4 * activity + rng.standard_normal(n) - 99 * ~app, p.number("digital.push_allowed"))
    friends, rich_friends = p.number("digital.wecom_friend"), p.number("digital.wecom_friend_from_20wan")
    upper = tier >= 2
    wecom = mark_share(0.4 * activity + rng.standard_normal(n), rich_friends, upper)
    rest = (friends * n - wecom.sum()) / max(1, int((~upper).sum()))
    wecom |= mark_share(0.4 * activity + rng.standard_normal(n) + (tier == 1), rest, ~upper)
    return {
        "digital": digital,
        "activity": activity,
        "app": app,
        "active": active,
        "dormant": dormant,
        "push": push,
        "wecom": wecom,
    }


def _products(p: Parameters, rng: np.random.Generator, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    n, age, activity, tier = len(made["age"]), made["age"], made["activity"], made["tier"]
    adult, upper = age >= ADULT, made["tier"] >= 1

    def noise() -> Floats:
        return rng.standard_normal(n)

    def two_groups(name: str, score: Floats) -> Bools:
        top = mark_share(score, p.number(f"holdings.{name}_from_5wan"), upper)
        rest = (p.number(f"holdings.{name}") * n - top.sum()) / max(1, int((~upper).sum()))
        return top | mark_share(score + np.log10(1 + made["aum"]), rest, ~upper)

    card = mark_share(0.5 * activity + 6 * adult + noise(), p.number("holdings.debit_card"))
    bound = mark_share(
        made["digital"] + 0.6 * activity + noise() - 99 * (~card | ~adult), p.number("holdings.wallet_bound")
    )
    term = two_groups("term_deposit", 0.03 * age - 0.3 * made["digital"] + noise())
    wealth = two_groups("wealth", 0.3 * activity + 0.3 * tier - 99 * ~adult + noise())
    borrower = 0.4 * made["payroll"] - 99 * ((age < 22) | (age > SENIOR))
    return {
        "debit_card": card,
        "bound": bound,
        "term": term,
        "wealth": wealth,
        "fund": mark_share(
            0.5 * made["digital"] + 0.5 * tier + wealth - 99 * ~adult + noise(), p.number("holdings.fund")
        ),
        "insurance": mark_share(0.02 * age + 0.4 * tier - 99 * ~adult + noise(), p.number("holdings.insurance")),
        "credit_card": mark_share(0.4 * made["digital"] + borrower + noise(), p.number("holdings.credit_card")),
        "mortgage": mark_share(borrower + 0.2 * tier + noise(), p.number("holdings.mortgage")),
        "consumer_loan": mark_share(
            borrower + 0.3 * made["digital"] - 0.2 * tier + noise(), p.number("holdings.consumer_loan")
        ),
    }


def _consents(
    p: Parameters, rng: np.random.Generator, made: dict[str, np.ndarray], today: int
) -> dict[str, np.ndarray]:
    n, activity = len(made["age"]), made["activity"]
    silent = mark_share(rng.standard_normal(n), p.number("consent.do_not_contact"))
    consent = mark_share(
        0.6 * activity + 2.4 * made["bound"] + 1.2 * rng.standard_normal(n) - 9 * silent, p.number("consent.marketing")
    )
    indebted = made["credit_card"] | made["mortgage"] | made["consumer_loan"]
    overdue = mark_share(rng.standard_normal(n) - 99 * ~indebted, p.number("consent.overdue"))
    complained = mark_share(0.2 * activity + rng.standard_normal(n), p.number("consent.complaint_year"))
    days_late = 1 + np.minimum(rng.exponential(35, n), 700).astype(np.int64)
    return {
        "do_not_contact": silent,
        "consent": consent,
        "personalisation_off": mark_share(rng.standard_normal(n), p.number("consent.personalisation_off")),
        "phone_bad": mark_share(-0.6 * activity + rng.standard_normal(n), p.number("consent.bad_phone")),
        "watchlist": mark_share(rng.standard_normal(n), p.number("consent.watchlist")),
        "frozen": mark_share(rng.standard_normal(n), p.number("consent.frozen")),
        "overdue_days": np.where(overdue, days_late, 0),
        "complaint_day": np.where(complained, today - rng.integers(1, 366, n), -1),
    }


def _assessments(
    p: Parameters, rng: np.random.Generator, made: dict[str, np.ndarray], today: int
) -> dict[str, np.ndarray]:
    n = len(made["age"])
    score = 0.1 * made["activity"] + rng.standard_normal(n) - 99 * (made["age"] < ADULT)
    wealth, payroll = made["wealth"], made["payroll"] & ~made["wealth"]
    valid = mark_share(score, p.number("assessment.valid_wealth"), wealth)
    valid |= mark_share(score, p.number("assessment.valid_payroll"), payroll)
    valid |= mark_share(score, p.number("assessment.valid_other"), ~wealth & ~payroll)
    expired = mark_share(score, p.number("assessment.expired"), ~valid)
    limit = int(p.number("assessment.valid_days"))
    assessed = np.where(valid, today - rng.integers(1, limit, n), -1)
    assessed = np.where(expired, today - rng.integers(limit + 1, 4 * limit, n), assessed)
    bold = 0.5 * made["digital"] + 0.3 * made["tier"] - 0.01 * made["age"] + rng.standard_normal(n)
    rows = np.flatnonzero(valid | expired)
    tolerance = np.zeros(n, dtype=np.int64)
    tolerance[rows] = 1 + ranked_quota(bold[rows], p.numbers("assessment.tolerance"))
    return {"assessed_day": assessed, "assessment_valid": valid, "tolerance": tolerance}
