"""One customer at a glance, as a reader may see them: keeper, tier and its months, life cycle, score, contribution.

It puts together what the other rooms know, masks money until it is unmasked, and writes the access down.
"""

from bankloop.customer.overview.contracts import Factor, Overview
from bankloop.customer.overview.service import FACTORS, open_overview

__all__ = ["FACTORS", "Factor", "Overview", "open_overview"]
