"""A lake on a temporary bank folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture
def manifest() -> MemoryManifest:
    return MemoryManifest()


@pytest.fixture
def lake(tmp_path: Path, manifest: MemoryManifest) -> Lake:
    return Lake(tmp_path, manifest, FixedClock(NOW), memory="512MB", threads=2)
