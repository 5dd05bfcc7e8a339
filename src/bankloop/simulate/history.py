"""Twelve months of events: sessions, payments, salaries, goals reached. One file a month, in the conformed columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa

from bankloop.simulate.contracts import EVENT_SCHEMA
from bankloop.simulate.draw import Bools, Floats, Ints, lognormal, mark_share
from bankloop.simulate.names import numbered
from bankloop.simulate.network import NOBODY, Network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import SimulatedPeople, day_number
from bankloop.simulate.portfolios import Holdings
from bankloop.simulate.season import bonus_months, in_blackout
from bankloop.simulate.streams import Streams

# type, source, channel, scene
KINDS = (
    ("login", "app", "app", "home"),
    ("page_view", "app", "app", "wealth"),
    ("push_open", "app", "app_push", "home"),
    ("sms_click", "app", "sms", "home"),
    ("transaction", "core", "wallet", "retail"),
    ("transaction", "core", "card", "retail"),
    ("transfer_out", "core", "app", "transfer"),
    ("transfer_in", "core", "app", "transfer"),
    ("purchase", "core", "card", "education"),
    ("payroll", "core", "batch", "payroll"),
    ("first_wallet_payment", "core", "wallet", "retail"),
    ("first_wealth_purchase", "core", "app", "wealth"),
    ("deposit_matured", "core", "batch", "deposit"),
    ("deposit_kept", "core", "batch", "deposit"),
)
FIRST_PAYMENT, FIRST_PURCHASE, MATURED, KEPT = 10, 11, 12, 13
NEVER = 2**31
_DIGITAL = np.cumsum([0.84, 0.11, 0.03, 0.02])
_DORMANT_DAYS = 180
_YEAR = 365
# Ids of the events after the bank was written: a billion for each first day, far above the history's own.
_IDS_A_DAY = 10**9
_MONTH = 30.44
_LOCAL = 8 * 3600
_TUITION_FACTOR = 6.0


@dataclass(frozen=True, slots=True)
class Deeds:
    """Goals reached and deposits matured, one entry each: customer row, place in ``KINDS``, day, fen."""

    row: Ints
    kind: Ints
    day: Ints
    fen: Ints


def deeds(*parts: tuple[Ints, int, Ints, Ints]) -> Deeds:
    """Return the parts (customer rows, kind, days, fen) as one."""
    kind = np.repeat([part[1] for part in parts], [len(part[0]) for part in parts])
    row, day, fen = (
        np.concatenate([np.asarray(part[place]) for part in parts]).astype(np.int64) for place in (0, 2, 3)
    )
    return Deeds(row, kind, day, fen)


def joined(*several: Deeds) -> Deeds:
    """Return several sets of deeds as one."""
    return Deeds(*(np.concatenate([getattr(one, name) for one in several]) for name in ("row", "kind", "day", "fen")))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What does not change from month to month; who binds a card pays with the wallet from ``bound_since`` on."""

    digital_rate: Floats
    money_rate: Floats
    salary: Floats
    churn_day: Ints
    bound_since: Ints
    deeds: Deeds


def write_months(
    parameters: Parameters,
    streams: Streams,
    people: SimulatedPeople,
    network: Network,
    holdings: Holdings,
    stood: date,
    lately: Deeds | None,
    today: date,
    months: int,
) -> Iterator[tuple[str, pa.Table]]:
    """Yield (``2026-01``, events sorted by time) for every calendar month touched, up to the day before ``today``.

    ``people`` and ``holdings`` are as they were at the end of ``stood``; ``lately`` is what they reached after it.
    """
    end = day_number(today)
    first = np.datetime64(today, "M") - np.timedelta64(months, "M")
    start = int(first.astype("datetime64[D]").astype(np.int64)) + today.day - 1
    rng = streams.generator("events/goals")
    known = _goals(parameters, rng, people, holdings, start, max(start, day_number(stood) + 1))
    known = known if lately is None else joined(known, lately)
    plan = _plan(parameters, streams, people, known, start, end)
    event_id = 1
    firsts = (first + np.arange(1, months + 1)).astype("datetime64[D]").astype(np.int64)
    edges = [start, *firsts.tolist()]
    for low, high in zip(edges, [*edges[1:], end], strict=True):
        if high <= low:
            continue
        name = str(np.datetime64(low, "D").astype("datetime64[M]"))
        rng = streams.generator(f"events/{name}")
        table = _month(parameters, rng, people, network, plan, low, high, end, event_id)
        event_id += table.num_rows
        yield name, table


