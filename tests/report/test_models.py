"""Models as people read them: the top of a list, its lift on rows held out, its reasons; what the pages' tables say."""

from __future__ import annotations

import pytest

from bankloop.loop.offering.offers import said_of, top_of
from bankloop.organization.principals import system
from bankloop.report.models import (
    CAUSAL,
    NOT_CAUSAL,
    alerts_table,
    calibration_table,
    lift_picture,
    top_table,
    versions_table,
)
from bankloop.store.registry import champion, read_models
from tests.bankfixture import SmallBank


@pytest.mark.capability("B16")
def test_the_top_tenth_and_its_lift_on_rows_held_out(small: SmallBank) -> None:
    top = top_of(small.open, system(), "bind-card", 0.1, 1_000)
    assert top.size == round(top.audience * 0.1) == len(top.ranked)
    with small.open.store.begin(system()) as connection:
        entry = champion(connection, "bind-card")
    assert entry is not None
    assert top.lift == entry.card["lift_at_10"] > 1.0
    chances = [one.chance for one in top.ranked]
    assert chances == sorted(chances, reverse=True)
    rest = top_of(small.open, system(), "bind-card", 1.0, 10_000)
    assert min(chances) >= max(one.chance for one in rest.ranked[top.size :])
    reasons = {one.customer_no: said_of(small.open, one.why) for one in top.ranked}
    assert any(reasons.values())
    mask = {one.customer_no: f"C…{one.customer_no[-4:]}" for one in top.ranked[:5]}
    table = top_table(top.ranked, reasons, mask)
    assert len(table.rows) == 5
    assert all("pp" in one.en and "usual" in one.en for words in reasons.values() for one in words)


def test_cards_registry_drift_and_calibration_in_words(small: SmallBank) -> None:
    with small.open.store.begin(system()) as connection:
        models = read_models(connection)
    titles = {name: campaign.title.text for name, campaign in small.open.spec.campaigns.items()}
    picture = lift_picture([one for one in models if one.state == "champion"], titles)
    assert picture is not None
    assert "top tenth" in picture.alt.en
    assert lift_picture([], titles) is None
    assert len(versions_table(models).rows) == len(models)
    assert calibration_table(models[0].card) is not None
    assert calibration_table({}) is None
    found = {"bind-card": {"psi": {"value": 0.31, "limit": 0.25, "said": {"zh": "请重训", "en": "retrain"}}}}
    table = alerts_table(found, titles)
    assert table is not None
    assert [cell.text.en for cell in table.rows[0]][1:] == ["psi", "0.31", "0.25", "retrain"]
    assert alerts_table({}, titles) is None
    assert "not randomised" in NOT_CAUSAL.en
    assert CAUSAL.zh
