"""The transactional outbox: a message is queued with the change that causes it, and done with the effect it had.

A worker claims by row lock and skips what others hold; nobody asks for ``id > last``, which loses late commits. A claim
ends with its transaction: a worker that dies gives everything back.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.kit.ids import canonical_json
from bankloop.store.contracts import OUTBOX_SCHEMA, Message
from bankloop.store.copying import copy_in, fitted, sole
from bankloop.store.database import now_of

_ENQUEUE = text(
    "INSERT INTO outbox (topic, key, unit_id, payload) VALUES (:topic, :key, :unit, CAST(:payload AS jsonb)) "
    "ON CONFLICT (topic, key) DO NOTHING RETURNING id"
)
_CLAIM = text(
    "SELECT id, topic, key, unit_id, payload, attempts FROM outbox WHERE topic = :topic AND done_at IS NULL "
    "AND held IS NULL AND attempts < :tries ORDER BY attempts, id LIMIT :limit FOR UPDATE SKIP LOCKED"
)
_DONE = text("UPDATE outbox SET done_at = :now, attempts = attempts + 1 WHERE id = ANY (:ids) AND done_at IS NULL")
_HOLD = text("UPDATE outbox SET held = :by WHERE done_at IS NULL AND held IS NULL AND payload->>'campaign' = :campaign")
_RELEASE = text("UPDATE outbox SET held = NULL WHERE held = :by")
_FAILED = text("UPDATE outbox SET attempts = attempts + 1, last_error = :error WHERE id = :id")

# A message that failed this often waits for a person; see waiting_messages.
MAX_ATTEMPTS = 10


def enqueue(connection: Connection, topic: str, key: str, unit_id: str, payload: object) -> bool:
    """Queue a message in this transaction; return whether it is new, as one key is queued once per topic."""
    values = {"topic": topic, "key": key, "unit": unit_id, "payload": canonical_json(payload)}
    return connection.scalar(_ENQUEUE, values) is not None


def enqueue_table(connection: Connection, table: pa.Table) -> int:
    """Queue many messages (columns of ``OUTBOX_SCHEMA``) and return how many were new."""
    rows = fitted("outbox", table, OUTBOX_SCHEMA, {})
    if not rows.num_rows:
        return 0
    name = copy_in(connection, rows)
    return sole(
        connection,
        f"INSERT INTO outbox (topic, key, unit_id, payload) SELECT topic, key, unit_id, payload::jsonb FROM {name} "
        "ORDER BY topic, key ON CONFLICT (topic, key) DO NOTHING",
    )


def claim_outbox(connection: Connection, topic: str, limit: int, tries: int = MAX_ATTEMPTS) -> list[Message]:
    """Claim up to ``limit`` waiting messages for this transaction; those that others hold are passed over."""
    rows = connection.execute(_CLAIM, {"topic": topic, "limit": limit, "tries": tries})
    return [Message(*row) for row in rows]


def mark_done(connection: Connection, ids: Iterable[int]) -> int:
    """Mark claimed messages as done and return how many were not before."""
    return connection.execute(_DONE, {"ids": list(ids), "now": now_of(connection)}).rowcount


def mark_failed(connection: Connection, message_id: int, error: str) -> None:
    """Count a failed attempt and keep its reason; the message waits for the next claim."""
    connection.execute(_FAILED, {"id": message_id, "error": error[:2000]})


def hold_outbox(connection: Connection, campaign: str, by: str) -> int:
    """Hold every waiting message of a campaign and return how many; one that is being sent is waited for."""
    return connection.execute(_HOLD, {"campaign": campaign, "by": by}).rowcount


def release_outbox(connection: Connection, by: str) -> int:
    """Let the messages that ``by`` holds be claimed again and return how many."""
    return connection.execute(_RELEASE, {"by": by}).rowcount


def waiting_messages(connection: Connection, topic: str) -> int:
    """Return how many messages of the topic wait."""
    return (
        connection.scalar(
            text("SELECT count(*) FROM outbox WHERE topic = :t AND done_at IS NULL AND held IS NULL"), {"t": topic}
        )
        or 0
    )
