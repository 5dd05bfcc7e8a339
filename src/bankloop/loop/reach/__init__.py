"""Step 6, 准触达: cells, the assignment under scarcity, the contact gate, delivery to channels and people.

``plan_window`` says what would happen and changes nothing; ``issue`` makes it happen once. What was learned from it is
read elsewhere.
"""

from bankloop.loop.reach.assignment import (
    Family,
    PlanSolution,
    Problem,
    chosen_at,
    part_of,
    solve,
)
from bankloop.loop.reach.candidates import action_values, actions_of, candidates_of, join
from bankloop.loop.reach.cells import buckets, draw_cells, draw_control, draw_controls
from bankloop.loop.reach.conflicts import Bound, Side, conflict
from bankloop.loop.reach.contracts import (
    SLOT,
    Action,
    ActionLine,
    CampaignCandidates,
    Candidates,
    DatedPlan,
    ExperimentCell,
    ResourceLine,
    by_campaign,
)
from bankloop.loop.reach.curve import BudgetPath, budget_path
from bankloop.loop.reach.cuts import Cuts
from bankloop.loop.reach.explore import Lot, draw_lot
from bankloop.loop.reach.issue import DecisionFrame, Issued, budget_of, gate_limits, grant_contacts, issue
from bankloop.loop.reach.kernels import NONE
from bankloop.loop.reach.one import Valuer
from bankloop.loop.reach.pacing import Pace, paced
from bankloop.loop.reach.planning import plan_window, share_of
from bankloop.loop.reach.quotas import quotas_of
from bankloop.loop.reach.resources import describe, families_of, window_days
from bankloop.loop.reach.schedule import deferred, schedule
from bankloop.loop.reach.sets import Rules
from bankloop.loop.reach.several import SeveralSolution, assign, solve_several, wished_at
from bankloop.loop.reach.share import PlanShare, budget_curve, with_limit
from bankloop.loop.reach.twin import (
    OUTCOMES,
    SILENCES,
    ActionOutcome,
    Answer,
    Offer,
    ResourcePrice,
    Silence,
    Tariff,
    TwinCustomer,
    decide,
    plain_tariff,
    tariff_from,
    tariff_of,
)
from bankloop.loop.reach.ways import WAYS, Waiting, Way, WayOutcome, compare_ways, waiting_for
from bankloop.loop.reach.why import BY_LOT, SENTENCES, LeftOut, counts_told, left_out_counts, why_left_out

__all__ = [
    "BY_LOT",
    "NONE",
    "OUTCOMES",
    "SENTENCES",
    "SILENCES",
    "SLOT",
    "WAYS",
    "Action",
    "ActionLine",
    "ActionOutcome",
    "Answer",
    "Bound",
    "BudgetPath",
    "CampaignCandidates",
    "Candidates",
    "Cuts",
    "DatedPlan",
    "DecisionFrame",
    "ExperimentCell",
    "Family",
    "Issued",
    "LeftOut",
    "Lot",
    "Offer",
    "Pace",
    "PlanShare",
    "PlanSolution",
    "Problem",
    "ResourceLine",
    "ResourcePrice",
    "Rules",
    "SeveralSolution",
    "Side",
    "Silence",
    "Tariff",
    "TwinCustomer",
    "Valuer",
    "Waiting",
    "Way",
    "WayOutcome",
    "action_values",
    "actions_of",
    "assign",
    "buckets",
    "budget_curve",
    "budget_of",
    "budget_path",
    "by_campaign",
    "candidates_of",
    "chosen_at",
    "compare_ways",
    "conflict",
    "counts_told",
    "decide",
    "deferred",
    "describe",
    "draw_cells",
    "draw_control",
    "draw_controls",
    "draw_lot",
    "families_of",
    "gate_limits",
    "grant_contacts",
    "issue",
    "join",
    "left_out_counts",
    "paced",
    "part_of",
    "plain_tariff",
    "plan_window",
    "quotas_of",
    "schedule",
    "share_of",
    "solve",
    "solve_several",
    "tariff_from",
    "tariff_of",
    "waiting_for",
    "why_left_out",
    "window_days",
    "wished_at",
    "with_limit",
]
