"""Step 2, 筛客群: expression → frozen snapshot with an exclusion waterfall that sums exactly.

It selects; it never scores, decides or contacts. Confidential reasons leave this room in no figure.
"""

from bankloop.loop.audience.contracts import MIN_CELL, UNTOLD, Exclusion, ExclusionCount, Left, Snapshot, Visibility
from bankloop.loop.audience.one import StandardExclusions, as_allowed, words_of
from bankloop.loop.audience.rules import COMPLAINT_SILENCE_DAYS, EXCLUSIONS
from bankloop.loop.audience.service import attributes_read, exclusions, left_after, select, visible_falls

__all__ = [
    "COMPLAINT_SILENCE_DAYS",
    "EXCLUSIONS",
    "MIN_CELL",
    "UNTOLD",
    "Exclusion",
    "ExclusionCount",
    "Left",
    "Snapshot",
    "StandardExclusions",
    "Visibility",
    "as_allowed",
    "attributes_read",
    "exclusions",
    "left_after",
    "select",
    "visible_falls",
    "words_of",
]
