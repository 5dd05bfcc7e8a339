"""Segments (客群): a rule or a cluster over attributes, in versions; active only with a named plan of somebody.

A customer may be in many. This room keeps what a segment is and says who answers for it; who is in one is read from the
state, and nobody is contacted because of it.
"""

from bankloop.customer.segment.clusters import Clustering, Profile, describe, learn_clusters
from bankloop.customer.segment.completion import Completion, complete
from bankloop.customer.segment.contracts import ListChange, Listed, SegmentKind, SegmentVersion
from bankloop.customer.segment.naming import NamedCondition
from bankloop.customer.segment.queries import segment_of, segments, segments_named, versions_of
from bankloop.customer.segment.rules import checked_expression
from bankloop.customer.segment.service import (
    MOST_LISTED,
    activate_segment,
    list_customers,
    plan_segment,
    retire_segment,
    save_clusters,
    save_segment,
)
from bankloop.customer.segment.written import save_written, written_segments

__all__ = [
    "MOST_LISTED",
    "Clustering",
    "Completion",
    "ListChange",
    "Listed",
    "NamedCondition",
    "Profile",
    "SegmentKind",
    "SegmentVersion",
    "activate_segment",
    "checked_expression",
    "complete",
    "describe",
    "learn_clusters",
    "list_customers",
    "plan_segment",
    "retire_segment",
    "save_clusters",
    "save_segment",
    "save_written",
    "segment_of",
    "segments",
    "segments_named",
    "versions_of",
    "written_segments",
]
