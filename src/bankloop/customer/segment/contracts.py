"""What crosses the door of segments: a version of one, and the plan that somebody answers for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bankloop.customer.segment.clusters import Clustering
from bankloop.kit.text import Text


class SegmentKind(StrEnum):
    """How it is told who is in a segment: by an expression, or by the nearest centre of a clustering."""

    RULE = "rule"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """What is done for a segment (管户方案): its name, the unit or person who answers for it, and what they do."""

    title: str
    owner: str
    does: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A customer whom somebody put into a segment by hand, or took out of it: who did, when (ISO 8601), and why."""

    customer_no: str
    within: bool
    by: str
    at: str
    why: str


@dataclass(frozen=True, slots=True)
class ListChange:
    """Who is to be in a segment by hand, who out of it, whom the rule alone decides on again, and why."""

    add: tuple[str, ...] = ()
    take_out: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class SegmentVersion:
    """One version of a segment. ``expression`` is empty for a cluster, whose ``body`` holds the clustering.

    ``condition`` is what a rule comes to, with the segments that it names and who is ``listed`` beside it.
    At most one version of a name is active, from ``active_from`` until ``active_to``; ``plan`` is None before one is
    named, and no version without one can be active.
    """

    name: str
    version: int
    kind: SegmentKind
    title: Text
    expression: str
    body: Mapping[str, Any]
    digest: str
    unit_id: str
    made_by: str
    made_at: datetime
    plan: SegmentPlan | None
    active_from: datetime | None
    active_to: datetime | None
    listed: tuple[Listed, ...] = ()
    condition: str = ""

    @property
    def active(self) -> bool:
        """Return whether this version is in use."""
        return self.active_from is not None and self.active_to is None

    @property
    def cluster(self) -> tuple[Clustering, int] | None:
        """Return the clustering and which of its centres this is; None for a rule."""
        if self.kind is SegmentKind.RULE:
            return None
        return Clustering.of(self.body["clustering"]), int(self.body["cluster"])
