"""The small bank that report and console share: whichever asks first builds it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID

import pytest
from fastapi import FastAPI

from bankloop.kit import FixedClock
from bankloop.organization import account, load_people, seed_demo_people, system
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


DEMO = account.SignInSettings(demo=True)


@dataclass(frozen=True)
class Staffed:
    """The small bank with one account a role, and clients signed in as whom a test names."""

    small: SmallBank
    app: FastAPI
    people: dict[str, str]

    def token(self, person: str) -> str:
        """A new session of a person."""
        return account.switch_person(self.small.open.store, DEMO, person).token

    def client(self, person: str | None = None) -> TestClient:
        """A browser without a window, signed in as a person; its headers make every call a call of the API too."""
        opened = TestClient(self.app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000))
        if person is not None:
            opened.cookies.set("session", self.token(person))
        return opened

    def api(self, person: str) -> TestClient:
        """A client of the API by a session's token."""
        opened = self.client()
        opened.headers["authorization"] = f"Bearer {self.token(person)}"
        return opened

    def of(self, role: str) -> str:
        """The first person of a role."""
        return next(person for person, held in self.people.items() if held == role)


@pytest.fixture(scope="session")
def staffed(small: SmallBank) -> Iterator[Staffed]:
    """The small bank's console with its people."""
    store = small.open.store
    load_people(store, small.open.lake)
    with store.begin(system()) as connection:
        people = seed_demo_people(connection, small.open.folder)
    with store.begin(account.SIGN_IN) as connection:
        for one in people:
            account.open_account(connection, one.person_id)
    app = create_app(lambda: nullcontext(small.open), DEMO, rates=("100000/minute", "100000/minute"))
    with TestClient(app, base_url="http://127.0.0.1"):
        yield Staffed(small, app, {one.person_id: one.role for one in people})


@pytest.fixture(scope="session")
def client(staffed: Staffed) -> TestClient:
    """A browser without a window, at the small bank's console as its strategist."""
    return staffed.client("strategist")


@pytest.fixture(scope="session")
def plan_id(small: SmallBank) -> str:
    """The id of the small bank's plan."""
    return str(UUID(small.window.plan.plan_id))
