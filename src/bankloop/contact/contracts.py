"""What crosses the door of contacts: what is asked for, what came of it, the caps and capacities that hold it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from bankloop.store.contracts import EVERY_UNIT

DELIVERY_TOPIC = "delivery"
MARKETING, SERVICE = "marketing", "service"
# What a place shows to who looks at it by themselves: under consent as marketing is, and under caps of its own.
IMPRESSION = "impression"
DECLINED = "declined"
_MOMENT = pa.timestamp("us", tz="UTC")

CONTACT_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("customer_no", pa.string(), nullable=False),
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("campaign", pa.string(), nullable=False),
        pa.field("contact_class", pa.string(), nullable=False),  # marketing, service or impression
        pa.field("due_at", _MOMENT, nullable=False),
    ]
)
CONTACT_OUTCOME_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("accepted", pa.bool_(), nullable=False),
        pa.field("refused_by", pa.string(), nullable=False),  # '' when accepted, else the name of the cap or capacity
        pa.field("new", pa.bool_(), nullable=False),  # false: an earlier reservation's outcome is repeated
    ]
)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``limit`` contacts of ``contact_class`` per customer in any ``days`` bank-local days running.

    ``scope`` is a channel, or ``*`` for all channels together. ``units`` are those whose contacts it holds, none: all;
    ``said_by`` whose rule it then is. One of a ``campaign`` holds and counts that campaign's contacts alone.
    """

    scope: str
    limit: int
    days: int
    contact_class: str = "marketing"
    units: tuple[str, ...] = ()
    said_by: str = ""
    campaign: str = ""

    @property
    def name(self) -> str:
        """Return the name by which a refusal says it: ``cap:marketing:sms:1/7d``, a branch's own with ``@unit``, or ``@unit:campaign``."""
        whose = f"@{self.said_by}" if self.said_by else ""
        return f"cap:{self.contact_class}:{self.scope}:{self.limit}/{self.days}d{whose}" + (
            f":{self.campaign}" if self.campaign else ""
        )


@dataclass(frozen=True, slots=True)
class Capacity:
    """At most ``limit`` contacts a bank-local day through ``channel`` by ``unit_id`` (``*``: the whole bank)."""

    channel: str
    limit: int
    unit_id: str = EVERY_UNIT
    day: date | None = None

    @property
    def name(self) -> str:
        """Return the name by which a refusal says it: ``capacity:sms:*``."""
        return f"capacity:{self.channel}:{self.unit_id}"