def window_events(
    parameters: Parameters,
    streams: Streams,
    people: SimulatedPeople,
    network: Network,
    known: Deeds,
    payments: Deeds,
    low: int,
    high: int,
) -> pa.Table:
    """Return the events of the days from ``low`` to before ``high``, after the bank was written.

    ``people`` are as they were before ``low``; ``known`` is what is to be recorded of what they reached since, and
    ``payments`` are all first wallet payments, those included that a campaign has recorded.
    """
    plan = _plan(parameters, streams, people, payments, high - _YEAR, high)
    plan = replace(plan, churn_day=np.full(people.count, -1), deeds=known)
    rng = streams.generator(f"events/{np.datetime64(low, 'D')}")
    months = np.arange(np.datetime64(low, "D"), np.datetime64(high, "D")).astype("datetime64[M]")
    firsts = np.unique(months).astype("datetime64[D]").astype(np.int64)[1:].tolist()
    parts: list[pa.Table] = []
    for begin, end in zip([low, *firsts], [*firsts, high], strict=True):
        event_id = low * _IDS_A_DAY + sum(part.num_rows for part in parts)
        parts.append(_month(parameters, rng, people, network, plan, begin, end, high, event_id))
    return pa.concat_tables(part.cast(EVENT_SCHEMA) for part in parts)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often people do things: sessions in the app and movements of money, a month (n,)."""

    digital: Floats
    money: Floats


def pace_of(p: Parameters, rng: np.random.Generator, people: SimulatedPeople, days: int) -> Rhythm:
    """Return everybody's pace over ``days``, so that the bank as a whole has the events that its parameters ask for."""
    n = people.count
    lively = np.exp(0.2 * np.clip(people.activity - people.activity.mean(), -2, 2))
    # Sessions are a habit, so that who is active is active every month; spending varies more.
    visits, habit = rng.gamma(6.0, 1 / 6, n) * lively, rng.gamma(3.0, 1 / 3, n) * lively
    waking = np.where(people.dormant, max(0.0, 1 - _DORMANT_DAYS / days), 1.0)
    digital = people.app * np.where(people.active, 1.0, np.where(people.dormant, 0.05, 0.035)) * visits
    money = np.where(people.dormant, 0.15, np.where(people.bound, 1.6, 0.8)) * habit
    paid = people.payroll.sum() * days / _MONTH
    rest = max(0.0, p.number("events.a_customer_a_year") * n * days / 365.2425 - paid)
    share = p.number("events.digital_share")
    months = days / _MONTH
    digital *= share * rest / max(float((digital * waking).sum()) * months, 1e-9)
    money *= (1 - share) * rest / max(float((money * waking).sum()) * months, 1e-9)
    return Rhythm(digital, money)


def _plan(p: Parameters, streams: Streams, people: SimulatedPeople, known: Deeds, start: int, end: int) -> _Plan:
    rng = streams.generator("events")
    n = people.count
    pace = pace_of(p, rng, people, end - start)
    leaver = mark_share(
        rng.standard_normal(n) - 0.5 * people.activity,
        p.number("events.churn_a_quarter"),
        people.aum >= p.number("events.churn_base"),
    )
    salary = lognormal(rng, p.number("events.salary_median"), 0.45, n) * np.exp(0.1 * np.minimum(people.tier, 3))
    churn_day = np.where(leaver, end - rng.integers(1, 91, n), -1)
    first = known.kind == FIRST_PAYMENT
    bound_since = np.where(people.bound, 0, NEVER)
    bound_since[known.row[first]] = known.day[first]
    return _Plan(pace.digital, pace.money, salary, churn_day, bound_since, known)


