"""The small bank that report and console share: whichever asks first builds it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from uuid import UUID

import pytest

from bankloop.kit import FixedClock
from bankloop.store import EmbeddedServer
from bankloop.web import create_app
from tests.bankfixture import SmallBank, shared

with warnings.catch_warnings():
    # Starlette would rather have the next major of its client; this one is locked.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient


@pytest.fixture(scope="session")
def small(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallBank]:
    """The small bank after its first round."""
    with shared(store_server, clock, tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="session")
def client(small: SmallBank) -> Iterator[TestClient]:
    """A browser without a window, on the small bank's console."""
    with TestClient(create_app(lambda: nullcontext(small.open)), base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.fixture(scope="session")
def plan_id(small: SmallBank) -> str:
    """The id of the small bank's plan."""
    return str(UUID(small.window.plan.plan_id))
