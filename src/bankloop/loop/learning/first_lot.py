"""How wide the lot of a campaign is that knows nothing yet: as wide as it takes to learn whom its messages move.

Where only the stated prior is known, choosing is hardly better than drawing, and drawing is what can be learned from.
Calls are not drawn: a lot of a hundred calls costs what they would have won and tells nothing.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from bankloop.loop.evaluate import minimum_detectable
from bankloop.loop.model import Uplift
from bankloop.loop.reach import Action

# No more than a quarter of the audience is drawn by lot, whatever would be learned from more.
WIDEST = 250_000
_PPM = 1_000_000


def first_lot(learned: Uplift, actions: tuple[Action, ...], people: int) -> int:
    """Return the share (ppm) of a campaign's audience that is drawn by lot because nothing was learned yet, 0 for none.

    It is sized so that four such rounds in five see the effect of the strongest message, as it was stated, in each
    segment. A campaign that was learned, and one whose whole audience would be too few, keeps to the bank's own
    share.
    """
    messages = [action.key for action in actions if not action.staff]
    if learned.causal or not messages or not people:
        return 0
    segments = learned.segments
    strongest = max(float(segments.share @ learned.by_segment(key)) for key in messages)
    alone = float(segments.share @ segments.rate)
    if strongest <= 0.0:
        return 0
    # What an arm of one row sees shrinks with the root of its rows.
    each = (minimum_detectable(alone, 1, 1) / strongest) ** 2
    wanted = each * (len(messages) + 1) * segments.count
    return 0 if not np.isfinite(wanted) or wanted > people else min(WIDEST, ceil(wanted / people * _PPM))
