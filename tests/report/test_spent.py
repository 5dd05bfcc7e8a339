"""What a round cost, by what it went into: channels, people's time, benefits; together it is what was spent."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.contact.queries import accepted_contacts
from bankloop.loop.evaluate import read
from bankloop.loop.reach import actions_of
from bankloop.loop.round.labels import round_outcomes
from bankloop.organization.principals import system
from bankloop.report.results import results_page
from bankloop.store.history import read_decisions
from tests.bankfixture import SmallBank

HOUR, LINE = 48_00, 2_40


@pytest.mark.parametrize("campaign", ["keep-deposits", "bind-card"])
def test_people_s_minutes_cost_what_their_hour_costs(small: SmallBank, campaign: str) -> None:
    with small.open.store.begin(system()) as connection:
        lock, found = round_outcomes(small.open, connection, campaign, 1)
        went = set(accepted_contacts(connection, campaign).to_pylist())
        decided = read_decisions(connection, [campaign], 1, columns=("decision_id", "issued_action"))
    issued = [row["issued_action"] for row in decided.to_pylist() if row["decision_id"] in went]
    minutes = {one.key: one.minutes if one.staff else 0 for one in actions_of(lock)}
    assert found.staff_cost is not None
    assert found.benefit_cost is not None
    assert found.staff_cost.sum() == pytest.approx(sum(minutes[key] for key in issued) * HOUR / 60)
    calls = sum(key.endswith("|rm_call") for key in issued)
    assert {a.contact_cost for a in actions_of(lock) if a.channel == "rm_call"} <= {12 * HOUR / 60 + LINE}
    assert (found.staff_cost.sum() > 0) == (campaign == "keep-deposits")
    assert calls <= len(issued)
    assert np.all(found.cost >= found.staff_cost + found.benefit_cost)
    money = read(campaign, [found], 0.1).money
    treated = ~found.control
    assert money.cost == round(float(found.cost[treated].sum()))
    assert (money.staff, money.benefits) == (
        round(float(found.staff_cost[treated].sum())),
        round(float(found.benefit_cost[treated].sum())),
    )


def test_the_page_says_what_was_spent_on_what(small: SmallBank) -> None:
    with small.open.store.begin(system()) as connection:
        _, found = round_outcomes(small.open, connection, "first-wealth", 1)
    titles = {"first-wealth": small.open.spec.campaigns["first-wealth"].title.text}
    figures = results_page([read("first-wealth", [found], 0.1)], titles).figures
    spent = next(one for one in figures if one.label.en == "Spent")
    assert spent.note is not None
    assert "people's time" in spent.note.en
    assert "人员工时" in spent.note.zh
