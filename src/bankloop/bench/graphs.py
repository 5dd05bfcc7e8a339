"""Measures the graph of relations: ways within three hops between random parties, and components, with hubs capped."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow as pa

from bankloop.customer.relation import EDGE_SCHEMA, KINDS, graph_of, groups, path

_SEED = 7
_WARM = 5


def measure(parties: int, edges: int, ways: int) -> dict[str, Any]:
    """Return milliseconds of a way between random parties (median and 99th), seconds of building and of components."""
    rng = np.random.default_rng(_SEED)
    table = _edges(rng, parties, edges)
    small = graph_of(table.slice(0, 1_000))
    path(small, small.nodes[0].as_py(), small.nodes[1].as_py())
    groups(small)
    start = time.perf_counter()
    graph = graph_of(table)
    build = time.perf_counter() - start
    start = time.perf_counter()
    found = groups(graph)
    together = time.perf_counter() - start
    pairs = rng.integers(0, len(graph.nodes), (ways + _WARM, 2))
    taken, reached = [], 0
    for a, b in pairs.tolist():
        one, other = graph.nodes[a].as_py(), graph.nodes[b].as_py()
        start = time.perf_counter()
        reached += bool(path(graph, one, other))
        taken.append((time.perf_counter() - start) * 1000)
    return {
        "parties": len(graph.nodes),
        "edges": table.num_rows,
        "build_seconds": round(build, 2),
        "path_p50_ms": round(float(np.percentile(taken[_WARM:], 50)), 2),
        "path_p99_ms": round(float(np.percentile(taken[_WARM:], 99)), 2),
        "paths_found": reached,
        "components": len(np.unique(found)),
        "components_seconds": round(together, 2),
    }


def _edges(rng: np.random.Generator, parties: int, edges: int) -> pa.Table:
    """Return relations of which a tenth lead to few large firms, as payrolls do, and the others are among everybody."""
    a = rng.integers(0, parties, edges)
    b = np.where(
        rng.random(edges) < 0.1, (parties * rng.random(edges) ** 6).astype(np.int64), rng.integers(0, parties, edges)
    )
    pair = np.unique(np.stack([a[a != b], b[a != b]], axis=1), axis=0)
    numbers = pa.array([f"C{n:08d}" for n in range(parties)])
    kinds = pa.array([kind.value for kind in KINDS])
    return pa.table(
        [
            numbers.take(pa.array(pair[:, 0])), numbers.take(pa.array(pair[:, 1])),
            kinds.take(pa.array(rng.integers(0, len(KINDS), len(pair)))), pa.nulls(len(pair), pa.date32()),
            pa.nulls(len(pair), pa.date32()), pa.array(np.ones(len(pair), np.int64)), pa.array(["made"]).take(pa.array(np.zeros(len(pair), np.int64))),
        ],
        schema=EDGE_SCHEMA,
    )  # fmt: skip
