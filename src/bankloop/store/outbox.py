"""The transactional outbox: a message is queued with the change that causes it, and done with the effect it had.

A worker claims by row lock and skips what others hold; nobody asks for ``id > last``, which loses late commits. A claim
ends with its transaction: a worker that dies gives everything back. A message may have its moment, before which nobody
claims it. One that fails blocks nobody behind it: it waits longer each time, and after ``MAX_ATTEMPTS`` for a person.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from bankloop.kit.errors import BankloopError, NotFoundError
from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Text
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Message, Principal, Stuck
from bankloop.store.copying import copy_in, fitted, sole
from bankloop.store.database import Store, now_of
from bankloop.store.verbs import verb

if TYPE_CHECKING:
    import pyarrow as pa

_ENQUEUE = text(
    "INSERT INTO outbox (topic, key, unit_id, payload, due_at) "
    "VALUES (:topic, :key, :unit, CAST(:payload AS jsonb), :due) ON CONFLICT (topic, key) DO NOTHING RETURNING id"
)
# After a failure the next attempt waits one minute, then two, four, eight and so on; who is asked by a person does not wait.
_CLAIM = text(
    "SELECT id, topic, key, unit_id, payload, attempts FROM outbox WHERE topic = :topic AND done_at IS NULL "
    "AND held IS NULL AND attempts < :tries AND (due_at IS NULL OR due_at <= :now) AND id <> ALL (:but) "
    "AND (NOT :patient OR tried_at IS NULL OR tried_at + make_interval(mins => (2 ^ attempts / 2)::int) <= :now) "
    "ORDER BY attempts, id LIMIT :limit FOR UPDATE SKIP LOCKED"
)
_DONE = text("UPDATE outbox SET done_at = :now, attempts = attempts + 1 WHERE id = ANY (:ids) AND done_at IS NULL")
_HOLD = text("UPDATE outbox SET held = :by WHERE done_at IS NULL AND held IS NULL AND payload->>'campaign' = :campaign")
_RELEASE = text("UPDATE outbox SET held = NULL WHERE held = :by")
_FAILED = text(
    "UPDATE outbox SET attempts = attempts + 1, last_error = :error, tried_at = :now WHERE id = :id AND done_at IS NULL"
)
_STUCK = text(
    "SELECT id, topic, key, attempts, last_error, tried_at, attempts >= :tries AS for_a_person FROM outbox "
    "WHERE done_at IS NULL AND held IS NULL AND last_error IS NOT NULL ORDER BY attempts DESC, id"
)
_AGAIN = text(
    "UPDATE outbox SET attempts = 0, tried_at = NULL WHERE id = :id AND done_at IS NULL AND attempts > 0 RETURNING key"
)
_GIVEN_UP = text(
    "UPDATE outbox SET done_at = :now, last_error = :why WHERE id = :id AND done_at IS NULL AND attempts > 0 "
    "RETURNING id, topic, key, unit_id, payload, attempts"
)
_WAITING = text("SELECT count(*) FROM outbox WHERE topic = :topic AND done_at IS NULL AND held IS NULL")

# A message that failed this often waits for a person; see stuck_messages.
MAX_ATTEMPTS = 10
_LONGEST_ERROR = 2_000
_LOG = logging.getLogger(__name__)

Handle = Callable[[Connection, Message], int]


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that could not be handled this time, and why."""

    key: str
    error: Exception

    @property
    def reason(self) -> Text:
        """Return why, in words that a person can read."""
        if isinstance(self.error, BankloopError):
            return self.error.message
        kind = type(self.error).__name__
        return Text(
            f"程序没有预料到的错误（{kind}）；位置见日志", f"a fault nobody foresaw ({kind}); the log says where"
        )


@dataclass(frozen=True, slots=True)
class Drained:
    """What draining a topic did: the sum of what its handler returned, and the messages that failed."""

    done: int
    failures: tuple[Failure, ...] = ()


def enqueue(
    connection: Connection, topic: str, key: str, unit_id: str, payload: object, due_at: datetime | None = None
) -> bool:
    """Queue a message in this transaction; return whether it is new, as one key is queued once per topic."""
    values = {"topic": topic, "key": key, "unit": unit_id, "payload": canonical_json(payload), "due": due_at}
    return connection.scalar(_ENQUEUE, values) is not None


def enqueue_table(connection: Connection, table: pa.Table) -> int:
    """Queue many messages (columns of ``OUTBOX_SCHEMA``) and return how many were new."""
    from bankloop.store.schemas import OUTBOX_SCHEMA

    rows = fitted("outbox", table, OUTBOX_SCHEMA, {"due_at": None})
    if not rows.num_rows:
        return 0
    name = copy_in(connection, rows)
    return sole(
        connection,
        "INSERT INTO outbox (topic, key, unit_id, payload, due_at) "
        f"SELECT topic, key, unit_id, payload::jsonb, due_at FROM {name} "
        "ORDER BY topic, key ON CONFLICT (topic, key) DO NOTHING",
    )


