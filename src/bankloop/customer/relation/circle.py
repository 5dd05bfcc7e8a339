"""A customer's circle: who is within two relations of them, few enough to be drawn, as the reader may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bankloop.customer.consent import in_scope
from bankloop.customer.relation.contracts import EdgeKind, PathStep
from bankloop.customer.relation.opening import graph_now, masked_party, note_opening
from bankloop.customer.relation.rules import neighbours
from bankloop.lake.service import Lake

# A picture of more than this is a tangle; the table below it has the rest.
NEAR, FAR = 12, 3


@dataclass(frozen=True, slots=True)
class Node:
    """A party of the circle: as it is shown, how many relations away, the place of who it was reached from; −1 for the middle."""

    shown: str
    hops: int
    parent: int
    own: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """A relation between two nodes by their places: ``a`` is what it goes out from."""

    a: int
    b: int
    kind: EdgeKind
    evidence: int


@dataclass(frozen=True, slots=True)
class Circle:
    """The middle first; ``more`` says how many near ones were left out."""

    nodes: tuple[Node, ...]
    ties: tuple[Tie, ...]
    more: int


def open_circle(connection: Connection, lake: Lake, number: str) -> Circle:
    """Return a customer's circle; raise ``NotFoundError`` out of scope. Others are masked unless they are one's own."""
    with in_scope(connection, number, "relation.read") as numbers:
        graph = graph_now(lake)
    mine = set(numbers)
    first = [step for one in numbers for step in neighbours(graph, one) if step.to_no not in mine]
    near = list(dict.fromkeys(step.to_no for step in first))
    chosen = near[:NEAR]
    steps = [step for step in first if step.to_no in set(chosen)]
    parents = dict.fromkeys(chosen, number)
    for one in chosen:
        further = [step for step in neighbours(graph, one, 50) if step.to_no not in mine]
        steps += [step for step in further if step.to_no in parents]
        fresh = [step for step in further if step.to_no not in parents][:FAR]
        steps += fresh
        parents.update({step.to_no: one for step in fresh})
    found = _circle(connection, number, mine, chosen, parents, steps, len(near) - len(chosen))
    note_opening(connection, number, "circle", len(found.ties))
    return found


def _circle(
    connection: Connection,
    number: str,
    mine: set[str],
    near: Sequence[str],
    parents: dict[str, str],
    steps: Sequence[PathStep],
    more: int,
) -> Circle:
    place = {number: 0, **{one: n for n, one in enumerate(parents, 1)}}
    nodes = [Node(number, 0, -1, True)]
    for one, parent in parents.items():
        shown = masked_party(connection, one)
        nodes.append(Node(shown, 1 if one in set(near) else 2, place[parent], shown == one))
    ties: dict[tuple[int, int, EdgeKind], Tie] = {}
    for step in steps:
        a, b = (0 if one in mine else place[one] for one in (step.from_no, step.to_no))
        a, b = (a, b) if step.forward else (b, a)
        ties.setdefault((a, b, step.kind), Tie(a, b, step.kind, len(step.evidence)))
    return Circle(tuple(nodes), tuple(ties.values()), more)
