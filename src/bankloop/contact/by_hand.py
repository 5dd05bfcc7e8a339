"""What came of a contact, and what a customer said in it: who asks not to be contacted is heard in the same transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from bankloop.contact.asking import Intent, count_made
from bankloop.contact.contracts import DECLINED, MARKETING, SERVICE
from bankloop.contact.declined import decline_offer
from bankloop.customer.consent import Purpose, record_word
from bankloop.kit.clock import local_day
from bankloop.organization.task import Logged, log_outcome
from bankloop.store.database import now_of

STOP = "stop"
_ORIGIN = "call"


def log_contact(
    connection: Connection,
    task_id: UUID,
    outcome: str,
    words: str = "",
    *,
    next_at: datetime | None = None,
    happened_at: datetime | None = None,
    client_key: str | None = None,
    human: bool = True,
    zone: str = "Asia/Shanghai",
) -> Logged:
    """Log the outcome of a task; «不需要» is an offer that no channel repeats, «不要再联系» puts the customer on the do-not-contact list at once, with the task as evidence."""
    done = log_outcome(
        connection, task_id, outcome, words, next_at=next_at, happened_at=happened_at, client_key=client_key, human=human,
        zone=zone,
    )  # fmt: skip
    if done.spoken is not None:
        task, kind = done.task, MARKETING if done.spoken.marketing else SERVICE
        day = local_day(done.spoken.at, zone)
        made = Intent(
            str(task_id), task.customer_no, task.unit_id, done.spoken.channel, task.action, day, outcome, task.value_fen
        )
        count_made(connection, made, kind, done.spoken.at, zone)
    if outcome == DECLINED and not done.known and done.task.campaign:
        decline_offer(connection, task_id, done.task.customer_no, done.task.campaign)
    if outcome == STOP and not done.known:
        evidence = {"task": str(task_id)}
        record_word(
            connection, done.task.customer_no, Purpose.DO_NOT_CONTACT, True, origin=_ORIGIN, evidence=evidence,
            said_at=min(happened_at or now_of(connection), now_of(connection)),
        )  # fmt: skip
    return done
