"""A lake beside the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.store.database import Store


@pytest.fixture
def lake(store: Store, tmp_path: Path) -> Lake:
    return open_lake(tmp_path, store, system("lake"))


@pytest.fixture
def bank(store: Store, put_in_book: Callable[..., None]) -> Store:
    put_in_book([f"C{n}" for n in range(20)], "S0001", "M1")
    return store
