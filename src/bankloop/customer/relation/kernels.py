"""The graph's loops, compiled: building, shortest ways within a few hops, components, and how far a default reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bankloop.customer.relation.contracts import Ints, Small
from bankloop.kit.compiled import compiled

NOBODY = -1


@compiled(nogil=False)
def adjacency(n: int, a: Small, b: Small, kind: NDArray[np.int8]) -> tuple[Ints, Small, Small, NDArray[np.int8]]:
    """Return start, neighbour, edge and kind of every entry, two an edge, by counting: linear in nodes and edges."""
    start = np.zeros(n + 1, np.int64)
    for e in range(len(a)):
        start[a[e] + 1] += 1
        start[b[e] + 1] += 1
    for i in range(n):
        start[i + 1] += start[i]
    place = start[:-1].copy()
    other = np.empty(2 * len(a), np.int32)
    edge = np.empty(2 * len(a), np.int32)
    kinds = np.empty(2 * len(a), np.int8)
    for e in range(len(a)):
        for end in range(2):
            here, there = (a[e], b[e]) if end == 0 else (b[e], a[e])
            at = place[here]
            other[at], edge[at], kinds[at] = there, e, kind[e]
            place[here] += 1
    return start, other, edge, kinds


@compiled(nogil=False)
def shortest(
    start: Ints,
    other: Small,
    edge: Small,
    kind: NDArray[np.int8],
    walked: NDArray[np.bool_],
    source: int,
    target: int,
    hops: int,
    widest: int,
) -> Ints:
    """Return the edges of a shortest way of at most ``hops``, from ``source`` on; empty where there is none.

    Both ends are walked towards each other, the narrower front first. ``walked`` (kinds,) says which kinds count. Nobody
    with more than ``widest`` relations is passed through: half a town is behind a hub.
    """
    n = len(start) - 1
    came = np.full((2, n), NOBODY, np.int32)
    by = np.full((2, n), NOBODY, np.int32)
    came[0, source], came[1, target] = source, target
    front_a, front_b = np.array([source], np.int32), np.array([target], np.int32)
    for _ in range(hops):
        side = 0 if len(front_a) <= len(front_b) else 1
        front = front_a if side == 0 else front_b
        following = np.empty(16, np.int32)
        count = 0
        for here in front:
            wide = start[here + 1] - start[here] > widest
            if wide and here != source and here != target:
                continue
            for at in range(start[here], start[here + 1]):
                there = other[at]
                if not walked[kind[at]] or came[side, there] != NOBODY:
                    continue
                came[side, there], by[side, there] = here, edge[at]
                if came[1 - side, there] != NOBODY:
                    return _joined(came, by, source, target, there)
                if count == len(following):
                    longer = np.empty(2 * count, np.int32)
                    longer[:count] = following
                    following = longer
                following[count] = there
                count += 1
        if side == 0:
            front_a = following[:count].copy()
        else:
            front_b = following[:count].copy()
    return np.empty(0, np.int64)


@compiled(nogil=False)
def _joined(came: Small, by: Small, source: int, target: int, middle: int) -> Ints:
    way = np.empty(64, np.int64)
    count = 0
    at = middle
    while at != source:
        way[count] = by[0, at]
        at = came[0, at]
        count += 1
    ordered = way[:count][::-1].copy()
    at = middle
    while at != target:
        way[count] = by[1, at]
        at = came[1, at]
        count += 1
    way[: len(ordered)] = ordered
    return way[:count].copy()


@compiled(nogil=False)
def components(n: int, a: Small, b: Small, joins: NDArray[np.bool_]) -> Small:
    """Return (n,) the smallest node of each node's component over the edges that join, by union-find with path halving."""
    parent = np.arange(n).astype(np.int32)
    for e in range(len(a)):
        if not joins[e]:
            continue
        x, y = a[e], b[e]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        while parent[y] != y:
            parent[y] = parent[parent[y]]
            y = parent[y]
        if x < y:
            parent[y] = x
        elif y < x:
            parent[x] = y
    for i in range(n):
        x = np.int32(i)
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        parent[i] = x
    return parent


@compiled(nogil=False)
def spread(
    start: Ints,
    other: Small,
    edge: Small,
    kind: NDArray[np.int8],
    passes: Ints,
    seeds: Small,
    hops: int,
    least: int,
    widest: int,
) -> tuple[Ints, Small, Small]:
    """Return (n,) how far a default reaches in ppm, over which edge and from whom it came.

    Each edge passes on its kind's share in ppm; the strongest way counts. What falls below ``least`` ends, and hubs pass
    nothing on.
    """
    n = len(start) - 1
    score = np.zeros(n, np.int64)
    came = np.full(n, NOBODY, np.int32)
    by = np.full(n, NOBODY, np.int32)
    for seed in seeds:
        score[seed] = 1_000_000
    front = seeds.copy()
    for _ in range(hops):
        reached = score.copy()
        changed = np.zeros(n, np.bool_)
        for here in front:
            if start[here + 1] - start[here] > widest:
                continue
            for at in range(start[here], start[here + 1]):
                there = other[at]
                passed = score[here] * passes[kind[at]] // 1_000_000
                if passed >= least and passed > reached[there]:
                    reached[there], came[there], by[there] = passed, here, edge[at]
                    changed[there] = True
        score = reached
        front = np.flatnonzero(changed).astype(np.int32)
        if len(front) == 0:
            break
    return score, by, came
