"""A round's outcomes become a challenger; people promote it where the comparison supports it, and can take it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, NotFoundError
from bankloop.loop import run as loop
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import RETRAIN, ask_retraining, roll_back, watch_model
from bankloop.loop.optimize import population_drift
from bankloop.organization.approval import approval_of
from bankloop.organization.principals import checker, maker, system
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.registry import champion, list_campaigns, read_models, read_steps
from tests.bankfixture import SmallBank, open_small_bank

NAME = "bind-card"


@pytest.fixture
def small(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallBank]:
    """A bank of its own: what is learned here changes who is champion."""
    bank = open_small_bank(tmp_path_factory.mktemp("learning"), store_server, "template_bank", clock, "learning")
    yield bank
    bank.open.store.close()


def versions(small: SmallBank) -> dict[int, str]:
    with small.open.store.begin(system()) as connection:
        return {one.version: one.state for one in read_models(connection, NAME)}


def known_lock(small: SmallBank) -> str | None:
    with small.open.store.begin(system()) as connection:
        return next(one.lock_digest for one in list_campaigns(connection) if one.name == NAME)


@pytest.mark.capability("A9")
def test_a_champion_is_watched_challenged_replaced_and_rolled_back(small: SmallBank) -> None:
    """PSI 0.31 > 0.25 → alert and one retraining task; another person promotes; the same way leads back."""
    labels_that_are_not_due_teach_nothing(small)
    drift_asks_once_and_a_promotion_needs_a_second_person(small)
    a_challenger_that_is_not_surely_better_stays_in_the_registry(small)
    a_champion_is_watched_against_its_own_card(small)


def labels_that_are_not_due_teach_nothing(small: SmallBank) -> None:
    with pytest.raises(ConflictError, match="due"):
        loop.learn(small.open, maker(), NAME, 1, small.open.lake.today() + timedelta(days=5))


def drift_asks_once_and_a_promotion_needs_a_second_person(small: SmallBank) -> None:
    bank = small.open
    alarm = population_drift(0.31)
    with bank.store.begin(maker()) as connection:
        assert ask_retraining(connection, NAME, 1, 1, [alarm])
        assert not ask_retraining(connection, NAME, 1, 1, [alarm])
        step = read_steps(connection, NAME, 1)["optimize"]
    assert step.state == RETRAIN
    assert step.detail["alerts"]["psi"]["value"] == pytest.approx(0.31)
    assert "retrain" in step.detail["alerts"]["psi"]["said"]["en"]

    today = bank.lake.today() + timedelta(days=31)
    learned = loop.learn(bank, maker(), NAME, 1, today, anyway="the branch asked for a first causal model")
    assert learned.version == 2
    assert learned.card.rounds == (1,)
    assert learned.card.lock == known_lock(small)
    assert {len(learned.card.data), len(learned.card.code)} == {64}
    with bank.store.begin(system()) as connection:
        request = approval_of(connection, "model", NAME)
        assert read_steps(connection, NAME, 1)["optimize"].state == "done"
    assert request is not None
    assert request.open
    assert request.effect["versions"]["value"] == "v1 → v2"
    assert {"auc", "psi", "verdict", "compared"} <= set(request.effect)
    with pytest.raises(DeniedError):
        promote(bank, maker(), NAME)
    with pytest.raises(DeniedError, match="same_person"):
        promote(bank, checker(maker().id), NAME)  # who may approve, yet not what is their own
    assert versions(small)[2] == "draft"
    assert promote(bank, checker(), NAME) == 2
    assert versions(small) == {1: "retired", 2: "champion"}
    with pytest.raises(ConflictError, match="not_submitted"):
        promote(bank, checker("another"), NAME)

    with pytest.raises(NotFoundError, match="no_version"):
        roll_back(bank, maker(), NAME, 9, "harm")
    with pytest.raises(ConflictError, match="reason"):
        roll_back(bank, maker(), NAME, 1, " ")
    with pytest.raises(ConflictError, match="already"):
        roll_back(bank, maker(), NAME, 2, "harm")
    assert roll_back(bank, maker(), NAME, 1, "complaints doubled").version == 1
    assert versions(small)[2] == "champion"
    assert promote(bank, checker(), NAME) == 1
    assert versions(small) == {1: "champion", 2: "retired"}


def a_challenger_that_is_not_surely_better_stays_in_the_registry(small: SmallBank) -> None:
    bank, name = small.open, "first-wealth"
    learned = loop.learn(bank, maker(), name, 1, bank.lake.today() + timedelta(days=31))
    assert not learned.comparison.supported
    assert learned.version == 2
    with pytest.raises(ConflictError, match="not_submitted"):
        promote(bank, checker(), name)
    with bank.store.begin(system()) as connection:
        known = champion(connection, name)
    assert known is not None
    assert known.version == 1


def a_champion_is_watched_against_its_own_card(small: SmallBank) -> None:
    found = watch_model(small.open, maker(), "keep-deposits", small.open.lake.today() - timedelta(days=1))
    assert {one.kind for one in found} >= {"psi"}
    assert all(one.sentence.zh and one.sentence.en for one in found)
    with pytest.raises(ConflictError, match="no_champion"):
        watch_model(small.open, maker(), "nobody", small.open.lake.today())
