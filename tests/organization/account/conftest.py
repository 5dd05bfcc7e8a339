"""A clock that a test moves on, and a store under it with one account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher, profiles

from bankloop.kit.addresses import NAMED_HOSTS
from bankloop.organization import account
from bankloop.organization.account import secrets
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a hash is not what these tests are about."""
    monkeypatch.setattr(secrets, "_hasher", lambda: PasswordHasher.from_parameters(profiles.CHEAPEST))


@pytest.fixture(autouse=True)
def named_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers and directories of these tests stand on this machine."""
    monkeypatch.setenv(NAMED_HOSTS, "127.0.0.1")


PASSWORD = "four quiet herons wading"


@dataclass
class Hand:
    """A clock's hand, moved by the test."""

    at: datetime = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def on(self, span: timedelta) -> None:
        self.at += span


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def moving(store_server: EmbeddedServer, database: str, hand: Hand, tmp_path: Path) -> Iterator[Store]:
    """A store whose clock a test moves; ``li`` has an account with a password."""
    with attach_store(tmp_path, hand, store_server, database) as store:
        with store.begin(account.SIGN_IN) as connection:
            account.open_account(connection, "li")
            account.set_password(connection, "li", PASSWORD)
        yield store