def _goals(
    p: Parameters, rng: np.random.Generator, people: SimulatedPeople, holdings: Holdings, start: int, end: int
) -> Deeds:
    """Return the goals reached before ``end``."""
    n, years = people.count, (end - start) / 365.2425
    late = mark_share(
        0.5 * people.digital + rng.standard_normal(n) - 99 * (~people.bound | (people.opened_day >= end)),
        p.number("events.first_payments_a_year") * years,
    )
    payers = np.flatnonzero(late & people.bound)
    first = np.maximum(start, people.opened_day[payers])
    bought = (holdings.product_class == 2) & (holdings.opened_day >= start) & (holdings.opened_day < end)
    renewed = (holdings.product_class == 1) & (holdings.opened_day >= start) & (holdings.opened_day < end)
    old = np.flatnonzero(renewed & (rng.random(len(renewed)) < 0.6))
    kept = old[holdings.opened_day[old] + 30 < end]
    left_share = p.number("maturity.leave_within_30_days")
    gone = rng.integers(0, n, round(len(old) * left_share / (1 - left_share)))
    gone = gone[people.aum[gone] >= p.number("events.churn_base")]
    paid = first + (rng.random(len(payers)) * np.maximum(end - first, 0)).astype(np.int64)
    lost = start + (rng.random(len(gone)) * (end - start)).astype(np.int64)
    return deeds(
        (payers, FIRST_PAYMENT, paid, rng.integers(500, 20_000, len(payers))),
        (holdings.customer[bought], FIRST_PURCHASE, holdings.opened_day[bought], holdings.balance_fen[bought]),
        (holdings.customer[old], MATURED, holdings.opened_day[old], holdings.balance_fen[old]),
        (holdings.customer[kept], KEPT, holdings.opened_day[kept] + 30, holdings.balance_fen[kept]),
        (gone, MATURED, lost, np.rint(people.aum[gone] * 80).astype(np.int64)),
    )


def _month(
    p: Parameters,
    rng: np.random.Generator,
    people: SimulatedPeople,
    network: Network,
    plan: _Plan,
    low: int,
    high: int,
    end: int,
    event_id: int,
) -> pa.Table:
    parts = [_sessions(p, rng, people, plan, low, high, end), _payments(p, rng, people, plan, low, high, end)]
    parts.append(_salaries(p, people, network, plan, low, high))
    known = plan.deeds
    hit = (known.day >= low) & (known.day < high)
    parts.append((known.row[hit], known.kind[hit], known.day[hit], known.fen[hit]))
    leaving = np.flatnonzero((plan.churn_day >= low) & (plan.churn_day < high))
    out = np.rint(people.aum[leaving] * (1 + rng.random(len(leaving))) * 100).astype(np.int64)
    parts.append((leaving, np.full(len(leaving), 6), plan.churn_day[leaving], out))
    row, kind, day, fen = (np.concatenate([part[place] for part in parts]) for place in range(4))
    second = 7 * 3600 + (16 * 3600 * rng.beta(2.0, 1.8, len(row))).astype(np.int64)
    moment = day * 86_400 + second - _LOCAL
    order = np.argsort(moment, kind="stable")
    return _events(row[order], kind[order], moment[order], fen[order], event_id, people.count)


def _sessions(
    p: Parameters, rng: np.random.Generator, people: SimulatedPeople, plan: _Plan, low: int, high: int, end: int
) -> tuple[Ints, Ints, Ints, Ints]:
    row, day = _occurrences(p, rng, people, plan.digital_rate, low, high, end)
    kind = np.searchsorted(_DIGITAL[:-1], rng.random(len(row)), side="right")
    return row, kind, day, np.full(len(row), -1)


def _payments(
    p: Parameters, rng: np.random.Generator, people: SimulatedPeople, plan: _Plan, low: int, high: int, end: int
) -> tuple[Ints, Ints, Ints, Ints]:
    row, day = _occurrences(p, rng, people, plan.money_rate, low, high, end)
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    tuition = np.where(np.isin(month, p["season.tuition_months"]), 0.02 * _TUITION_FACTOR, 0.02)
    flow = 0.08 * (
        1
        + p.number("season.quarter_end") * 10 * _quarter_end(day)
        + p.number("season.quarter_start") * 10 * _quarter_end(day - 10)
    )
    draw = rng.random(len(row))
    kind = np.where(day >= plan.bound_since[row], 4, 5)
    kind = np.where(draw < 0.10, 6, kind)
    kind = np.where((draw >= 0.10) & (draw < 0.10 + flow), 7, kind)
    kind = np.where(draw > 1 - tuition, 8, kind)
    median = np.array([0, 0, 0, 0, 48.0, 85.0, 1500.0, 1800.0, 2600.0])[kind]
    fen = np.rint(median * 100 * np.exp(0.9 * rng.standard_normal(len(row)))).astype(np.int64)
    return row, kind, day, fen


