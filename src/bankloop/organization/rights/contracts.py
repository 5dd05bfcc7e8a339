"""What crosses the door of rights: roles, the matrix, grants, agreements, unmaskings, what a person sees of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from bankloop.kit.text import Text


class RoleReach(StrEnum):
    """Whose customers a role sees."""

    BANK = "bank"
    SUBTREE = "subtree"
    POST = "post"
    BOOK = "book"
    TASKS = "tasks"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """One role of the catalogue: whose rows, for which purposes, which data classes on request, which permissions."""

    name: str
    title: Text
    scope: RoleReach
    purposes: frozenset[str]
    unmasks: frozenset[str]
    rights: frozenset[str]
    makes: bool = False
    checks: bool = False
    administers: bool = False

    @property
    def bound(self) -> bool:
        """Return whether the role acts within units that its grant or the person's post names."""
        return self.scope in (RoleReach.SUBTREE, RoleReach.POST, RoleReach.BOOK)


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """One kind of object with the verbs that there are for it."""

    name: str
    title: Text
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One cell of the matrix role × object × verb."""

    role: str
    object_kind: str
    verb: str
    allowed: bool

    @property
    def permission(self) -> str:
        """Return the permission's name, ``object.verb``."""
        return f"{self.object_kind}.{self.verb}"


class GrantState(StrEnum):
    """Where a grant, a transfer or an agreement stands."""

    REQUESTED = "requested"
    OPEN = "open"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role given to a person: within units (none: the unit of the person's post), for lines, from and until."""

    grant_id: UUID
    person_id: str
    role: str
    units: tuple[str, ...]
    lines: tuple[str, ...]
    state: GrantState
    valid_from: datetime
    valid_to: datetime | None
    reason: str
    made_by: str
    decided_by: str | None

    def plain(self) -> dict[str, Any]:
        """Return what the trail and a request for approval say of it."""
        return {
            "person": self.person_id,
            "role": self.role,
            "units": list(self.units),
            "lines": list(self.lines),
            "state": str(self.state),
            "from": self.valid_from.isoformat(),
            "until": self.valid_to.isoformat() if self.valid_to else None,
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """One line's customers shared with another line or with a subsidiary: purpose, fields, until when, with consent."""

    agreement_id: str
    owner_line: str
    to_line: str
    to_unit: str | None
    purpose: str
    fields: tuple[str, ...]
    consent: bool
    state: GrantState
    valid_from: datetime
    valid_to: datetime
    made_by: str
    decided_by: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Unmasking:
    """Plain values of one customer for one person until a moment, with the reason and the ticket that asked for it."""

    unmasking_id: UUID
    person_id: str
    customer_no: str
    fields: tuple[str, ...]
    reason: str
    ticket: str
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class CustomerView:
    """What a person was shown of a customer: values by field, the fields masked, and by which right the row was open.

    ``right`` is ``own`` (within the person's scope) or the agreement's id.
    """

    customer_no: str
    values: Mapping[str, object]
    masked: tuple[str, ...]
    right: str
