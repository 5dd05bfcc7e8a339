"""Relations (关系图谱): who is tied to whom, by what evidence and since when; ways between parties; whom a default reaches.

Edges are derived into the lake; the graph is arrays and compiled loops. This room finds; it decides nothing about anybody.
"""

from bankloop.customer.relation.circle import Circle, Node, Tie, open_circle
from bankloop.customer.relation.contracts import KINDS, TITLES, AlsoServed, Derived, EdgeKind, Exposure, Graph, PathStep
from bankloop.customer.relation.opening import find_way, graph_now, open_relations
from bankloop.customer.relation.queries import (
    EDGE_SCHEMA,
    MOST_SHARING,
    SALARIES,
    derived_edges,
    graph_of,
    stored_edges,
)
from bankloop.customer.relation.rules import (
    DECAY,
    DEFAULT_DAYS,
    LEAST,
    MARKETING,
    MOST_HOPS,
    WIDEST,
    exposures,
    groups,
    neighbours,
    path,
    said,
)
from bankloop.customer.relation.service import EDGES, EXPOSED, derive_relations
from bankloop.customer.relation.serving import also_served, tied_numbers

__all__ = [
    "DECAY",
    "DEFAULT_DAYS",
    "EDGES",
    "EDGE_SCHEMA",
    "EXPOSED",
    "KINDS",
    "LEAST",
    "MARKETING",
    "MOST_HOPS",
    "MOST_SHARING",
    "SALARIES",
    "TITLES",
    "WIDEST",
    "AlsoServed",
    "Circle",
    "Derived",
    "EdgeKind",
    "Exposure",
    "Graph",
    "Node",
    "PathStep",
    "Tie",
    "also_served",
    "derive_relations",
    "derived_edges",
    "exposures",
    "find_way",
    "graph_now",
    "graph_of",
    "groups",
    "neighbours",
    "open_circle",
    "open_relations",
    "path",
    "said",
    "stored_edges",
    "tied_numbers",
]
