"""Clusters of customers: k-means over attributes on one scale, learned once, then a rule like any other: the nearest centre.

Amounts are compared by their logarithm, everything by its distance from the mean in standard deviations, bounded, so that
no single large balance makes a cluster of its own. A customer of whom an attribute is not known is in no cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.customer.segment import errors
from bankloop.kit.expression import BOOL, MONEY, Kind, Type
from bankloop.kit.ids import digest

FEWEST, MOST = 2, 12
# A cluster that wants more people than this to be learned from is not a cluster.
_LEARNED_FROM = 50_000
_BOUND = 4.0
_DIGITS = 6
# In how many standard deviations from the bank's mean an attribute says something about a cluster.
_TELLING = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clustering:
    """Centres (k, m) over ``features``, in standard deviations from ``means``; ``logs`` are compared by logarithm."""

    features: tuple[str, ...]
    logs: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Clustering:
        """Return a clustering from what the store keeps of it."""
        return cls(
            tuple(plain["features"]), tuple(plain["logs"]), tuple(plain["means"]), tuple(plain["scales"]),
            tuple(tuple(centre) for centre in plain["centres"]),
        )  # fmt: skip

    @property
    def plain(self) -> dict[str, Any]:
        """Return what the store keeps."""
        return {
            "features": list(self.features), "logs": list(self.logs), "means": list(self.means),
            "scales": list(self.scales), "centres": [list(centre) for centre in self.centres],
        }  # fmt: skip

    @property
    def digest(self) -> str:
        """Return the sha256 of what it is."""
        return digest(self.plain)

    def assign(self, table: pa.Table) -> NDArray[np.int64]:
        """Return each row's cluster (n,), −1 where an attribute is not known."""
        values = _raw(table, self.features, self.logs)
        known = ~np.isnan(values).any(axis=1)
        found = np.full(len(values), -1, np.int64)
        placed = _scaled(values[known], np.array(self.means), np.array(self.scales))
        centres = np.array(self.centres)
        # |x − c|² without x², which is the same for every centre.
        found[known] = np.argmin((centres**2).sum(axis=1) - 2 * placed @ centres.T, axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Profile:
    """One cluster in words: how many customers, and the attributes that set it apart, in deviations from the mean."""

    index: int
    customers: int
    telling: tuple[tuple[str, float], ...]


def learn_clusters(
    table: pa.Table, features: Sequence[str], types: Mapping[str, Type], count: int, seed: int
) -> Clustering:
    """Return ``count`` clusters of the rows of ``table``, the same for the same rows and seed.

    Raises ``InputError`` for a count outside ``FEWEST`` … ``MOST``, an attribute that is no number, no feature at all, or
    fewer people than clusters.
    """
    if not FEWEST <= count <= MOST:
        raise errors.bad_count(count, FEWEST, MOST)
    names = tuple(dict.fromkeys(features))
    wrong = [name for name in names if types[name] != BOOL and types[name].kind is not Kind.NUMBER]
    if wrong or not names:
        raise errors.no_feature(", ".join(wrong))
    logs = tuple(name for name in names if types[name] == MONEY)
    values = _raw(table, names, logs)
    values = values[~np.isnan(values).any(axis=1)]
    if len(np.unique(values[:_LEARNED_FROM], axis=0)) < count:
        raise errors.too_few(len(values), count)
    means, scales = values.mean(axis=0), values.std(axis=0)
    scales[scales == 0] = 1.0
    centres = _centres(_scaled(values, means, scales), count, seed)
    return Clustering(names, logs, _rounded(means), _rounded(scales), tuple(_rounded(centre) for centre in centres))


def describe(clustering: Clustering, assigned: NDArray[np.int64]) -> tuple[Profile, ...]:
    """Return the clusters with what sets them apart, the most telling attribute first."""
    found = []
    for index, centre in enumerate(clustering.centres):
        order = sorted(zip(clustering.features, centre, strict=True), key=lambda pair: -abs(pair[1]))
        telling = tuple((name, round(value, 2)) for name, value in order if abs(value) >= _TELLING)[:4]
        found.append(Profile(index, int((assigned == index).sum()), telling))
    return tuple(found)


def _centres(values: Floats, count: int, seed: int) -> list[Floats]:
    """Return centres, those of more money first: by their sum, so that a number means the same from run to run."""
    from sklearn.cluster import KMeans

    step = max(1, -(-len(values) // _LEARNED_FROM))
    learned = KMeans(count, n_init=4, random_state=seed).fit(values[::step])
    return sorted(learned.cluster_centers_, key=lambda centre: tuple(-centre))


def _raw(table: pa.Table, features: Sequence[str], logs: Sequence[str]) -> Floats:
    columns = []
    for name in features:
        column = table[name].cast(pa.float64()) if not pa.types.is_boolean(table[name].type) else table[name]
        values = column.cast(pa.int8()).cast(pa.float64()) if pa.types.is_boolean(column.type) else column
        plain = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
        columns.append(np.sign(plain) * np.log1p(np.abs(plain)) if name in logs else plain)
    return np.column_stack(columns) if columns else np.zeros((table.num_rows, 0))


def _scaled(values: Floats, means: Floats, scales: Floats) -> Floats:
    bounded: Floats = np.clip((values - means) / scales, -_BOUND, _BOUND)
    return bounded


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in values)