def _quarter_end(day: Ints) -> Bools:
    ahead = (day + 10).astype("datetime64[D]").astype("datetime64[M]")
    now = day.astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray((ahead != now) & (ahead.astype(np.int64) % 3 == 0), dtype=bool)


def _salaries(
    p: Parameters, people: SimulatedPeople, network: Network, plan: _Plan, low: int, high: int
) -> tuple[Ints, Ints, Ints, Ints]:
    workers = np.flatnonzero(network.employer != NOBODY)
    month = np.datetime64(low, "D").astype("datetime64[M]")
    first = int(month.astype("datetime64[D]").astype(np.int64))
    day = first + network.employer_payday[network.employer[workers]] - 1
    here = (day >= np.maximum(low, people.opened_day[workers])) & (day < high)
    factor = p.number("season.bonus_month") if str(month) in bonus_months(p) else 1.0
    row = workers[here]
    fen = np.rint(plan.salary[row] * factor * 100).astype(np.int64)
    return row, np.full(len(row), 9), day[here], fen


def _occurrences(
    p: Parameters, rng: np.random.Generator, people: SimulatedPeople, rate: Floats, low: int, high: int, end: int
) -> tuple[Ints, Ints]:
    """Return rows and days of a Poisson number of things a customer does in a window, fewer in the festival week."""
    awake = rate if low < end - _DORMANT_DAYS else np.where(people.dormant, 0.0, rate)
    row = np.repeat(np.arange(len(rate)), rng.poisson(awake * ((high - low) / _MONTH)))
    day = low + (rng.random(len(row)) * (high - low)).astype(np.int64)
    keep = day >= people.opened_day[row]
    keep &= ~(people.dormant[row] & (day >= end - _DORMANT_DAYS))
    festive = in_blackout(p, np.arange(low, high).astype("datetime64[D]"))
    if festive.any():
        keep &= ~festive[day - low] | (rng.random(len(row)) < p.number("season.response_factor"))
    return row[keep], day[keep]


def _events(row: Ints, kind: Ints, moment: Ints, fen: Ints, event_id: int, customers: int) -> pa.Table:
    core = kind >= 4
    # The core system's batch arrives at two in the night, the app's log within minutes.
    night = ((moment + _LOCAL) // 86_400 + 1) * 86_400 + 2 * 3600 - _LOCAL
    recorded = np.where(core, night, moment + 300)
    columns = {
        name: pa.DictionaryArray.from_arrays(pa.array(codes[kind]), pa.array(words))
        for name, codes, words in _DICTIONARIES
    }
    stamp = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "source": columns["source"],
            "event_id": np.arange(event_id, event_id + len(row)),
            "customer_no": numbered("C", row + 1, 8),
            "type": columns["type"],
            "occurred_at": pa.array(moment * 1_000_000).cast(pa.timestamp("us")).cast(stamp),
            "recorded_at": pa.array(recorded * 1_000_000).cast(pa.timestamp("us")).cast(stamp),
            "channel": columns["channel"],
            "scene": columns["scene"],
            "amount_fen": pa.array(fen, mask=fen < 0),
        }
    ).select([field.name for field in EVENT_SCHEMA])


def _dictionaries() -> list[tuple[str, np.ndarray, list[str]]]:
    out = []
    for place, name in enumerate(("type", "source", "channel", "scene")):
        words = list(dict.fromkeys(kind[place] for kind in KINDS))
        out.append((name, np.array([words.index(kind[place]) for kind in KINDS], dtype=np.int8), words))
    return out


_DICTIONARIES = _dictionaries()
