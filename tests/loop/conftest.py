"""A loaded bank with promoted models, made once; each test gets a copy of its database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bankloop.customer.consent import take_consents
from bankloop.kit.clock import FixedClock, local_day
from bankloop.lake.load import load_bank
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.organization.principals import checker, maker, system
from bankloop.simulate.service import write_bank
from bankloop.store.database import attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from tests.databases import copy_database, drop_database
from tests.loop.gates import STATES


@pytest.fixture(scope="session")
def bank_once(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A loaded bank with promoted models, in a database that each test copies."""
    folder, name = tmp_path_factory.mktemp("gates"), "gates"
    create_database(store_server, name, "template_bank")
    with attach_store(folder, clock, store_server, name) as store:
        day = local_day(clock.now(), "Asia/Shanghai")
        write_bank(folder, 3_000, 7, today=day)
        bank = Bank(folder, store, open_lake(folder, store, system("lake")), clock)
        load_bank(folder, bank.lake)
        take_consents(store, bank.lake)
        for campaign in ("bind-card", "first-wealth"):
            draft_model(bank, maker(), campaign, day - timedelta(days=1))
            promote(bank, checker(), campaign)
    return folder, name


@pytest.fixture
def bank(
    bank_once: tuple[Path, str], store_server: EmbeddedServer, clock: FixedClock, request: pytest.FixtureRequest
) -> Iterator[Bank]:
    """The bank in a database of its own."""
    folder, template = bank_once
    name = f"gates_{abs(hash(request.node.nodeid)) % 10**9}"
    copy_database(store_server, name, template)
    with attach_store(folder, clock, store_server, name) as store:
        yield Bank(folder, store, open_lake(folder, store, system("lake")), clock, STATES)
    drop_database(store_server, name)
