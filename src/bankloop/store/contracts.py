"""What crosses the store's door: principals, roles, decisions, versions, caps, findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bankloop.kit.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

# A principal whose units hold this sees the rows of every unit: head office, and the system at work for it.
EVERY_UNIT = "*"
EVERY_LINE = "*"
# A principal whose rights hold this is limited by units alone: the program's own, never a person's.
EVERY_RIGHT = "*"


class Role(StrEnum):
    """The database roles; none is a superuser, none bypasses row-level security."""

    OWNER = "bankloop_owner"
    LOADER = "bankloop_loader"
    APP = "bankloop_app"
    AUDITOR = "bankloop_auditor"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: an id, roles, the unit ids whose rows may be seen (``*`` for all) and the purpose of the access.

    ``lines`` are the business lines. ``book`` narrows customers to those of one member of staff; ``tasks`` opens those
    of the open tasks given to one. ``rights`` are permissions such as ``task.read`` (``*``: not narrowed).
    ``acting_for`` is the absent colleague as whose deputy the principal acts.
    """

    id: str
    roles: frozenset[str] = frozenset()
    units: tuple[str, ...] = ()
    purpose: str = ""
    lines: tuple[str, ...] = (EVERY_LINE,)
    book: str = ""
    tasks: str = ""
    rights: frozenset[str] = frozenset({EVERY_RIGHT})
    acting_for: str = ""


@dataclass(frozen=True, slots=True)
class DecisionBatch:
    """Decisions in columns: a table with the columns of ``DECISION_SCHEMA``; those with a default may be left out."""

    table: pa.Table


@dataclass(frozen=True, slots=True)
class LakeVersion:
    """One immutable version of a lake table: its files (relative to the lake), rows, digest and day of validity."""

    table: str
    version: str
    files: tuple[str, ...]
    rows: int
    digest: str
    as_of: date
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the outbox, claimed by this transaction until it ends."""

    id: int
    topic: str
    key: str
    unit_id: str
    payload: Any
    attempts: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """A message that failed and waits: for its next attempt, or for a person once it failed too often."""

    id: int
    topic: str
    key: str
    attempts: int
    error: Text
    tried_at: datetime | None
    for_a_person: bool


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One broken place of the audit trail: ``kind`` is changed, dropped, inserted, reordered, chain or truncated."""

    kind: str
    seal: int
    row: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What verifying found: rows and seals read, rows not yet sealed, and every broken place."""

    rows: int
    seals: int
    unsealed: int
    findings: tuple[AuditFinding, ...]

    @property
    def ok(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Plan:
    """A day's plan over campaigns: its window, prices per resource, value, bound and gap (parts per million)."""

    plan_id: UUID
    campaigns: tuple[str, ...]
    window_start: date
    window_end: date
    as_of: date
    digest: str
    prices: Mapping[str, Any]
    value_fen: int
    bound_fen: int
    gap_ppm: int
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as operations know it: its state, the lock it runs from and the round it is in."""

    name: str
    state: str
    lock_digest: str | None
    round: int
    maker: str


@dataclass(frozen=True, slots=True)
class StepState:
    """The state of one of the eight steps of a campaign's round, with what it said."""

    campaign: str
    round: int
    step: str
    state: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A trained model: its card, its artefact (digest, path inside the bank folder) and whether it is champion."""

    model_id: str
    version: int
    campaign: str
    kind: str
    card: Mapping[str, Any]
    artefact_digest: str
    artefact_path: str
    state: str = "draft"


@dataclass(frozen=True, slots=True)
class AudienceSnapshot:
    """The frozen audience of a round: where its members lie in the lake, their digest, and the exclusion waterfall."""

    campaign: str
    round: int
    digest: str
    waterfall: Mapping[str, Any]
    lake_table: str
    lake_version: str


@dataclass(frozen=True, slots=True)
class ResultReading:
    """What evaluating a round read on a day."""

    campaign: str
    round: int
    as_of: date
    reading: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShelfNotice:
    """What a request asks to change on the shelf about one product, from when on."""

    approval_id: UUID
    product: str
    change: Mapping[str, Any]
    effective_at: datetime
    made_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ProductReview:
    """A review that a product's figures called for: the trigger, what was measured against which limit, its outcome."""

    review_id: UUID
    product: str
    trigger: str
    measured_ppm: int
    limit_ppm: int
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    outcome: str | None
