"""Pure rules of tiers: which tier an average makes, and where a month leaves whoever stood somewhere before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bankloop.customer.tier import errors
from bankloop.customer.tier.contracts import Ints, Standings, Tier, TierRule
from bankloop.kit.errors import InputError
from bankloop.kit.located import Located, read_located
from bankloop.kit.money import parse_money
from bankloop.kit.text import Text

BUILT_IN = Path(__file__).with_name("tiers.yaml")
OWN = "tiers.yaml"
# What a month does to a customer.
NEW, UP, DOWN, WATCHED, CLEARED, SAME = "new", "up", "down", "watched", "cleared", ""
_MOST_MONTHS = 24


def tiers_of(rule: TierRule, averages: Ints) -> Ints:
    """Return (n,) the tier's number of each monthly average in fen; what is negative is in the first."""
    return np.maximum(np.searchsorted(rule.cuts, averages, side="right"), 1).astype(np.int64)


def begin(rule: TierRule, averages: Ints) -> Standings:
    """Return where customers stand whose first month this is."""
    nought = np.zeros(len(averages), np.int64)
    return Standings(tiers_of(rule, averages), nought, nought, np.zeros(len(averages), bool))


def step(rule: TierRule, before: Standings, averages: Ints) -> Standings:
    """Return where a month with these averages (n,) in fen leaves customers who stood at ``before``.

    At or above the line: the tier of the average, at once, and nothing is counted any more. Below it: one month more; from
    ``rule.below`` on watched; when ``rule.watch`` months of that have passed, the tier of the best of all those months.
    """
    reached = tiers_of(rule, averages)
    holds = reached >= before.tier
    months = np.where(holds, 0, before.months_below + 1)
    best = np.where(before.months_below == 0, averages, np.maximum(before.best_fen, averages))
    best = np.where(holds, 0, best)
    falls = months >= rule.below + rule.watch
    tier = np.where(holds, reached, np.where(falls, np.minimum(tiers_of(rule, best), before.tier), before.tier))
    months, best = np.where(falls, 0, months), np.where(falls, 0, best)
    return Standings(tier, months, best, months >= rule.below)


def moves(before: Standings | None, after: Standings) -> np.ndarray:
    """Return (n,) what the month changed of each customer."""
    if before is None:
        return np.full(len(after.tier), NEW)
    found = np.where(before.watched & ~after.watched, CLEARED, np.where(after.watched & ~before.watched, WATCHED, SAME))
    found = np.where(after.tier > before.tier, UP, found)
    return np.where(after.tier < before.tier, DOWN, found)


def weigh(total: Ints, days: int) -> Ints:
    """Return (n,) average balances of sums over balance × days, in fen, half up; sums may be negative."""
    return (2 * total + days) // (2 * days)


def read_tier_rules(folder: Path | None = None) -> tuple[TierRule, ...]:
    """Return the rules by their first day: the bank's own ``tiers.yaml``, or those that every bank begins with.

    Raises ``SpecError`` naming file and line where they cannot be.
    """
    own = folder / OWN if folder is not None and (folder / OWN).exists() else BUILT_IN
    file = read_located(own)
    entries = (file.content or {}).get("rules") if isinstance(file.content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise errors.tier_spec(file.place("rules"), "缺少 rules", "rules is missing")
    found = tuple(_rule(file, index, entry) for index, entry in enumerate(entries))
    if [one.since for one in found] != sorted({one.since for one in found}):
        raise errors.tier_spec(file.place("rules"), "since 应递增", "since must rise")
    return found


def rule_on(rules: tuple[TierRule, ...], day: date) -> TierRule:
    """Return the rule of a day: the last one that has begun, or the first."""
    return next((one for one in reversed(rules) if one.since <= day), rules[0])


def _rule(file: Located, index: int, entry: Any) -> TierRule:
    place = file.place("rules", index)
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("tiers"), list)
        or not isinstance(entry.get("since"), date)
    ):
        raise errors.tier_spec(place, "需要 since（日期）和 tiers", "a rule has since (a day) and tiers")
    for name in ("below", "watch"):
        months = entry.get(name)
        if not isinstance(months, int) or isinstance(months, bool) or not 1 <= months <= _MOST_MONTHS:
            raise errors.tier_spec(
                place, f"{name} 应为 1 到 {_MOST_MONTHS} 个月", f"{name} is 1 to {_MOST_MONTHS} months"
            )
    tiers = tuple(_tier(file, index, number, one) for number, one in enumerate(entry["tiers"], start=1))
    cuts = [one.from_fen for one in tiers]
    if cuts[:1] != [0] or cuts != sorted(set(cuts)):
        raise errors.tier_spec(place, "from 应从 0 开始递增", "from begins at 0 and rises")
    return TierRule(entry["since"], entry["below"], entry["watch"], tiers)


def _tier(file: Located, index: int, number: int, entry: Mapping[str, Any]) -> Tier:
    place = file.place("rules", index, "tiers", number - 1)
    if not isinstance(entry, dict) or not {"name", "from", "zh", "en"} <= set(entry):
        raise errors.tier_spec(place, "一层需要 name、from、zh、en", "a tier has name, from, zh and en")
    try:
        cut = parse_money(entry["from"]).fen
    except InputError as error:
        raise errors.tier_spec(place, error.message.zh, error.message.en) from error
    return Tier(number, str(entry["name"]), Text(str(entry["zh"]), str(entry["en"])), cut)
