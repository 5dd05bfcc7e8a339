"""What the simulated staff logs of a call: what happened, and what is only said to have happened."""

from __future__ import annotations

from datetime import date

import pytest

from bankloop.simulate.staff import Deed, outcomes_of

DAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("deed", "share", "said"),
    [
        (Deed(False, False, False, None), 0.0, ()),
        (Deed(False, True, False, DAY), 0.0, ("done",)),
        (Deed(True, True, False, DAY), 0.0, ("not_reached",) * 3),
        (Deed(True, True, True, DAY), 0.9, ("sold",)),
        (Deed(True, True, True, date(2026, 12, 9)), 0.9, ("interested",)),
        (Deed(True, True, True, date(2026, 11, 9)), 0.9, ("done",)),
        (Deed(True, True, True, None), 0.1, ("considering",)),
        (Deed(True, True, True, None), 0.9, ("done",)),
    ],
)
def test_what_is_logged_of_a_call(deed: Deed, share: float, said: tuple[str, ...]) -> None:
    assert outcomes_of(deed, DAY, share) == said
