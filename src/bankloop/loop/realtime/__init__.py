"""Real time: a customer is here now, at a place of the bank's; what is shown is decided by the plan that is in force.

The same locks, models, cells and prices as the batch, for one customer. What was decided for a window is returned,
never decided again; what it takes of caps, budgets and stocks is reserved before it is answered.
"""

from bankloop.loop.realtime.contracts import (
    NOTHING,
    PREFIX,
    SHOWN,
    LiveAnswer,
    LiveOutcome,
    RankedAction,
    SlotTally,
)
from bankloop.loop.realtime.desk import DecisionDesk
from bankloop.loop.realtime.explained import LiveExplanation, explain, slot_tallies
from bankloop.loop.realtime.outcomes import outcome_named, record_outcome
from bankloop.loop.realtime.service import decide_live, rank_live
from bankloop.loop.realtime.weighing import weigh

__all__ = [
    "NOTHING",
    "PREFIX",
    "SHOWN",
    "DecisionDesk",
    "LiveAnswer",
    "LiveExplanation",
    "LiveOutcome",
    "RankedAction",
    "SlotTally",
    "decide_live",
    "explain",
    "outcome_named",
    "rank_live",
    "record_outcome",
    "slot_tallies",
    "weigh",
]
