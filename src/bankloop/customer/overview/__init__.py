"""One customer at a glance, as a reader may see them: holdings, tier, attributes, contribution, time line, what is ahead.

It puts together what the other rooms know, masks money until it is unmasked, and writes the access down.
"""

from bankloop.customer.overview.contracts import Ahead, Entry, Factor, Held, Known, Overview, PastDecision
from bankloop.customer.overview.history import next_payday
from bankloop.customer.overview.profiles import Profiles, open_profiles
from bankloop.customer.overview.service import FACTORS, open_overview

__all__ = [
    "FACTORS",
    "Ahead",
    "Entry",
    "Factor",
    "Held",
    "Known",
    "Overview",
    "PastDecision",
    "Profiles",
    "next_payday",
    "open_overview",
    "open_profiles",
]
