"""One customer out of many records: attributes, and the state of all customers as it was known on a day.

Attributes are a catalogue read from YAML: facts, event windows, rules over other attributes, scores. ``build_state``
computes all of them in one pass over each base table. This room describes customers; it decides nothing about them.
"""

from bankloop.customer.buckets import Buckets, Happened
from bankloop.customer.catalogue import BUILT_IN, column_types, frozen_catalogue, read_catalogue, stale
from bankloop.customer.contracts import (
    ADDED_UP,
    Attribute,
    AttributeKind,
    Band,
    Case,
    Catalogue,
    Fact,
    Measure,
    Operation,
    Rule,
    State,
    Window,
)
from bankloop.customer.keeping import keep_state, kept_state, state_key
from bankloop.customer.state import arrow_type, build_state, spark_state, state_schema, table_digest
from bankloop.customer.tracing import Behind, rows_behind

__all__ = [
    "ADDED_UP",
    "BUILT_IN",
    "Attribute",
    "AttributeKind",
    "Band",
    "Behind",
    "Buckets",
    "Case",
    "Catalogue",
    "Fact",
    "Happened",
    "Measure",
    "Operation",
    "Rule",
    "State",
    "Window",
    "arrow_type",
    "build_state",
    "column_types",
    "frozen_catalogue",
    "keep_state",
    "kept_state",
    "read_catalogue",
    "rows_behind",
    "spark_state",
    "stale",
    "state_key",
    "state_schema",
    "table_digest",
]
