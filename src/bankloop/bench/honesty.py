"""Measures the readings against a known truth: thousands of rounds in which chance draws the arms and the world responds."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.cli.demo.claims import Sizes, cut_table, null_table
from bankloop.loop import evaluate as ev
from bankloop.simulate.service import write_bank
from bankloop.simulate.world import World

LOOKS = 30
CONTROL = 0.25
# A ratio that is off by one point in a hundred, at the size where it must not be missed.
BROKEN_RATIO, BROKEN_SIZE = 0.51, 80_000
# The plan means to contact this share of an audience; the others of the treated are left alone like the control.
MEANT = 0.3
# Looks are taken while the window runs: once it has closed there is one reading, and the fixed interval is its own.
_REACHES = np.array([ev.reach_at((number + 1) / (LOOKS + 1)) for number in range(LOOKS)])
_BEFORE_ACTING = 9.0  # days, the mean wait before a customer acts

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Audience:
    """A campaign's people: chance of success without and with contact, and what a success is worth, known beforehand."""

    without: Floats
    contacted: Floats
    worth: Floats


def measure(rounds: int, customers: int, claims: Sizes, seed: int = 7) -> dict[str, Any]:
    """Return how often intervals cover, looks mislead, checks alarm, and, over ``claims``, nothing is called something."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        write_bank(Path(home) / "bank", customers, seed)
        audiences = _audiences(World.load(Path(home) / "bank"))
    rng = np.random.default_rng(seed)
    found: Counter[str] = Counter()
    cuts, precision = [], []
    for number in range(rounds):
        audience = audiences[number % len(audiences)]
        control = rng.random(len(audience.without)) < CONTROL
        found.update(_against_nothing(rng, audience, control))
        found.update(_against_something(rng, audience, control))
        seen = rng.binomial(BROKEN_SIZE, BROKEN_RATIO)
        found["broken"] += ev.sample_ratio_p(seen, BROKEN_SIZE - seen, 0.5) < ev.SRM_ALARM
        cuts.append(_cut(rng, audiences[-1]))  # the larger the base rate, the more worth explains
        precision.append(_ghost_precision(rng, audience, control))
    share = {name: found[name] / rounds for name in found}
    return {
        "rounds": 2 * rounds,
        "coverage": round(share["covered"], 4),
        "peeked_false_positive": round(share.get("peeked", 0.0), 4),
        "naive_peeked_false_positive": round(share["naive"], 4),
        "srm_false_alarm": round(share.get("alarmed", 0.0), 4),
        "srm_detection": round(share["broken"], 4),
        "cuped_variance_cut": round(float(np.mean(cuts)), 4),
        "ghost_precision_ratio": round(float(np.median(precision)), 3),
        "null_table": list(null_table(claims, seed)),
        "cuts": list(cut_table(claims, seed)),
    }


def _audiences(world: World) -> list[_Audience]:
    """Every campaign with its first action; the one where success is commonest, keeping a deposit, comes last."""
    made = []
    for name in world.campaigns:
        people = world.population(name)
        chance = world.probabilities(name, people, list(world.actions(name)[:1]))
        worth = world.success_value(name, people)["contribution_fen"].to_numpy().astype(np.float64)
        made.append(_Audience(chance[:, 0], chance[:, 1], worth))
    return sorted(made, key=lambda one: float(one.without.mean()))


def _against_nothing(rng: np.random.Generator, audience: _Audience, control: NDArray[np.bool_]) -> dict[str, int]:
    """An A/A round: nobody is contacted, and somebody looks every day."""
    success = rng.random(len(control)) < audience.without
    day = np.minimum(rng.exponential(_BEFORE_ACTING, len(control)), LOOKS - 1).astype(np.int64)
    daily = [np.bincount(day[success & arm], minlength=LOOKS).cumsum() for arm in (~control, control)]
    sizes = [float(arm.sum()) for arm in (~control, control)]
    arms = [ev.ArmSums(np.full(LOOKS, n), d, d).each() for n, d in zip(sizes, daily, strict=True)]
    fixed, looked = (ev.read_rate(*arms, critical=reach) for reach in (ev.Z95, _REACHES))
    meant = rng.random(len(control)) < MEANT
    checks = ev.sample_ratio_family(control, CONTROL, day % 5, meant, audience.without)
    return {
        "naive": int((fixed.gain | fixed.harm).any()),
        "peeked": int((looked.gain | looked.harm).any()),
        "alarmed": int(not all(check.ok for check in checks)),
    }


def _against_something(rng: np.random.Generator, audience: _Audience, control: NDArray[np.bool_]) -> dict[str, int]:
    """An A/B round: the treated are contacted; does the interval hold the true lift?"""
    chance = np.where(control, audience.without, audience.contacted)
    success = (rng.random(len(control)) < chance).astype(np.float64)
    effect = ev.read_rate(ev.ArmSums.of(success[~control]), ev.ArmSums.of(success[control]))
    truth = float((audience.contacted - audience.without).mean())
    return {"covered": int(effect.low <= truth <= effect.high)}


def _cut(rng: np.random.Generator, audience: _Audience) -> float:
    """Return the share of the money's variance that goes when what a success is worth is known beforehand."""
    control = rng.random(len(audience.without)) < CONTROL
    chance = np.where(control, audience.without, audience.contacted)
    money = (rng.random(len(control)) < chance) * audience.worth
    arms = [ev.ArmSums.of(money[arm], audience.worth[arm]) for arm in (~control, control)]
    return 1.0 - float(ev.cuped(*arms).se / ev.difference(*arms).se) ** 2


def _ghost_precision(rng: np.random.Generator, audience: _Audience, control: NDArray[np.bool_]) -> float:
    """Return how many times wider the effect on the contacted is when read from all instead of from ghosts."""
    meant = rng.random(len(control)) < MEANT
    chance = np.where(meant & ~control, audience.contacted, audience.without)
    success = (rng.random(len(control)) < chance).astype(np.float64)
    everybody = ev.difference(ev.ArmSums.of(success[~control]), ev.ArmSums.of(success[control]))
    ghosts = ev.difference(ev.ArmSums.of(success[meant & ~control]), ev.ArmSums.of(success[meant & control]))
    return float(everybody.se / meant.mean() / ghosts.se)
