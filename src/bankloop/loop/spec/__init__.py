"""What a bank writes, read and checked, and the lock that approval freezes.

Everything that runs, runs from a ``Lock``; files are the working copy. Nothing here decides, scores or sends.
"""

from bankloop.loop.spec.contracts import (
    ANY_CHANNEL,
    NO_BENEFIT,
    Availability,
    BankSpec,
    Benefit,
    Campaign,
    CapPolicy,
    Channel,
    Contribution,
    Evaluation,
    Key,
    Label,
    Policies,
    Ppm,
    Product,
    Quota,
    Risk,
    RiskRating,
    Script,
    ScriptVersion,
    Segment,
    Solution,
    Spec,
)
from bankloop.loop.spec.forecasts import Forecast, Given, read_forecasts
from bankloop.loop.spec.lock import Lock, make_lock, names_used, read_lock
from bankloop.loop.spec.portfolio import Play, ProgrammeSpec, read_plays, read_programmes
from bankloop.loop.spec.reader import read_bank_spec, read_campaign, read_spec

__all__ = [
    "ANY_CHANNEL",
    "NO_BENEFIT",
    "Availability",
    "BankSpec",
    "Benefit",
    "Campaign",
    "CapPolicy",
    "Channel",
    "Contribution",
    "Evaluation",
    "Forecast",
    "Given",
    "Key",
    "Label",
    "Lock",
    "Play",
    "Policies",
    "Ppm",
    "Product",
    "ProgrammeSpec",
    "Quota",
    "Risk",
    "RiskRating",
    "Script",
    "ScriptVersion",
    "Segment",
    "Solution",
    "Spec",
    "make_lock",
    "names_used",
    "read_bank_spec",
    "read_campaign",
    "read_forecasts",
    "read_lock",
    "read_plays",
    "read_programmes",
    "read_spec",
]
