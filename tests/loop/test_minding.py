"""Models are minded by themselves: learned from when labels are due and the files reach so far, watched after each load."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError
from bankloop.lake.load import load_bank
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import close_campaign
from bankloop.loop.learning.model_watch import WAITS, learn_when_due, watch_champions
from bankloop.loop.learning.training import learnt_until
from bankloop.loop.round.labels import audience_now
from bankloop.organization.approval import approval_of, recall, submit_approval
from bankloop.organization.principals import auditor, maker, system
from bankloop.simulate.world import World
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Role
from bankloop.store.database import attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.registry import read_models, read_steps
from tests.bankfixture import SmallBank, open_small_bank

DATABASE = "minding"


@pytest.fixture
def small(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallBank]:
    bank = open_small_bank(tmp_path_factory.mktemp(DATABASE), store_server, "template_bank", clock, DATABASE)
    yield bank
    bank.open.store.close()


def test_due_labels_are_learned_from_once_and_champions_watched(
    small: SmallBank, store_server: EmbeddedServer, clock: FixedClock
) -> None:
    first, names = small.open.lake.today(), set(small.open.spec.campaigns)
    assert learn_when_due(small.open, first + timedelta(days=31)) == {}, "no file says yet what happened since"
    folder = small.open.folder
    World.load(folder).advance(folder, [], first + timedelta(days=30))
    later = FixedClock(clock.now() + timedelta(days=31))
    with attach_store(folder, later, store_server, DATABASE) as store:
        bank = Bank(folder, store, open_lake(folder, store, system("lake")), later)
        load_bank(folder, bank.lake)
        today = bank.lake.today()
        assert learn_when_due(bank, first + timedelta(days=29)) == {}, "the last window is still open"
        with store.begin(maker()) as connection:
            asked = submit_approval(connection, "model", "keep-deposits", "0" * 64, reason="an earlier version again")
        found = dict(learn_when_due(bank, today))
        assert set(found) == names
        assert (waiting := found.pop("keep-deposits")).refused == WAITS, (
            "a person's request is not replaced by the program's"
        )
        assert "approve it" in waiting.said.en
        with store.begin(maker()) as connection:
            recall(connection, asked)
        with store.begin(auditor(), Role.AUDITOR) as connection:
            noted = [one for one in read_audit(connection, object_kind="model") if one.reason == "daily"]
        assert [(one.verb, one.object_id, one.after) for one in noted] == [
            ("model.learn", "keep-deposits", {"refused": WAITS})
        ]
        found |= learn_when_due(bank, today)
        assert set(found) == names
        for name, one in found.items():
            assert not one.refused
            assert str(one.version) in one.said.zh
            assert ("submitted" in one.said.en) is one.proposed
            with store.begin(system()) as connection:
                assert one.version in {kept.version for kept in read_models(connection, name)}
                assert read_steps(connection, name, 1)["optimize"].detail["version"] == one.version
                assert learnt_until(connection, name, 1) == first
                waits = approval_of(connection, "model", name)
                assert one.proposed == bool(waits and waits.open), "what the comparison supports waits for a person"
        assert learn_when_due(bank, today) == {}
        seen = watch_champions(bank, today)
        assert set(seen) == names
        assert all(one.watched and not one.refused for one in seen.values())
        assert watch_champions(bank, today + timedelta(days=2)) == {}, "nothing came since"
        close_campaign(bank, maker(), "bind-card")
        with store.begin(system()) as connection:
            assert "version" in read_steps(connection, "bind-card", 2)["optimize"].detail
            assert learnt_until(connection, "bind-card", 2) is None, "the draft repeats what the round before it said"
        assert "bind-card" not in watch_champions(bank, today), "what does not run is not watched"
        with pytest.raises(ConflictError, match="favourite_colour"):
            audience_now(bank, small.window.locks["bind-card"], today, ["aum", "favourite_colour"])
