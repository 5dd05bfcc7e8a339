"""Triggers: what the bank does when something happens to a customer, once for each event, and why it held back.

A trigger is an entry of the bank's file and acts as it was approved. Its effects are made in the transaction that makes
the firing's row; a contact goes through the one gate; what is put off or waits for an absence is settled when due.
"""

from bankloop.journey.trigger.approving import (
    rehearse_trigger,
    standing_of_triggers,
    stop_trigger,
    submit_trigger,
    trigger_named,
)
from bankloop.journey.trigger.contracts import (
    DayCount,
    Firing,
    FiringState,
    HeldBack,
    Rehearsal,
    TriggerNotice,
    TriggerSpec,
    WhenKind,
)
from bankloop.journey.trigger.editing import keep_rule, trigger_rule
from bankloop.journey.trigger.queries import (
    days_of_triggers,
    firings_of,
    held_back_since,
    latency_since,
    notices_for,
)
from bankloop.journey.trigger.service import ask_day, hear_events, triggers_of, vocabulary_of, work_triggers

__all__ = [
    "DayCount",
    "Firing",
    "FiringState",
    "HeldBack",
    "Rehearsal",
    "TriggerNotice",
    "TriggerSpec",
    "WhenKind",
    "ask_day",
    "days_of_triggers",
    "firings_of",
    "hear_events",
    "held_back_since",
    "keep_rule",
    "latency_since",
    "notices_for",
    "rehearse_trigger",
    "standing_of_triggers",
    "stop_trigger",
    "submit_trigger",
    "trigger_named",
    "trigger_rule",
    "triggers_of",
    "vocabulary_of",
    "work_triggers",
]
