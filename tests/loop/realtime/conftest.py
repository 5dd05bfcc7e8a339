"""A bank with a place in its app that is decided while customers look, its round run, and who would be shown something."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.realtime import DecisionDesk
from bankloop.organization.people import load_people
from bankloop.organization.principals import maker, reviewers, system
from bankloop.simulate.clock import set_clock
from bankloop.store.database import attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.work.rounds import run_round
from tests.databases import copy_database, drop_database
from tests.loop.gates import Sent

SLOT, SCREEN = "app_banner", "vtm_screen"
# So many of the customers come by: enough of every kind.
SOME = 300


def few_messages(folder: Path) -> None:
    """Leave hardly a message to the plan, so that many are left to see the offer where they come to."""
    for name, old, new in (
        ("policies.yaml", "per_day: 60000", "per_day: 2"),
        ("campaigns/bind-card.yaml", "[app_push, sms, app_banner, vtm_screen]", "[sms, app_banner, vtm_screen]"),
    ):
        path = folder / name
        written = path.read_text(encoding="utf-8")
        assert old in written
        path.write_text(written.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="session")
def live_once(
    bank_once: tuple[Path, str],
    store_server: EmbeddedServer,
    clock: FixedClock,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, str]:
    """The bank, its round run today, in a database that each test copies."""
    folder, template = bank_once
    mine, name = tmp_path_factory.mktemp("live") / "bank", "realtime"
    shutil.copytree(folder, mine)
    few_messages(mine)
    copy_database(store_server, name, template)
    with attach_store(mine, clock, store_server, name) as store:
        bank = Bank(mine, store, open_lake(mine, store, system("lake")), clock)
        load_people(store, bank.lake)
        submit(bank, maker(), "bind-card")
        approve_in_turn(bank, reviewers(), "bind-card")
        run_round(bank, system(), 1, bank.lake.today(), Sent())
    return mine, name


@pytest.fixture
def live(
    live_once: tuple[Path, str], store_server: EmbeddedServer, clock: FixedClock, request: pytest.FixtureRequest
) -> Iterator[DecisionDesk]:
    """A desk on a database of the test's own."""
    folder, template = live_once
    name = f"live_{abs(hash(request.node.nodeid)) % 10**9}"
    copy_database(store_server, name, template)
    with attach_store(folder, clock, store_server, name) as store:
        yield DecisionDesk(Bank(folder, store, open_lake(folder, store, system("lake")), clock), 0.0)
    drop_database(store_server, name)


@pytest.fixture
def folder(live: DecisionDesk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bank's folder, its database named as an operator names it, at the hour of the tests."""
    source = live.bank.store._source
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", source.admin_url().render_as_string(hide_password=False))
    monkeypatch.setenv("BANKLOOP_LANG", "en")
    (live.bank.folder / "data" / "truth").mkdir(parents=True, exist_ok=True)
    set_clock(live.bank.folder, live.bank.clock.now())
    return live.bank.folder
