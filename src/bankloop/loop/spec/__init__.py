"""What a bank writes, read and checked, and the lock that approval freezes.

Everything that runs, runs from a ``Lock``; files are the working copy. Nothing here decides, scores or sends.
"""

from bankloop.loop.spec.contracts import (
    ANY_CHANNEL,
    NO_BENEFIT,
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
    Script,
    ScriptVersion,
    Spec,
)
from bankloop.loop.spec.lock import Lock, make_lock, names_used, read_lock
from bankloop.loop.spec.reader import read_bank_spec, read_campaign, read_spec

__all__ = [
    "ANY_CHANNEL",
    "NO_BENEFIT",
    "BankSpec",
    "Benefit",
    "Campaign",
    "CapPolicy",
    "Channel",
    "Contribution",
    "Evaluation",
    "Key",
    "Label",
    "Lock",
    "Policies",
    "Ppm",
    "Product",
    "Script",
    "ScriptVersion",
    "Spec",
    "make_lock",
    "names_used",
    "read_bank_spec",
    "read_campaign",
    "read_lock",
    "read_spec",
]
