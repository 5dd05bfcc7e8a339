"""The columns of what is stored by the table: events, decisions, messages.

A module of its own, as Arrow takes long to load.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

_MOMENT = pa.timestamp("us", tz="UTC")

EVENT_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("event_id", pa.int64(), nullable=False),
        pa.field("customer_no", pa.string(), nullable=False),
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("occurred_on", pa.date32(), nullable=False),  # bank-local day of occurred_at
        pa.field("occurred_at", _MOMENT, nullable=False),
        pa.field("recorded_at", _MOMENT, nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("scene", pa.string(), nullable=False),
        pa.field("amount_fen", pa.int64()),
        pa.field("properties", pa.string(), nullable=False),  # a JSON object
    ]
)
EVENT_DEFAULTS: Mapping[str, object] = {"channel": "", "scene": "", "amount_fen": None, "properties": "{}"}

DECISION_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),  # UUIDv7
        pa.field("campaign", pa.string(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("customer_no", pa.string(), nullable=False),
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("placement", pa.string(), nullable=False),
        pa.field("window_start", pa.date32(), nullable=False),
        pa.field("window_end", pa.date32(), nullable=False),
        pa.field("lock_digest", pa.string(), nullable=False),
        pa.field("plan_id", pa.string()),
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("state_digest", pa.string(), nullable=False),
        pa.field("cell", pa.string(), nullable=False),  # holdout, control, explore, optimize
        pa.field("intended_action", pa.string()),  # null: nothing was eligible; '': none
        pa.field("issued_action", pa.string()),  # null: nothing was issued; '': none
        pa.field("propensities", pa.string(), nullable=False),  # JSON {action: ppm}, '' for none
        pa.field("attributes", pa.string(), nullable=False),  # JSON {attribute: value read}
        pa.field("model_versions", pa.string(), nullable=False),  # JSON {model: version}
        pa.field("value_fen", pa.int64()),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("due_on", pa.date32()),  # the day the outcome becomes a label
        pa.field("recorded_at", _MOMENT, nullable=False),
    ]
)
DECISION_DEFAULTS: Mapping[str, object] = {
    "plan_id": None,
    "intended_action": None,
    "issued_action": None,
    "propensities": "{}",
    "attributes": "{}",
    "model_versions": "{}",
    "value_fen": None,
    "reasons": [],
    "due_on": None,
}

OUTBOX_SCHEMA = pa.schema(
    [
        pa.field("topic", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),  # unique within the topic: the same message is queued once
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),  # JSON
        pa.field("due_at", pa.timestamp("us", tz="UTC")),  # not handed out before; null is at once
    ]
)
