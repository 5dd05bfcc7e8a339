"""Servicing (全量客户有人管): exactly one keeper for everybody, a rhythm of contacts by tier, care when it is broken.

This room says who keeps whom and when to be in touch; what to say is a campaign's or the manager's.
"""

from bankloop.customer.servicing.contracts import (
    MODES,
    Assignment,
    Care,
    Keeper,
    Mode,
    RemoteCare,
    RemotePolicy,
    RemoteRound,
    SeatQueue,
    ServicePolicy,
    TierPolicy,
)
from bankloop.customer.servicing.errors import not_assigned
from bankloop.customer.servicing.rules import read_policy, share_out, stand_in
from bankloop.customer.servicing.service import (
    KEEPERS,
    assign_keepers,
    coverage,
    keeper_now,
    last_touched,
    make_care_tasks,
)

__all__ = [
    "KEEPERS",
    "MODES",
    "Assignment",
    "Care",
    "Keeper",
    "Mode",
    "RemoteCare",
    "RemotePolicy",
    "RemoteRound",
    "SeatQueue",
    "ServicePolicy",
    "TierPolicy",
    "assign_keepers",
    "coverage",
    "keeper_now",
    "last_touched",
    "make_care_tasks",
    "not_assigned",
    "read_policy",
    "share_out",
    "stand_in",
]
