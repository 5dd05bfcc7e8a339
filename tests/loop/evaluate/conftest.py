"""The small bank after its first round, shared with the reports' tests: whichever asks first builds it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.store.embedded import EmbeddedServer
from tests.bankfixture import SmallBank, shared


@pytest.fixture(scope="session")
def small(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallBank]:
    """The small bank after its first round."""
    with shared(store_server, clock, tmp_path_factory) as found:
        yield found
