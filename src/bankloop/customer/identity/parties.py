"""Parties follow from links and separations: what changed is worked out anew for whom it touches, and told as merges.

Nothing here decides who is one person; it carries a decision through, in the transaction of the verb that made it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from bankloop.customer.identity import ledger, repository
from bankloop.customer.identity.clusters import partition
from bankloop.customer.identity.contracts import Link, MergeEvent
from bankloop.kit.ids import uuid7
from bankloop.store.database import now_of, principal_of

# One at a time works out parties: two merges that meet would each see half.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('identity.parties'))")
_CELLS = text(
    "SELECT customer_no, campaign, round, cell FROM decision WHERE customer_no = ANY (:numbers) "
    "GROUP BY customer_no, campaign, round, cell"
)
HOLDOUT = "holdout"


@dataclass(frozen=True, slots=True)
class Regrouped:
    """What regrouping did: the merges and undoings told, and the links that could not be honoured."""

    events: tuple[MergeEvent, ...]
    held: tuple[Link, ...]


def lock_parties(connection: Connection) -> None:
    """Wait for whoever else is changing parties, and keep others waiting until this transaction ends."""
    connection.execute(_LOCK)


def regroup(connection: Connection, touched: Sequence[str], reason: str) -> Regrouped:
    """Work the parties of ``touched`` and of all that links reach from them out anew; tell what changed."""
    numbers = repository.linked_with(connection, repository.bound(connection, touched))
    facts = {row.customer_no: row for row in ledger.facts_of(connection, numbers)}
    links = repository.open_links(connection, numbers)
    cards = {one: frozenset({row.card}) for one, row in facts.items() if row.card}
    found = partition(links, repository.separations(connection, numbers), cards)
    wanted = {one: one for one in numbers}
    for group in found.groups:
        first = min(group, key=lambda one: (facts[one].channel, facts[one].rank))
        wanted.update(dict.fromkeys(group, first))
    moves = {one: party for one, party in wanted.items() if facts[one].party_no != party}
    if not moves:
        return Regrouped((), found.held)
    before = {one: row.party_no for one, row in facts.items()}
    events = _events(connection, moves, before, wanted, links, reason)
    ledger.move(connection, moves)
    ledger.record_events(connection, events)
    return Regrouped(tuple(events), found.held)


def _events(
    connection: Connection,
    moves: Mapping[str, str],
    before: Mapping[str, str],
    wanted: Mapping[str, str],
    links: Sequence[Link],
    reason: str,
) -> list[MergeEvent]:
    """One event for each pair of an old and a new party between which identities moved."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one, party in sorted(moves.items()):
        groups[before[one], party].append(one)
    now, actor = now_of(connection), principal_of(connection).id
    members = _members(wanted)
    cells = _cells(connection, {one for party in moves.values() for one in members[party]})
    evidence = _evidence(links, wanted)
    told = []
    for (old, new), moved in sorted(groups.items()):
        merged = wanted.get(old) == new
        rest = [one for one in members[new] if one not in set(moved)]
        told.append(
            MergeEvent(
                uuid7(int(now.timestamp() * 1000)),
                "merge" if merged else "unmerge",
                new,
                old,
                tuple(moved),
                {"links": evidence[new]},
                _crossed(cells, moved, rest) if merged else (),
                actor,
                reason,
                now,
            )
        )
    return told


def _members(wanted: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one, party in wanted.items():
        found[party].append(one)
    return found


def _evidence(links: Sequence[Link], wanted: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return by party the links that hold it together."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in links:
        if wanted[one.a] == wanted[one.b]:
            told = {
                "a": one.a,
                "b": one.b,
                "kind": one.kind.value,
                "weight": round(one.weight, 2),
                "why": dict(one.evidence),
            }
            found[wanted[one.a]].append(told)
    return found


def _cells(connection: Connection, numbers: set[str]) -> dict[str, set[tuple[str, int, str]]]:
    """Return (campaign, round, cell) of each identity that was in an experiment."""
    found: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    for row in connection.execute(_CELLS, {"numbers": sorted(numbers)}):
        found[row.customer_no].add((row.campaign, row.round, row.cell))
    return found


def _crossed(
    cells: Mapping[str, set[tuple[str, int, str]]], moved: Sequence[str], rest: Sequence[str]
) -> tuple[str, ...]:
    """Name the experiments of which the two sides are in different cells: their readings know one person as two."""
    mine = set().union(*(cells.get(one, set()) for one in moved))
    theirs = set().union(*(cells.get(one, set()) for one in rest))
    rounds = {one[:2] for one in mine} & {one[:2] for one in theirs}
    flags = {
        f"{campaign}/{round_}"
        for campaign, round_ in rounds
        if {c for a, b, c in mine if (a, b) == (campaign, round_)}
        != {c for a, b, c in theirs if (a, b) == (campaign, round_)}
    }
    if mine and theirs and (HOLDOUT in {c for *_, c in mine}) != (HOLDOUT in {c for *_, c in theirs}):
        flags.add(HOLDOUT)
    return tuple(sorted(flags))
