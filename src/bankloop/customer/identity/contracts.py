"""What crosses the door of identity: records of sources, links with their evidence, parties, merges, the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pyarrow as pa

# One row a record of a source. Dates are texts of yyyymmdd or with separators; ``also`` holds further identifiers as
# ``kind:value``: phone, email, account, document types such as passport, and channel identities.
RECORD_SCHEMA = pa.schema(
    [
        pa.field("source_key", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("birth", pa.string()),
        pa.field("gender", pa.string()),
        pa.field("phone", pa.string()),
        pa.field("email", pa.string()),
        pa.field("address", pa.string()),
        pa.field("document_type", pa.string()),
        pa.field("document_no", pa.string()),
        pa.field("also", pa.list_(pa.string())),
    ]
)
RECORD_DEFAULTS: Mapping[str, object] = {name: None for name in RECORD_SCHEMA.names if name != "source_key"}

PHONE, EMAIL, ADDRESS, ACCOUNT = "phone", "email", "address", "account"
DOCUMENT_TYPES = ("id_card", "passport", "residence_permit", "military_id", "home_return_permit", "taiwan_permit")
CHANNELS = ("app_login", "wechat_openid", "wecom_external_id", "device")


class LinkKind(StrEnum):
    """Why two identities are one person."""

    DOCUMENT = "document"  # the same document, type and number
    MODEL = "model"  # they weigh enough together
    STEWARD = "steward"  # a person decided so
    VERIFIED = "verified"  # the customer proved a channel identity to be theirs

    @property
    def strength(self) -> int:
        """Return the rank in which links are honoured: what a person did before what a rule found."""
        return {"steward": 3, "verified": 3, "document": 2, "model": 1}[self.value]


@dataclass(frozen=True, slots=True)
class Link:
    """Two identities held to be one person: ``weight`` in bits, ``evidence`` without a personal value."""

    a: str
    b: str
    kind: LinkKind
    weight: float
    evidence: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Bits from which a pair is merged, and from which it is put before a steward; below none.

    Seven bits are odds of 128 to 1. A pair of which less than ``bare`` bits remain without the phone is never merged.
    """

    merge: float = 7.0
    review: float = 2.0
    bare: float = 2.0


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a golden record: the identity and source that it was taken from, since when, and by which rule."""

    field: str
    value: str
    customer_no: str
    source: str
    as_of: date
    rule: str

    def __repr__(self) -> str:
        """Hide the value: a traceback is a log."""
        return f"Value({self.field!r}, '***', {self.customer_no!r}, {self.rule!r})"


@dataclass(frozen=True, slots=True)
class Member:
    """A source identity of a party: its number for life, its source and load, whether it is a channel's."""

    customer_no: str
    source: str
    as_of: date
    load_id: str
    channel: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Party:
    """One person: the number that never changes, the source identities that are this person now."""

    party_no: str
    members: tuple[Member, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the numbers of all members, under which events were recorded."""
        return tuple(member.customer_no for member in self.members)


@dataclass(frozen=True, slots=True)
class MatchCandidate:
    """Two identities for a steward to judge: what they weigh, by field, and why the program did not decide."""

    candidate_id: UUID
    a: str
    b: str
    weight: float
    evidence: Mapping[str, Any]
    why: str
    state: str
    made_at: datetime
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class MergeEvent:
    """A party changed: ``kind`` merge or unmerge, the party before and after of the identities that moved, and why.

    ``flags`` name the experiments whose cells the merge crosses.
    """

    event_id: UUID
    kind: str
    party_no: str
    other_no: str
    moved: tuple[str, ...]
    evidence: Mapping[str, Any]
    flags: tuple[str, ...]
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """What taking records in did: identities new and changed, rows known already, older than what is known, doubled.

    ``handed_on`` are keys that the source gave to another person since: they left the party of the first.
    """

    new: int
    changed: int
    known: int
    stale: int
    refused: Mapping[str, int] = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    handed_on: int = 0


@dataclass(frozen=True, slots=True)
class Linked:
    """What linking did: identities looked at, pairs compared, links by kind, merges, what waits for a steward."""

    identities: int
    pairs: int
    links: Mapping[str, int]
    merges: int
    queued: int
    flagged: int
