"""One small bank for all tests of the room, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankloop.simulate.contracts import SimulatedBank
from bankloop.simulate.service import write_bank
from bankloop.simulate.world import World


@pytest.fixture(scope="package")
def bank(tmp_path_factory: pytest.TempPathFactory) -> SimulatedBank:
    # One day alone: the parameter file's shares hold exactly on the day that the people are drawn for.
    return write_bank(tmp_path_factory.mktemp("bank"), 20_000, seed=20261122, snapshots=False)


@pytest.fixture(scope="package")
def world(bank: SimulatedBank) -> World:
    return World.load(bank.folder)


@pytest.fixture(scope="package")
def night(bank: SimulatedBank) -> Path:
    return bank.folder / "data" / "incoming" / "2026-11-21"