def drain(store: Store, principal: Principal, topic: str, handle: Handle, *, patient: bool = False) -> Drained:
    """Handle every message of a topic that is due, each in a transaction of its own, and say which failed.

    What a failed one did is rolled back; its reason is kept, and those behind it go on. ``patient`` leaves out what
    failed a moment ago: a worker that looks every minute is, a person's command is not.
    """
    done = 0
    tried: list[int] = []
    failures: list[Failure] = []
    while True:
        claimed: list[Message] = []
        try:
            with store.begin(principal) as connection:
                claimed = claim_outbox(connection, topic, 1, but=tried, patient=patient)
                if not claimed:
                    return Drained(done, tuple(failures))
                made = handle(connection, claimed[0])
                mark_done(connection, [claimed[0].id])
            done += made
        except Exception as error:
            if not claimed:
                raise
            if not isinstance(error, BankloopError):
                # Its message may hold a customer's data: the place must do.
                place = traceback.extract_tb(error.__traceback__)[-1]
                _LOG.error("%s: %s at %s:%s", topic, type(error).__name__, place.filename, place.lineno)
            failures.append(Failure(claimed[0].key, error))
            tried.append(claimed[0].id)
            with store.begin(principal) as connection:
                mark_failed(connection, claimed[0].id, failures[-1].reason)


def claim_outbox(
    connection: Connection,
    topic: str,
    limit: int,
    tries: int = MAX_ATTEMPTS,
    *,
    but: Collection[int] = (),
    patient: bool = False,
) -> list[Message]:
    """Claim up to ``limit`` messages that are due, for this transaction; those that others hold are passed over."""
    asked = {"topic": topic, "limit": limit, "tries": tries, "but": list(but), "patient": patient}
    rows = connection.execute(_CLAIM, {**asked, "now": now_of(connection)})
    return [Message(*row) for row in rows]


def mark_done(connection: Connection, ids: Iterable[int]) -> int:
    """Mark claimed messages as done and return how many were not before."""
    return connection.execute(_DONE, {"ids": list(ids), "now": now_of(connection)}).rowcount


def mark_failed(connection: Connection, message_id: int, reason: Text) -> None:
    """Count a failed attempt and keep its reason in both languages; the message waits for the next claim."""
    said = {"zh": reason.zh[:_LONGEST_ERROR], "en": reason.en[:_LONGEST_ERROR]}
    values = {"id": message_id, "error": canonical_json(said), "now": now_of(connection)}
    connection.execute(_FAILED, values)


def hold_outbox(connection: Connection, campaign: str, by: str) -> int:
    """Hold every waiting message of a campaign and return how many; one that is being sent is waited for."""
    return connection.execute(_HOLD, {"campaign": campaign, "by": by}).rowcount


def release_outbox(connection: Connection, by: str) -> int:
    """Let the messages that ``by`` holds be claimed again and return how many."""
    return connection.execute(_RELEASE, {"by": by}).rowcount


def stuck_messages(connection: Connection) -> list[Stuck]:
    """Return every message that failed and is not done, those that wait for a person first."""
    return [
        Stuck(row.id, row.topic, row.key, row.attempts, _reason_kept(row.last_error), row.tried_at, row.for_a_person)
        for row in connection.execute(_STUCK, {"tries": MAX_ATTEMPTS})
    ]


def _reason_kept(kept: str) -> Text:
    """Return a reason as it was kept: in both languages, or in one by an earlier version."""
    if not kept.startswith("{"):
        return Text(kept, kept)
    said = json.loads(kept)
    return Text(said["zh"], said["en"])


@verb("message.retry")
def retry_message(connection: Connection, message_id: int) -> None:
    """Let a message that failed be tried again from the beginning; raise ``NotFoundError`` where none such waits."""
    key = connection.scalar(_AGAIN, {"id": message_id})
    if key is None:
        raise _no_message(message_id)
    record_audit(connection, "message.retry", "message", key, None, {"attempts": 0})


@verb("message.drop")
def drop_message(connection: Connection, message_id: int, reason: str) -> Message:
    """Give a message that failed up for good, and return it: who queued it says what that means for its contacts.

    Raises ``NotFoundError`` where none such waits.
    """
    row = connection.execute(
        _GIVEN_UP, {"id": message_id, "now": now_of(connection), "why": reason[:_LONGEST_ERROR]}
    ).first()
    if row is None:
        raise _no_message(message_id)
    found = Message(*row)
    record_audit(connection, "message.drop", "message", found.key, None, {"topic": found.topic}, reason)
    return found


def waiting_messages(connection: Connection, topic: str) -> int:
    """Return how many messages of the topic wait."""
    return connection.scalar(_WAITING, {"topic": topic}) or 0


def _no_message(message_id: int) -> NotFoundError:
    return NotFoundError(
        "message.none",
        Text(
            "没有失败后等待处理的消息 {id}；用 bankloop messages 查看",
            "no message {id} waits after a failure; bankloop messages lists those that do",
        ),
        id=message_id,
    )
