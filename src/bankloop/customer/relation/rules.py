"""Asking the graph: who is near, the way from one to another, who belongs together, whom a default reaches and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.relation import kernels
from bankloop.customer.relation.contracts import TITLES, EdgeKind, Exposure, Graph, Ints, PathStep
from bankloop.customer.relation.queries import kind_mask, passes_of
from bankloop.kit.text import Text

MOST_HOPS = 3
# Nobody is reached through who has more relations than this: the largest employer knows everybody.
WIDEST = 5_000
# Days overdue from which a party counts as defaulted (逾期 90 天).
DEFAULT_DAYS = 90
# How much of a default a relation passes on, ppm, and below which share nothing is said.
DECAY: Mapping[EdgeKind, int] = {
    EdgeKind.GUARANTOR: 800_000,
    EdgeKind.LEGAL_REPRESENTATIVE: 700_000,
    EdgeKind.SHAREHOLDER: 500_000,
    EdgeKind.FAMILY: 400_000,
    EdgeKind.FUND_FLOW: 300_000,
}
LEAST = 300_000
# What payments show lists them.
_BY_PAYMENTS = (EdgeKind.EMPLOYS, EdgeKind.FUND_FLOW)
# Who may be met through whom, for marketing: an enterprise's people and their friends, a merchant's customers and theirs.
MARKETING = (EdgeKind.EMPLOYS, EdgeKind.REFERRAL, EdgeKind.FAMILY, EdgeKind.FUND_FLOW)


def place_of(graph: Graph, number: str) -> int:
    """Return where a party is in the graph; −1 for who has no relations."""
    low, high = 0, len(graph.nodes)
    while low < high:  # numbers are in order: a million of them are twenty looks away
        middle = (low + high) // 2
        if graph.nodes[middle].as_py() < number:
            low = middle + 1
        else:
            high = middle
    return low if low < len(graph.nodes) and graph.nodes[low].as_py() == number else -1


def path(
    graph: Graph, source: str, target: str, hops: int = MOST_HOPS, kinds: tuple[EdgeKind, ...] | None = None
) -> tuple[PathStep, ...]:
    """Return a shortest way from one party to another within ``hops``, over these kinds; empty where there is none."""
    a, b = place_of(graph, source), place_of(graph, target)
    if a < 0 or b < 0 or a == b:
        return ()
    way = kernels.shortest(graph.start, graph.other, graph.edge, graph.kind, kind_mask(kinds), a, b, hops, WIDEST)
    return _steps(graph, source, way.tolist())


def neighbours(graph: Graph, number: str, most: int = 200) -> tuple[PathStep, ...]:
    """Return a party's own relations, the strongest evidence first."""
    at = place_of(graph, number)
    if at < 0:
        return ()
    edges = graph.edge[graph.start[at] : graph.start[at + 1]][:most]
    found = [_steps(graph, number, [int(edge)])[0] for edge in edges]
    return tuple(sorted(found, key=lambda step: (-len(step.evidence), step.kind.value, step.to_no)))


def groups(graph: Graph, kinds: tuple[EdgeKind, ...] | None = None, widest: int = WIDEST) -> Ints:
    """Return (n,) which parties belong together, as the place of the first of each group.

    An edge at a party with more than ``widest`` relations joins nobody: a public network must not join a town.
    """
    degree = graph.degree
    joins = (degree[graph.a] <= widest) & (degree[graph.b] <= widest)
    if kinds is not None:
        joins &= np.asarray(
            pc.is_in(graph.edges["kind"], pa.array([k.value for k in kinds])).to_numpy(zero_copy_only=False)
        )
    return np.asarray(kernels.components(len(graph.nodes), graph.a, graph.b, joins), np.int64)


def exposures(
    graph: Graph,
    defaulted: Sequence[str],
    decay: Mapping[EdgeKind, int] = DECAY,
    hops: int = MOST_HOPS,
    least: int = LEAST,
) -> tuple[Exposure, ...]:
    """Return whom defaults reach and how far, the strongest first; the defaulted themselves are not among them."""
    found = pc.index_in(pa.array(list(defaulted), pa.string()), value_set=graph.nodes)
    seeds = found.drop_null().to_numpy().astype(np.int32)
    score, by, came = kernels.spread(
        graph.start, graph.other, graph.edge, graph.kind, passes_of(decay), seeds, hops, least, WIDEST
    )
    score[seeds] = 0
    reached = np.flatnonzero(score >= least)
    order = reached[np.lexsort((reached, -score[reached]))]
    return tuple(
        Exposure(graph.nodes[int(at)].as_py(), int(score[at]), _way(graph, int(at), by, came, hops)) for at in order
    )


def said(found: Exposure) -> Text:
    """Return why a default reaches a party, in words; who it came from is named by the relation alone."""
    first = [TITLES[step.kind] for step in found.steps]
    share = f"{found.score / 10_000:.0f}%"
    zh, en = " → ".join(one.zh for one in first), " → ".join(one.en for one in first)
    return Text(f"关联方违约经“{zh}”传递 {share}", f"a related party's default reaches by {en}: {share}")


def _way(graph: Graph, at: int, by: np.ndarray, came: np.ndarray, hops: int) -> tuple[PathStep, ...]:
    edges: list[int] = []
    while came[at] != kernels.NOBODY and len(edges) < hops:
        edges.append(int(by[at]))
        at = int(came[at])
    return _steps(graph, graph.nodes[at].as_py(), edges[::-1])


def _steps(graph: Graph, number: str, edges: Sequence[int]) -> tuple[PathStep, ...]:
    """Return the steps of a walk over edges that begins at ``number``."""
    steps = []
    for row in graph.edges.take(pa.array(list(edges), pa.int64())).to_pylist() if edges else ():
        forward = row["from_no"] == number
        there = row["to_no"] if forward else row["from_no"]
        evidence = (
            tuple(row["evidence"].split(" "))
            if row["kind"] in _BY_PAYMENTS and "@" in row["evidence"]
            else (row["evidence"],)
        )
        steps.append(PathStep(number, there, EdgeKind(row["kind"]), forward, row["since"], evidence))
        number = there
    return tuple(steps)
