"""How the experiment was drawn: the actions, who is learned from and tested on, and the probability of every action.

Within a stratum the draw was random; the propensity of an action there is its share among the rows that are valued.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.ids import cell_bucket
from bankloop.kit.text import Text
from bankloop.loop.evaluate.off_policy import Floats, Integers, UnsupportedPolicy, unsupported
from bankloop.loop.evaluate.policy import errors
from bankloop.loop.evaluate.policy.contracts import Arms, PolicySpec, Rate, Reward
from bankloop.loop.evaluate.policy.logged import Experiment

Bools = NDArray[np.bool_]
OUTSIDE = -1
# Rates are written with two decimals; a rate on an edge belongs to the level above.
_RATE_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class OfferedBand:
    """What one group was offered among the rows that are valued.

    ``edges`` (levels + 1,); ``level_mean`` (levels,) the mean rate of each level, NaN where it was never offered;
    ``rows`` and ``mean`` of the whole group.
    """

    name: str
    edges: Floats
    level_mean: Floats
    rows: int
    mean: float

    @property
    def seen(self) -> str:
        """Return the lowest and highest rate that was offered."""
        return f"{self.edges[0]:g}–{self.edges[-1]:g}"

    def level_of(self, rate: float) -> int | None:
        """Return the level (0-based) of a rate, None when it is outside what was offered."""
        if not self.edges[0] - _RATE_STEP <= rate <= self.edges[-1] + _RATE_STEP:
            return None
        return int(_levels(np.array([rate]), self.edges)[0])


@dataclass(frozen=True, slots=True)
class ExperimentDesign:
    """The experiment as drawn, n rows.

    ``action`` (n,) column of ``names``, −1 for a rate outside what is valued; ``stratum`` (n,) index into ``strata``;
    ``group`` (n,) index into ``bands`` for a rate; ``dropped`` rows to learn from that lie outside.
    """

    names: tuple[str, ...]
    action: Integers
    strata: tuple[str, ...]
    stratum: Integers
    learn: Bools
    test: Bools
    bands: tuple[OfferedBand, ...] = ()
    group: Integers | None = None
    rate: Floats | None = None
    dropped: int = 0

    def propensity(self) -> Floats:
        """Return the probability of every action (m, k) for the m test rows: its share within the row's stratum."""
        counts = np.zeros((len(self.strata), len(self.names)))
        np.add.at(counts, (self.stratum[self.test], self.action[self.test]), 1.0)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        return np.asarray(shares[self.stratum[self.test]])


def read_design(spec: PolicySpec, experiment: Experiment, seed: int) -> ExperimentDesign:
    """Return the design of an experiment; raise ``SpecError`` for unknown names, ``DataError`` for empty parts."""
    stratum, strata = _strata(spec, experiment)
    if spec.arms is not None:
        action = _arm_actions(spec.arms, experiment)
        learn, test = _split(spec, experiment, action, stratum, seed)
        return ExperimentDesign(tuple(spec.arms.values), action, strata, stratum, learn, test)
    assert spec.rate is not None
    learn, test = _split(spec, experiment, np.zeros(experiment.rows, np.int64), stratum, seed)
    group = _groups(spec.rate, experiment)
    rate = experiment.numbers[spec.rate.column]
    bands = tuple(_band(spec.rate, index, group, rate, test) for index in range(len(spec.rate.groups)))
    action = np.full(experiment.rows, OUTSIDE)
    for index, band in enumerate(bands):
        rows = (group == index) & (rate >= band.edges[0] - _RATE_STEP) & (rate <= band.edges[-1] + _RATE_STEP)
        action[rows] = _levels(rate[rows], band.edges)
    inside = action != OUTSIDE
    names = tuple(f"level {number}" for number in range(1, spec.rate.levels + 1))
    dropped = int((learn & ~inside).sum())
    return ExperimentDesign(names, action, strata, stratum, learn & inside, test, bands, group, rate, dropped)


def costs_of(spec: PolicySpec, reward: Reward, names: Sequence[str]) -> Floats:
    """Return (k,) what every action takes off a reward, in minor units: nought where it is read before costs."""
    costs = spec.arms.costs if spec.arms is not None and reward.after_costs else {}
    return np.array([costs[name].minor if name in costs else 0.0 for name in names])


