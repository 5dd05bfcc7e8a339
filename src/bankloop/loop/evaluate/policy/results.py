"""What valuing a policy gives on: every policy's value with its interval, in units that are said, and as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.loop.evaluate.statistics import Estimate

# A value and its ends, None for an end that is not to be shown.
Plain = dict[str, float | int | None]

_HEADER = (
    Text("策略", "policy"),
    Text("价值", "value"),
    Text("95% 区间", "95% interval"),
    Text("计划减它", "plan minus it"),
    Text("95% 区间", "95% interval"),
    Text("有效样本", "effective rows"),
)


@dataclass(frozen=True, slots=True)
class ValuedPolicy:
    """One policy: ``value`` in the reading's unit, ``total`` over all test customers, ``lead`` of the plan over it.

    Where ``unread`` or ``lead_unread`` says why an interval could not be trusted, its ends are infinite: none is shown.
    ``lead`` is the paired difference plan − policy with its own interval, narrower than what the two intervals suggest;
    ``ess`` the effective number of test rows, ``max_weight`` the heaviest.
    """

    title: Text
    value: Estimate
    total: Estimate
    lead: Estimate
    ess: float
    max_weight: float
    unread: Text | None = None
    lead_unread: Text | None = None


@dataclass(frozen=True, slots=True)
class RewardReading:
    """All policies in one reward, of ``per`` customers. Money is in minor units of ``currency``, None for a count."""

    key: str
    title: Text
    unit: Text
    total_unit: Text
    currency: str | None
    per: int
    policies: Mapping[str, ValuedPolicy]

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as plain values: integers for money and totals, three decimals for rates."""
        return {
            "reward": self.key,
            "unit": self.unit.en,
            "unit_zh": self.unit.zh,
            "per": self.per,
            "policies": {
                name: {**self._estimate(one.value), "ess": round(one.ess, 1), **_why(one.unread)}
                for name, one in self.policies.items()
            },
            "total_unit": self.total_unit.en,
            "totals": {name: _whole(one.total) for name, one in self.policies.items()},
            "plan_minus": {
                name: {**self._estimate(one.lead), **_why(one.lead_unread)}
                for name, one in self.policies.items()
                if name != "plan"
            },
        }

    def _estimate(self, estimate: Estimate) -> Plain:
        return _whole(estimate) if self.currency else _rounded(estimate)

    def say(self, value: float, language: Language) -> str:
        """Return a value as people read it."""
        return say_fen(round(value), language, self.currency) if self.currency else f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class PolicyValuation:
    """The answer of ``value_policy``: the first reading is of the reward that the plan was made for.

    ``customers`` rows in the file, ``learned`` rows learned from, ``test_customers`` rows valued; ``estimators`` the plan
    by other estimators, ``chosen`` what the plan does, ``notes`` what the numbers mean and what they cannot tell.
    """

    policy: str
    title: Text
    seed: int
    customers: int
    learned: int
    test_customers: int
    readings: tuple[RewardReading, ...]
    estimators: Mapping[str, Estimate]
    chosen: Mapping[str, Any]
    notes: tuple[Text, ...]

    @property
    def primary(self) -> RewardReading:
        """Return the reading of the reward that the plan was made for."""
        return self.readings[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints."""
        first = self.primary
        return {
            "customers": self.customers,
            "test_customers": self.test_customers,
            **first.as_dict(),
            "also": [reading.as_dict() for reading in self.readings[1:]],
            "policy": self.policy,
            "seed": self.seed,
            "learned": self.learned,
            "chosen": dict(self.chosen),
            "estimators": {
                name: _whole(value) if first.currency else _rounded(value) for name, value in self.estimators.items()
            },
            "max_weight": {name: round(one.max_weight, 2) for name, one in first.policies.items()},
            "notes": [{"zh": note.zh, "en": note.en} for note in self.notes],
        }

    def table(self, language: Language) -> tuple[list[str], list[list[str]]]:
        """Return (columns, rows) of all readings one after another, each under a row that names its unit."""
        columns = valuation_rows(self.primary, language)[0]
        rows: list[list[str]] = []
        for reading in self.readings:
            rows.append([f"— {reading.unit.say(language)} —", *[""] * (len(columns) - 1)])
            rows += valuation_rows(reading, language)[1:]
        return columns, rows


def valuation_rows(reading: RewardReading, language: Language) -> list[list[str]]:
    """Return a reading as rows of text, the header first: policy, value, interval, the plan's lead, interval, rows."""
    rows = [[title.say(language) for title in _HEADER]]
    for name, one in reading.policies.items():
        lead = ["", ""]
        if name != "plan":
            apart = (
                one.lead_unread.say(language) if one.lead_unread else _between(reading, one.lead, language, signed=True)
            )
            lead = [_signed(reading, one.lead.value, language), apart]
        within = one.unread.say(language) if one.unread else _between(reading, one.value, language)
        value = [reading.say(one.value.value, language), within]
        rows.append([one.title.say(language), *value, *lead, f"{one.ess:,.0f}"])
    return rows


def _between(reading: RewardReading, estimate: Estimate, language: Language, *, signed: bool = False) -> str:
    say = _signed if signed else RewardReading.say
    word = Text("至", "to").say(language)
    return f"{say(reading, estimate.low, language)} {word} {say(reading, estimate.high, language)}"


def _signed(reading: RewardReading, value: float, language: Language) -> str:
    text = reading.say(value, language).replace("-", "−")
    return text if value < 0 else f"+{text}"


def _rounded(estimate: Estimate) -> Plain:
    return {name: _finite(end, 3) for name, end in _ends(estimate)}


def _whole(estimate: Estimate) -> Plain:
    return {name: _finite(end, None) for name, end in _ends(estimate)}


def _ends(estimate: Estimate) -> tuple[tuple[str, float], ...]:
    return ("value", estimate.value), ("low", estimate.low), ("high", estimate.high)


def _finite(number: float, digits: int | None) -> float | int | None:
    """Return a number rounded; None for the end of an interval that there is not."""
    return round(number, digits) if isfinite(number) else None


def _why(unread: Text | None) -> dict[str, dict[str, str]]:
    return {} if unread is None else {"unread": {"zh": unread.zh, "en": unread.en}}
