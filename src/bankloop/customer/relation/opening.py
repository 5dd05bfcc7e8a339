"""What a reader may see of relations: from a customer of their own, other parties masked unless they are their own too."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bankloop.customer.consent import in_scope
from bankloop.customer.relation.contracts import EdgeKind, Graph, PathStep
from bankloop.customer.relation.queries import graph_of, stored_edges
from bankloop.customer.relation.rules import MOST_HOPS, neighbours, path
from bankloop.lake.service import Lake
from bankloop.organization.people import keeper_of
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.database import principal_of

_SHOWN = 4
_kept: dict[str, Graph] = {}
_guard = threading.Lock()


def graph_now(lake: Lake) -> Graph:
    """Return the graph of the relations derived last; built once a version and kept by this process."""
    version = lake.manifest.current("edge")
    key = f"{lake.root}/{version.version if version else ''}"
    with _guard:
        if key not in _kept:
            _kept.clear()
            _kept[key] = graph_of(stored_edges(lake), lake.today())
        return _kept[key]


def open_relations(connection: Connection, lake: Lake, number: str) -> tuple[PathStep, ...]:
    """Return a customer's own relations as who acts may see them; raise ``NotFoundError`` out of scope."""
    with in_scope(connection, number, "relation.read") as numbers:
        graph = graph_now(lake)
    found = [step for one in numbers for step in neighbours(graph, one)]
    return _shown(connection, number, found, "own")


def find_way(
    connection: Connection,
    lake: Lake,
    number: str,
    other: str,
    hops: int = MOST_HOPS,
    kinds: tuple[EdgeKind, ...] | None = None,
) -> tuple[PathStep, ...]:
    """Return a shortest way from a customer to another party, over these kinds; empty where there is none.

    Raises ``NotFoundError`` where the customer is out of scope; what lies between is masked unless it is one's own.
    """
    with in_scope(connection, number, "relation.read"):
        graph = graph_now(lake)
    return _shown(connection, number, path(graph, number, other, min(hops, MOST_HOPS), kinds), f"way:{other}")


def _shown(connection: Connection, number: str, steps: Sequence[PathStep], what: str) -> tuple[PathStep, ...]:
    plain = {number}
    masks = {one: masked_party(connection, one) for step in steps for one in (step.from_no, step.to_no)}
    note_opening(connection, number, what, len(steps))
    return tuple(
        replace(
            step,
            from_no=step.from_no if step.from_no in plain else masks[step.from_no],
            to_no=masks[step.to_no],
            evidence=step.evidence,
        )
        for step in steps
    )


def note_opening(connection: Connection, number: str, what: str, steps: int) -> None:
    """Write down that relations of a customer were looked at."""
    after = {"what": what, "steps": steps}
    record_audit(connection, "relation.open", "customer", number, None, after, class_="access", subject=number)


def masked_party(connection: Connection, number: str) -> str:
    """Return a party as who acts may see it: masked unless it is of their own scope."""
    acting = principal_of(connection)
    whole = EVERY_UNIT in acting.units and not acting.book
    if whole or keeper_of(connection, number):
        return number
    return f"{number[:1]}…{number[-_SHOWN:]}" if len(number) > _SHOWN + 1 else "…"
