"""The operational store on PostgreSQL: what happened, what was decided, what is queued, what was done by whom.

It opens the database (embedded or given), migrates it and hands out transactions in which a named principal acts under
a role with row-level security. It knows tables, not rules: it never judges a campaign, a customer or an action, and
nothing of it is imported but this door.
"""

from bankloop.store.contracts import (
    CONTACT_OUTCOME_SCHEMA,
    CONTACT_SCHEMA,
    DECISION_SCHEMA,
    EVENT_SCHEMA,
    EVERY_UNIT,
    OUTBOX_SCHEMA,
    AudienceSnapshot,
    AuditFinding,
    AuditReport,
    CampaignRow,
    Cap,
    Capacity,
    DecisionBatch,
    LakeVersion,
    Message,
    ModelVersion,
    Plan,
    Principal,
    ResultReading,
    Role,
    StepState,
)
from bankloop.store.database import Store, attach_store, create_database, now_of, open_store, principal_of
from bankloop.store.ledger import append_decisions, append_events, read_decisions, read_events

__all__ = [
    "CONTACT_OUTCOME_SCHEMA",
    "CONTACT_SCHEMA",
    "DECISION_SCHEMA",
    "EVENT_SCHEMA",
    "EVERY_UNIT",
    "OUTBOX_SCHEMA",
    "AudienceSnapshot",
    "AuditFinding",
    "AuditReport",
    "CampaignRow",
    "Cap",
    "Capacity",
    "DecisionBatch",
    "LakeVersion",
    "Message",
    "ModelVersion",
    "Plan",
    "Principal",
    "ResultReading",
    "Role",
    "StepState",
    "Store",
    "append_decisions",
    "append_events",
    "attach_store",
    "create_database",
    "now_of",
    "open_store",
    "principal_of",
    "read_decisions",
    "read_events",
]
