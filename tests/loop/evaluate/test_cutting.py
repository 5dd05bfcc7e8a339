"""A round cut by whose customer it was, on a bank that ran."""

from __future__ import annotations

import pytest

from bankloop.kit.errors import NotFoundError
from bankloop.loop.round.reading import cut_by
from bankloop.organization.principals import system
from tests.bankfixture import SmallBank


@pytest.mark.parametrize("dimension", ["manager", "sub_branch", "branch", "tier"])
def test_every_cut_adds_up_to_the_reading(small: SmallBank, dimension: str) -> None:
    reading = small.story.rounds[0][0].reading
    cuts = cut_by(small.open, system(), reading.campaign, [1], dimension)
    assert len(cuts) > 1
    assert sum(cut.treated for cut in cuts) == reading.treated
    assert sum(cut.control for cut in cuts) == reading.control
    assert sum(cut.converted + cut.control_converted for cut in cuts) == reading.successes


def test_what_nothing_is_cut_by_is_refused_with_what_there_is(small: SmallBank) -> None:
    with pytest.raises(NotFoundError) as error:
        cut_by(small.open, system(), "bind-card", [1], "zodiac")
    assert error.value.code == "evaluate.no_dimension"
    assert "manager" in str(error.value.fields)
