"""How often a reading claims something of nothing: thousands of rounds without any effect, read as every round is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bankloop.loop import evaluate as ev

# People are of three kinds, with so many times the mean chance of success, known beforehand.
KINDS = ((0.6, 0.5), (0.3, 1.0), (0.1, 4.0))
# What a payer brings is lognormal of this σ, in so many equally likely amounts: the largest is 29 times the median.
SPREAD, AMOUNTS = 1.5, 40
# Power is the share of rounds that find a chance of success half as high again.
BETTER = 1.5
RATE, MONEY = "rate", "money"
_CLAIM = 0.05
# Of the customers that are read by group.
CUT_CONTROL = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rounds are drawn, and of which kinds: of ``rates`` more, since a cell of theirs costs a hundredth."""

    rate_draws: int
    money_draws: int
    cut_readings: int
    customers: tuple[int, ...]
    rates: tuple[float, ...]
    controls: tuple[float, ...]
    cuts: tuple[tuple[int, int, float], ...]


FULL = Sizes(
    40_000,
    10_000,
    10_000,
    (300, 1_000, 5_000, 20_000, 100_000),
    (0.001, 0.01, 0.02, 0.05, 0.1),
    (0.1, 0.25),
    ((20_000, 20, 0.01), (20_000, 20, 0.05), (20_000, 60, 0.1), (100_000, 20, 0.01), (100_000, 60, 0.05)),
)
QUICK = Sizes(10_000, 2_000, 500, (1_000, 20_000), (0.01, 0.05), (0.1,), ((20_000, 20, 0.01), (20_000, 20, 0.05)))


def null_table(sizes: Sizes, seed: int) -> Iterator[dict[str, Any]]:
    """Yield how often rounds of each kind are readable, and claim a gain or a loss where there is none.

    Shares are of all rounds drawn, ``power`` of those in which the treated do have a higher chance.
    """
    rng = np.random.default_rng(seed)
    for outcome, draws in ((RATE, sizes.rate_draws), (MONEY, sizes.money_draws)):
        for control in sizes.controls:
            for customers in sizes.customers:
                for rate in sizes.rates:
                    yield from _cells(rng, outcome, customers, control, rate, draws)


def _cells(
    rng: np.random.Generator, outcome: str, customers: int, control: float, rate: float, draws: int
) -> Iterator[dict[str, Any]]:
    """Yield one kind of round without and with CUPED, from the same draws."""
    amounts = np.ones(1) if outcome == RATE else _amounts()
    held = arm(rng, customers * control, rate, amounts, draws)
    same = arm(rng, customers * (1.0 - control), rate, amounts, draws)
    better = arm(rng, customers * (1.0 - control), rate, amounts, draws, BETTER)
    for cuped in (False, True):
        read, found = (_read(outcome, treated, held, cuped) for treated in (same, better))
        yield {
            "outcome": outcome,
            "customers": customers,
            "control": control,
            "rate": rate,
            "cuped": cuped,
            "draws": draws,
            "readable": _share(read.readable),
            "false_gain": _share(read.gain),
            "false_loss": _share(read.harm),
            "power": _share(found.gain),
        }


def _read(outcome: str, treated: ev.ArmSums, control: ev.ArmSums, cuped: bool) -> ev.Read:
    read = ev.read_rate if outcome == RATE else ev.read_mean
    return read(treated, control, adjust=cuped)


def arm(
    rng: np.random.Generator, customers: float, rate: float, amounts: Floats, draws: int, times: float = 1.0
) -> ev.ArmSums:
    """Return an arm of ``draws`` rounds: outcomes, and beside them what was expected of each customer beforehand.

    Customers of one kind and amount who paid, or did not, are one row with a count: a sum over rows is one product.
    """
    size, chance = (np.array(column)[:, None] for column in zip(*KINDS, strict=True))
    mean = float((size * chance).sum())
    before = np.broadcast_to(rate * chance / mean * amounts, (len(KINDS), len(amounts)))
    paid = np.broadcast_to(np.minimum(rate * chance / mean * times, 1.0), before.shape)
    share = np.broadcast_to(size / len(amounts), before.shape)
    expected = customers * np.concatenate([(share * paid).ravel(), (share * (1.0 - paid)).ravel()])
    outcome = np.concatenate([np.broadcast_to(amounts, before.shape).ravel(), np.zeros(before.size)])
    count = rng.poisson(expected, (draws, len(expected))).astype(np.float64)
    return ev.ArmSums.of(outcome, np.tile(before.ravel(), 2), count).each()


def _amounts() -> Floats:
    """Return equally likely lognormal amounts of mean 1."""
    drawn = np.exp(SPREAD * ndtri((np.arange(AMOUNTS) + 0.5) / AMOUNTS))
    return np.asarray(drawn / drawn.mean())


def cut_table(sizes: Sizes, seed: int) -> Iterator[dict[str, Any]]:
    """Yield of rounds without any effect in how many readings by group any group is claimed to differ."""
    rng = np.random.default_rng(seed)
    for customers, groups, rate in sizes.cuts:
        shape = (sizes.cut_readings, groups)
        each = (rng.poisson(customers * share / groups, shape) for share in (1.0 - CUT_CONTROL, CUT_CONTROL))
        arms = [ev.ArmSums(n, s := rng.binomial(n, rate), s) for n in each]
        _, _, q = ev.read_groups(*arms)
        yield {
            "customers": customers,
            "groups": groups,
            "rate": rate,
            "readings_with_any": _share(np.asarray((q < _CLAIM).any(axis=-1))),
        }


def worst(table: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return the largest share of false gains and of false losses over the cells."""
    return max(row["false_gain"] for row in table), max(row["false_loss"] for row in table)


def _share(which: NDArray[np.bool_]) -> float:
    return round(float(which.mean()), 4)
