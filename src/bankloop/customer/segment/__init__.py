"""Segments (客群): a rule or a cluster over attributes, in versions; active only with a named plan of somebody.

A customer may be in many. This room keeps what a segment is and says who answers for it; who is in one is read from the
state, and nobody is contacted because of it.
"""

from bankloop.customer.segment.clusters import Clustering, Profile, describe, learn_clusters
from bankloop.customer.segment.completion import Completion, Suggestion, complete
from bankloop.customer.segment.contracts import SegmentKind, SegmentPlan, SegmentVersion
from bankloop.customer.segment.queries import segment_of, segments, versions_of
from bankloop.customer.segment.rules import checked_expression, confidential_in
from bankloop.customer.segment.service import (
    activate_segment,
    plan_segment,
    retire_segment,
    save_clusters,
    save_segment,
)

__all__ = [
    "Clustering",
    "Completion",
    "Profile",
    "SegmentKind",
    "SegmentPlan",
    "SegmentVersion",
    "Suggestion",
    "activate_segment",
    "checked_expression",
    "complete",
    "confidential_in",
    "describe",
    "learn_clusters",
    "plan_segment",
    "retire_segment",
    "save_clusters",
    "save_segment",
    "segment_of",
    "segments",
    "versions_of",
]
