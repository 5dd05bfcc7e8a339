"""Trees flattened into arrays: many customers scored six times sooner than by the library, one in microseconds, and alike.

What is kept of a trained model is a ``Scorer``; several are joined into one, because a customer who is there is scored by all.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.compiled import compiled
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.loop.model.contracts import Floats
from bankloop.loop.model.steps import NO_STEPS, Steps

# Fewer customers are scored sooner than threads begin.
_PARALLEL = 20_000


class Calibrated(Protocol):
    """A model of boosted trees and the isotonic step behind them, as a propensity is one."""

    @property
    def trees(self) -> Scorer:
        """The trees, as arrays."""

    @property
    def isotonic(self) -> Steps:
        """The steps from their score to a chance."""

    @property
    def features(self) -> tuple[str, ...]:
        """What they read, in order."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """m models of f features each. ``node`` arrays hold all trees; ``root`` (t,) their first nodes, ``tree`` (m + 1,) whose.

    ``step_x`` and ``step_y`` are the isotonic steps of all models, those of model i from ``step[i]`` to ``step[i + 1]``.
    A node of ``left`` −1 is a leaf; children come after their parent, so that every walk ends. Raises ``ValueError`` where
    the arrays are not so: a walk is compiled and looks at no bounds.
    """

    features: tuple[str, ...]
    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    unknown_left: NDArray[np.bool_]
    value: Floats
    root: NDArray[np.int32]
    tree: NDArray[np.int32]
    baseline: Floats
    logistic: NDArray[np.bool_]
    step_x: Floats
    step_y: Floats
    step: NDArray[np.int32]

    def __post_init__(self) -> None:
        """Refuse arrays in which a walk could leave them or go round."""
        nodes, trees, models, steps = self.feature.size, self.root.size, self.baseline.size, self.step_x.size
        at, inner = np.arange(nodes), self.left >= 0
        alike = (self.threshold, self.left, self.right, self.unknown_left, self.value)
        if not (
            all(array.size == nodes for array in alike)
            and all(_between(child[inner], at[inner] + 1, nodes) for child in (self.left, self.right))
            and _between(self.feature[inner], 0, len(self.features))
            and _between(self.root, 0, nodes)
            and _parts(self.tree, models, trees)
            and _parts(self.step, models, steps)
            and self.logistic.size == models
            and self.step_y.size == steps
        ):
            raise ValueError("these are no trees")

    @staticmethod
    def of(models: Sequence[Calibrated]) -> Scorer:
        """Join models that read the same features, with the steps behind their trees."""
        features = models[0].features
        if any(model.features != features or len(model.trees.features) != len(features) for model in models):
            raise InputError(
                "model.features",
                Text("这些模型的特征不同，不能一起打分；请分开", "these models read different features and cannot score together; part them"),
            )  # fmt: skip
        trees, steps = [model.trees for model in models], [model.isotonic for model in models]
        nodes, roots = _starts(one.feature for one in trees), _starts(one.root for one in trees)
        return Scorer(
            features=features,
            feature=np.concatenate([one.feature for one in trees]),
            threshold=np.concatenate([one.threshold for one in trees]),
            left=_moved(
                [np.where(one.left < 0, -1 - at, one.left) for one, at in zip(trees, nodes, strict=False)], nodes
            ),
            right=_moved([one.right for one in trees], nodes),
            unknown_left=np.concatenate([one.unknown_left for one in trees]),
            value=np.concatenate([one.value for one in trees]),
            root=_moved([one.root for one in trees], nodes),
            tree=np.append(_moved([one.tree[:-1] for one in trees], roots), roots[-1]).astype(np.int32),
            baseline=np.concatenate([one.baseline for one in trees]),
            logistic=np.concatenate([one.logistic for one in trees]),
            step_x=np.concatenate([one.at for one in steps]),
            step_y=np.concatenate([one.rate for one in steps]),
            step=_starts(one.at for one in steps).astype(np.int32),
        )

    @staticmethod
    def plain(trees: Any, width: int) -> Scorer:
        """Flatten a fitted ensemble over ``width`` features as it is: a classifier's chance, a regressor's number."""
        nodes = [one.nodes for each in trees._predictors for one in each]
        starts = _starts(nodes)
        leaves = [node["is_leaf"] for node in nodes]
        return _without_steps(
            width,
            feature=_joined([node["feature_idx"] for node in nodes], np.int32),
            threshold=_joined([node["num_threshold"] for node in nodes], np.float64),
            left=_joined(
                [np.where(leaf, -1, node["left"] + at) for node, leaf, at in zip(nodes, leaves, starts, strict=False)],
                np.int32,
            ),
            right=_joined(
                [np.where(leaf, -1, node["right"] + at) for node, leaf, at in zip(nodes, leaves, starts, strict=False)],
                np.int32,
            ),
            unknown_left=_joined([node["missing_go_to_left"] for node in nodes], np.bool_),
            value=_joined([node["value"] for node in nodes], np.float64),
            root=starts[:-1].astype(np.int32),
            baseline=float(np.ravel(trees._baseline_prediction)[0]),
            logistic=hasattr(trees, "predict_proba"),
        )

    @staticmethod
    def constant(rate: float, width: int) -> Scorer:
        """Return what says the same of everybody."""
        none, nothing = np.zeros(0, np.int32), np.zeros(0)
        return _without_steps(
            width,
            feature=none,
            threshold=nothing,
            left=none,
            right=none,
            unknown_left=np.zeros(0, np.bool_),
            value=nothing,
            root=none,
            baseline=rate,
            logistic=False,
        )

    def one(self, row: Floats) -> Floats:
        """Return (m,) the scores of one customer's features (f,), NaN for unknown."""
        if row.size != len(self.features):
            raise _other_width(row.size, len(self.features))
        out = np.empty(self.baseline.size)
        _score(row, *self._arrays(), out)
        return out

    def batch(self, x: Floats) -> Floats:
        """Return (n, m) the scores of many customers (n, f): each core scores a part of them."""
        if x.shape[1] != len(self.features):
            raise _other_width(x.shape[1], len(self.features))
        rows, out = np.ascontiguousarray(x, np.float64), np.empty((len(x), self.baseline.size))
        many = len(os.sched_getaffinity(0)) if len(x) >= _PARALLEL else 1
        edges = [len(x) * part // many for part in range(many + 1)]
        with ThreadPoolExecutor(many) as pool:
            done = pool.map(lambda a, b: _score_all(rows[a:b], *self._arrays(), out[a:b]), edges, edges[1:])
            deque(done, maxlen=0)
        return out

    def _arrays(self) -> tuple[Any, ...]:
        return (
            self.feature, self.threshold, self.left, self.right, self.unknown_left, self.value, self.root, self.tree,
            self.baseline, self.logistic, self.step_x, self.step_y, self.step,
        )  # fmt: skip


def scores_of(trees: Any, x: Floats) -> Floats:
    """Return what one fitted ensemble says of many customers (n, f): a classifier's chance (n,)."""
    return Scorer.plain(trees, x.shape[1]).batch(x)[:, 0]


def _other_width(given: int, read: int) -> ValueError:
    return ValueError(f"{given} features where {read} are read")


def _without_steps(width: int, *, baseline: float, logistic: bool, root: NDArray[np.int32], **nodes: Any) -> Scorer:
    """Return one ensemble as a scorer: all its trees are one model's."""
    return Scorer(
        features=tuple(str(at) for at in range(width)),
        root=root,
        tree=np.array([0, root.size], np.int32),
        baseline=np.array([baseline]),
        logistic=np.array([logistic]),
        step_x=NO_STEPS.at,
        step_y=NO_STEPS.rate,
        step=np.zeros(2, np.int32),
        **nodes,
    )


def _between(array: NDArray[Any], least: Any, end: int) -> bool:
    return bool(((array >= least) & (array < end)).all())


def _parts(ends: NDArray[np.int32], count: int, size: int) -> bool:
    """Return whether ``ends`` (count + 1,) part ``size`` things: from the first on, in order, to the last."""
    return bool(ends.size == count + 1 and ends[0] == 0 and ends[-1] == size and (np.diff(ends) >= 0).all())


def _starts(arrays: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
    """Return where each array starts once they are joined, and where the last one ends."""
    return np.cumsum([0, *(len(array) for array in arrays)])


def _moved(parts: Sequence[NDArray[Any]], starts: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return indices joined, each part's moved to where it starts."""
    return _joined([part + at for part, at in zip(parts, starts, strict=False)], np.int32)


def _joined(parts: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate([*parts, np.zeros(0)]).astype(kind)


def _score_row(
    row: Any, feature: Any, threshold: Any, left: Any, right: Any, unknown_left: Any, value: Any, root: Any, tree: Any,
    baseline: Any, logistic: Any, step_x: Any, step_y: Any, step: Any, out: Any,
) -> None:  # fmt: skip
    for m in range(baseline.shape[0]):
        total = baseline[m]
        for t in range(tree[m], tree[m + 1]):
            at = root[t]
            while left[at] >= 0:
                v = row[feature[at]]
                goes = unknown_left[at] if np.isnan(v) else v <= threshold[at]
                at = left[at] if goes else right[at]
            total += value[at]
        if logistic[m]:
            total = 1.0 / (1.0 + np.exp(-total))
        first, last = step[m], step[m + 1]
        if last > first:
            if total <= step_x[first]:
                total = step_y[first]
            elif total >= step_x[last - 1]:
                total = step_y[last - 1]
            else:
                low, high = first, last - 1
                while high - low > 1:
                    middle = (low + high) // 2
                    if step_x[middle] <= total:
                        low = middle
                    else:
                        high = middle
                share = (total - step_x[low]) / (step_x[high] - step_x[low])
                total = step_y[low] + share * (step_y[high] - step_y[low])
        out[m] = total


def _score_rows(
    x: Any, feature: Any, threshold: Any, left: Any, right: Any, unknown_left: Any, value: Any, root: Any, tree: Any,
    baseline: Any, logistic: Any, step_x: Any, step_y: Any, step: Any, out: Any,
) -> None:  # fmt: skip
    for i in range(x.shape[0]):
        _score(x[i], feature, threshold, left, right, unknown_left, value, root, tree, baseline, logistic, step_x,
               step_y, step, out[i])  # fmt: skip


_compiled = compiled()
_score: Any = _compiled(_score_row)
_score_all: Any = _compiled(_score_rows)