def refuse_rate(place: str, band: OfferedBand, rate: float, spec: PolicySpec) -> UnsupportedPolicy:
    """Return the refusal of a rate that a group never saw."""
    where, which = str(spec.split.column), ", ".join(str(value) for value in spec.split.test)
    seen = Text(f"{band.seen}（{where} {which}）", f"{band.seen} where {where} is {which}")
    return unsupported(place, band.name, f"{rate:g}", seen)


def _strata(spec: PolicySpec, experiment: Experiment) -> tuple[Integers, tuple[str, ...]]:
    if not spec.strata:
        return np.zeros(experiment.rows, np.int64), ("all",)
    labels = [f"{name} " + experiment.texts[name].astype(object) for name in spec.strata]
    joined = np.asarray(labels[0], dtype=object)
    for more in labels[1:]:
        joined = joined + ", " + more
    names, stratum = np.unique(joined.astype(np.str_), return_inverse=True)
    return stratum.astype(np.int64), tuple(str(name) for name in names)


def _arm_actions(arms: Arms, experiment: Experiment) -> Integers:
    return _codes(experiment, arms.column, list(arms.values.values()))


def _groups(rate: Rate, experiment: Experiment) -> Integers:
    return _codes(experiment, rate.group, list(rate.groups.values()))


def _codes(experiment: Experiment, column: str, values: Sequence[str]) -> Integers:
    texts = experiment.texts[column]
    codes = np.full(experiment.rows, OUTSIDE)
    for code, value in enumerate(values):
        codes[texts == value] = code
    if (codes == OUTSIDE).any():
        row = int(np.flatnonzero(codes == OUTSIDE)[0])
        source = experiment.file.columns[column].source
        raise errors.bad_value(experiment.file.file, source, row + 1, texts[row], "one of " + ", ".join(values))
    return codes


def _split(
    spec: PolicySpec, experiment: Experiment, action: Integers, stratum: Integers, seed: int
) -> tuple[Bools, Bools]:
    if spec.split.share is not None:
        learn = _hashed(spec, experiment.rows, action, stratum, seed)
        test = ~learn
    else:
        column = experiment.texts[str(spec.split.column)]
        learn = np.isin(column, [str(value) for value in spec.split.learn])
        test = np.isin(column, [str(value) for value in spec.split.test])
    for rows, what in (
        (learn, Text("学习部分", "the part to learn from")),
        (test, Text("检验部分", "the part to test on")),
    ):
        if not rows.any():
            raise errors.no_rows(what)
    return learn, test


def _hashed(spec: PolicySpec, rows: int, action: Integers, stratum: Integers, seed: int) -> Bools:
    """Return who is learned from: the given share of each stratum and action with the lowest hash of the row's number."""
    assert spec.split.share is not None
    salt = f"{spec.policy}:{seed}"
    bucket = np.fromiter((cell_bucket(salt, str(row)) for row in range(1, rows + 1)), np.int64, rows)
    learn = np.zeros(rows, bool)
    cell = stratum * (int(action.max()) + 1) + action
    for value in np.unique(cell):
        members = np.flatnonzero(cell == value)
        order = members[np.argsort(bucket[members], kind="stable")]
        learn[order[: len(members) * spec.split.share // 1_000_000]] = True
    return learn


def _band(rate: Rate, index: int, group: Integers, values: Floats, test: Bools) -> OfferedBand:
    name = list(rate.groups)[index]
    mine = values[test & (group == index)]
    if not mine.size:
        raise errors.no_rows(Text(f"检验部分的 {name} ", f"{name} in the part to test on"))
    edges = np.linspace(mine.min(), mine.max(), rate.levels + 1)
    level = _levels(mine, edges)
    count = np.bincount(level, minlength=rate.levels)
    total = np.bincount(level, weights=mine, minlength=rate.levels)
    mean = np.divide(total, count, out=np.full(rate.levels, np.nan), where=count > 0)
    return OfferedBand(name, edges, mean, int(mine.size), float(mine.mean()))


def _levels(rate: Floats, edges: Floats) -> Integers:
    found = np.searchsorted(edges - _RATE_STEP, rate, side="right") - 1
    return np.clip(found, 0, len(edges) - 2).astype(np.int64)
