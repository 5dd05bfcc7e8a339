"""A lake beside the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.store.database import Store


@pytest.fixture
def lake(store: Store, tmp_path: Path) -> Lake:
    return open_lake(tmp_path, store, system("lake"))
