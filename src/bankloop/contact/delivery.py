"""Delivery: queued file parts go out through a channel on their day, each exactly once however often the sender dies.

A part is screened and handed out when it is due, so that a withdrawal, a pause or a kill before that day takes it out. It
has a fixed key and content; a channel that is handed the same key again must end in the same place. The file channel
does: it writes under the key's own name and renames. A part that fails blocks none behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.contact.contracts import DECLINED, DELIVERY_TOPIC, SERVICE
from bankloop.contact.declined import declined_offers
from bankloop.contact.stops import stop_contacts
from bankloop.customer.consent import DO_NOT_CONTACT, refused_contacts
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Message, Principal
from bankloop.store.copying import copy_in
from bankloop.store.database import Store, bank_wide
from bankloop.store.outbox import Drained, drain, drop_message
from bankloop.store.verbs import verb

_NEVER, _GIVEN_UP = f"consent:{DO_NOT_CONTACT}", "delivery:given_up"


class DeliveryChannel(Protocol):
    """Takes contacts to people. Handed the same key twice, it must not reach anybody twice."""

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Send one part."""
        ...


class Screen(Protocol):
    """Looks at a part's contacts where they leave the house, and returns those that may still be made."""

    def __call__(self, connection: Connection, contacts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Screen one part in the transaction that sends it."""
        ...


@verb("plan.deliver")
def deliver(
    store: Store, principal: Principal, channel: DeliveryChannel, screen: Screen, *, patient: bool = False
) -> Drained:
    """Send every part that is due and say how many contacts went out and which parts failed; each is a transaction of its own.

    Who withdrew consent since the contact was accepted is left out of the part, and the contact recorded as stopped.
    ``screen`` sees the others just before: what was queued an hour ago may not be offered any more. ``patient`` leaves
    out what failed a moment ago.
    """

    def send(connection: Connection, part: Message) -> int:
        body = part.payload
        service = body.get("class") == SERVICE
        allowed = _still_allowed(connection, body["channel"], body["contacts"], service=service)
        going = screen(connection, allowed)
        if going:
            channel.send(part.key, body["channel"], body["due_on"], going)
        stopped = len(body["contacts"]) - len(going)
        detail = {"channel": body["channel"], "due_on": body["due_on"], "contacts": len(going), "stopped": stopped}
        record_audit(connection, "plan.deliver", "part", part.key, None, detail)
        return len(going)

    return drain(store, principal, DELIVERY_TOPIC, send, patient=patient)


def give_up(connection: Connection, message_id: int, reason: str) -> int:
    """Give a part that failed up, record its contacts as stopped, and return how many they are."""
    dropped: Message = drop_message(connection, message_id, reason)
    contacts = [one["contact"] for one in dropped.payload.get("contacts", ())]
    with bank_wide(connection):
        stop_contacts(connection, contacts, _GIVEN_UP)
    return len(contacts)


def _still_allowed(
    connection: Connection, channel: str, contacts: Sequence[Mapping[str, Any]], *, service: bool
) -> list[Mapping[str, Any]]:
    """Return the contacts whose customers still allow them, and record the others as stopped.

    Service needs no consent to marketing; who is not to be contacted at all gets none of it either.
    """
    numbers = sorted({one["customer_no"] for one in contacts})
    with bank_wide(connection):
        asked = copy_in(connection, pa.table({"customer_no": numbers, "channel": [channel] * len(numbers)}))
        refused = refused_contacts(connection, asked)
        offers = pa.table({name: [one[name] for one in contacts] for name in ("customer_no", "campaign")})
        declined = set() if service else declined_offers(connection, copy_in(connection, offers))
        stopped = {
            one["contact"]: why
            for one in contacts
            if (why := _refusal(one, channel, refused, declined)) and (not service or why == _NEVER)
        }
        for why in sorted(set(stopped.values())):
            stop_contacts(connection, [one for one, reason in stopped.items() if reason == why], why)
    return [one for one in contacts if one["contact"] not in stopped]


def _refusal(
    one: Mapping[str, Any], channel: str, refused: Mapping[tuple[str, str], str], declined: set[tuple[str, str]]
) -> str:
    again = DECLINED if (one["customer_no"], one["campaign"]) in declined else ""
    return refused.get((one["customer_no"], channel), again)
