"""The SQL of what became of identities: who belongs to which party since when, merges told, the steward's queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.customer.identity.contracts import Link, MatchCandidate, Member, MergeEvent
from bankloop.kit.ids import canonical_json, uuid7
from bankloop.store.copying import copy_in
from bankloop.store.database import now_of, principal_of

_QUEUE = """
INSERT INTO match_candidate (candidate_id, a, b, weight, evidence, why, state)
SELECT candidate_id::uuid, a, b, weight::float8, evidence::jsonb, why, 'waiting' FROM {name} n
WHERE NOT EXISTS (SELECT FROM identity_separation s WHERE (s.a, s.b) = (n.a, n.b) AND s.ended_at IS NULL)
ON CONFLICT (a, b) WHERE state = 'waiting' DO NOTHING RETURNING 1
"""
# Each by its index, whatever the tables' statistics say.
_FACTS = """
SELECT i.customer_no, i.channel, i.rank, r.card, coalesce(p.party_no, i.customer_no) AS party_no FROM {name} n
CROSS JOIN LATERAL (SELECT customer_no, channel, rank FROM identity WHERE customer_no = n.customer_no OFFSET 0) i
LEFT JOIN LATERAL (SELECT card FROM identity_record WHERE customer_no = n.customer_no OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT party_no FROM party_member WHERE customer_no = n.customer_no AND valid_to IS NULL OFFSET 0) p ON true
"""
_MOVE = """
INSERT INTO party_member (customer_no, party_no, valid_from) SELECT customer_no, party_no, bankloop_now() FROM {name}
ON CONFLICT (customer_no, valid_from) DO UPDATE SET party_no = excluded.party_no, valid_to = NULL
"""
_CANDIDATE = "SELECT candidate_id, a, b, weight, evidence, why, state, made_at, decided_by FROM match_candidate "
_EVENT = "SELECT event_id, kind, party_no, other_no, moved, evidence, flags, made_by, reason, made_at FROM merge_event "


def facts_of(connection: Connection, numbers: Sequence[str]) -> list[Any]:
    """Return (customer_no, channel, rank, card, party_no) of identities."""
    name = copy_in(connection, pa.table({"customer_no": pa.array(numbers, pa.string())}))
    return list(connection.execute(text(_FACTS.format(name=name))))


def move(connection: Connection, moves: Mapping[str, str]) -> None:
    """Let identities belong to other parties from now on: number → party."""
    moved = sorted(moves)
    connection.execute(
        text(
            "UPDATE party_member SET valid_to = bankloop_now() WHERE customer_no = ANY (:numbers) AND valid_to IS NULL"
        ),
        {"numbers": moved},
    )
    away = {one: party for one, party in moves.items() if one != party}
    if away:
        name = copy_in(connection, pa.table({"customer_no": list(away), "party_no": list(away.values())}))
        connection.execute(text(_MOVE.format(name=name)))


def record_events(connection: Connection, events: Sequence[MergeEvent]) -> None:
    """Append merges and their undoings."""
    if not events:
        return
    table = pa.table(
        {
            "event_id": [str(one.event_id) for one in events],
            "kind": [one.kind for one in events],
            "party_no": [one.party_no for one in events],
            "other_no": [one.other_no for one in events],
            "moved": pa.array([list(one.moved) for one in events], pa.list_(pa.string())),
            "evidence": [canonical_json(one.evidence) for one in events],
            "flags": pa.array([list(one.flags) for one in events], pa.list_(pa.string())),
            "made_by": [one.by for one in events],
            "reason": [one.reason for one in events],
        }
    )
    names = "kind, party_no, other_no, moved, evidence::jsonb, flags, made_by, reason"
    query = f"INSERT INTO merge_event SELECT event_id::uuid, {names} FROM {copy_in(connection, table)}"
    connection.execute(text(query))


def enqueue_candidates(connection: Connection, found: Sequence[tuple[Link, str]]) -> int:
    """Put pairs before a steward, each once and none that were separated; return how many are new."""
    if not found:
        return 0
    moment = int(now_of(connection).timestamp() * 1000)
    table = pa.table(
        {
            "candidate_id": [str(uuid7(moment)) for _ in found],
            "a": [link.a for link, _ in found],
            "b": [link.b for link, _ in found],
            "weight": [repr(link.weight) for link, _ in found],
            "evidence": [canonical_json(link.evidence) for link, _ in found],
            "why": [why for _, why in found],
        }
    )
    name = copy_in(connection, table)
    return len(connection.execute(text(_QUEUE.format(name=name))).all())


def candidates(connection: Connection, state: str = "waiting", limit: int = 100) -> list[MatchCandidate]:
    """Return the queue, the heaviest first."""
    query = text(_CANDIDATE + "WHERE state = :state ORDER BY weight DESC, candidate_id LIMIT :limit")
    return [MatchCandidate(*row) for row in connection.execute(query, {"state": state, "limit": limit})]


def candidate_of(connection: Connection, candidate_id: UUID) -> MatchCandidate | None:
    """Return one candidate, locked."""
    row = connection.execute(text(_CANDIDATE + "WHERE candidate_id = :id FOR UPDATE"), {"id": candidate_id}).first()
    return MatchCandidate(*row) if row else None


def close_candidate(connection: Connection, candidate_id: UUID, state: str, reason: str) -> None:
    """Close a candidate as decided by who acts."""
    query = text(
        "UPDATE match_candidate SET state = :state, reason = :reason, decided_by = :by, decided_at = bankloop_now() "
        "WHERE candidate_id = :id"
    )
    values = {"id": candidate_id, "state": state, "reason": reason, "by": principal_of(connection).id}
    connection.execute(query, values)


def settle_candidates(connection: Connection) -> None:
    """Close what waits for a steward and is answered: both are one party by now."""
    connection.execute(
        text(
            "UPDATE match_candidate c SET state = 'settled', decided_at = bankloop_now() FROM identity x "
            "LEFT JOIN party_member p ON p.customer_no = x.customer_no AND p.valid_to IS NULL, identity y "
            "LEFT JOIN party_member q ON q.customer_no = y.customer_no AND q.valid_to IS NULL "
            "WHERE c.state = 'waiting' AND x.customer_no = c.a AND y.customer_no = c.b "
            "AND coalesce(p.party_no, x.customer_no) = coalesce(q.party_no, y.customer_no)"
        )
    )


def merges(connection: Connection, numbers: Sequence[str] | None = None, limit: int = 100) -> list[MergeEvent]:
    """Return merges and undoings, the latest first, of parties where named."""
    where = "" if numbers is None else "WHERE party_no = ANY (:numbers) OR other_no = ANY (:numbers) "
    query = text(_EVENT + where + "ORDER BY made_at DESC, event_id DESC LIMIT :limit")
    values: dict[str, Any] = {"limit": limit} if numbers is None else {"limit": limit, "numbers": list(numbers)}
    return [_event(row) for row in connection.execute(query, values)]


def merge_by_id(connection: Connection, event_id: UUID) -> MergeEvent | None:
    """Return one merge."""
    row = connection.execute(text(_EVENT + "WHERE event_id = :id"), {"id": event_id}).first()
    return _event(row) if row else None


def members_at(connection: Connection, number: str, at: datetime) -> tuple[str, list[Member]]:
    """Return the party that a number belonged to at a moment, with its members; '' for a number that nobody has."""
    values = {"number": number, "at": at}
    party = connection.scalar(
        text(
            "SELECT coalesce(p.party_no, i.customer_no) FROM identity i LEFT JOIN party_member p "
            "ON p.customer_no = i.customer_no AND p.valid_from <= :at AND (p.valid_to IS NULL OR p.valid_to > :at) "
            "WHERE i.customer_no = :number"
        ),
        values,
    )
    rows = connection.execute(
        text(
            "WITH here AS (SELECT customer_no, valid_from FROM party_member WHERE party_no = :party "
            "AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)) "
            "SELECT i.customer_no, i.source, i.as_of, i.load_id, i.channel, coalesce(h.valid_from, i.made_at) AS since "
            "FROM identity i LEFT JOIN here h USING (customer_no) "
            "WHERE i.customer_no IN (SELECT customer_no FROM here UNION SELECT :party) ORDER BY i.channel, i.rank"
        ),
        {"party": party or "", "at": at},
    )
    return party or "", [Member(*row) for row in rows]


def _event(row: Any) -> MergeEvent:
    return MergeEvent(
        row.event_id, row.kind, row.party_no, row.other_no, tuple(row.moved), row.evidence, tuple(row.flags), row.made_by,
        row.reason, row.made_at,
    )  # fmt: skip
