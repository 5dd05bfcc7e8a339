"""Takes interactions in: consent first, then the event; a count of all, in the trail, without a name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.customer.consent import Purpose, Word, holds, standing_among
from bankloop.customer.interaction import errors
from bankloop.customer.interaction.contracts import KINDS, Interaction, InteractionsTaken
from bankloop.kit.clock import local_day
from bankloop.organization.people import keeper_of
from bankloop.organization.rights import require
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.history import append_events
from bankloop.store.verbs import verb

SOURCE = "interaction"


def may_take(words: Collection[Word], channel: str, occurred_at: datetime) -> bool:
    """Return whether an interaction may be taken in: consent stands for its channel, and stood when it happened."""
    before = [word for word in words if word.said_at <= occurred_at]
    return all(holds(some, Purpose.EXPERIENCE, channel) for some in (words, before))


@verb("event.append")
def take_interactions(connection: Connection, handed_in: Sequence[Interaction], zone: str) -> InteractionsTaken:
    """Take in what customers allow and return what became of all that was ``handed_in``.

    Raises ``DeniedError`` without the right, ``InputError`` for a kind that there is not, or one that has not happened yet.
    """
    require(principal_of(connection), "event.append")
    now = now_of(connection)
    for one in handed_in:
        if one.kind not in KINDS:
            raise errors.unknown_kind(one.kind)
        if one.occurred_at > now:
            raise errors.not_yet(one.key)
    with bank_wide(connection):
        numbers = sorted({one.customer_no for one in handed_in})
        unit = {row.customer_no: row.unit_id for row in keeper_of(connection, *numbers)}
        words = standing_among(connection, list(unit))
        known = [one for one in handed_in if one.customer_no in unit]
        allowed = [one for one in known if may_take(words[one.customer_no], one.channel, one.occurred_at)]
        rows = [
            {
                "source": f"{SOURCE}:{one.channel}", "event_id": one.key, "customer_no": one.customer_no, "unit_id": unit[one.customer_no],
                "type": one.kind, "occurred_on": local_day(one.occurred_at, zone), "occurred_at": one.occurred_at, "recorded_at": now, "channel": one.channel,
            }
            for one in allowed
        ]  # fmt: skip
        taken = append_events(connection, pa.Table.from_pylist(rows)) if rows else 0
    done = InteractionsTaken(taken, len(allowed) - taken, len(known) - len(allowed), len(handed_in) - len(known))
    after = {"taken": done.taken, "known": done.known, "refused": done.refused, "unknown": done.unknown}
    record_audit(connection, "event.append", "event", SOURCE, None, after)
    return done
