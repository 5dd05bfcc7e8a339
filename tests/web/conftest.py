"""The small bank that report and console share: whichever asks first builds it."""

from __future__ import annotations

import shutil
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI

from bankloop.kit.clock import FixedClock
from bankloop.organization import account
from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.people import book_of, load_people
from bankloop.organization.principals import system
from bankloop.store.embedded import EmbeddedServer
from bankloop.web.shell.app import create_app
from bankloop.web.shell.connections import TimedConnection
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
PATIENCE_MS = 180_000


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

    def own_customer(self, person: str) -> str:
        """The first customer of a person's book."""
        with self.small.open.store.begin(system()) as connection:
            return book_of(connection, person, limit=1)[0].customer_no

    def of(self, role: str) -> str:
        """The first person of a role."""
        return next(person for person, held in self.people.items() if held == role)


def staff(small: SmallBank) -> Staffed:
    """Give a small bank its people, each with an account, and its application."""
    store = small.open.store
    load_people(store, small.open.lake)
    with store.begin(system()) as connection:
        people = seed_demo_people(connection, small.open.folder)
    with store.begin(account.SIGN_IN) as connection:
        for one in people:
            account.open_account(connection, one.person_id)
    app = create_app(lambda: nullcontext(small.open), DEMO, rates=("100000/minute", "100000/minute"))
    return Staffed(small, app, {one.person_id: one.role for one in people})


@pytest.fixture(scope="session")
def staffed(small: SmallBank) -> Iterator[Staffed]:
    """The small bank's console with its people."""
    found = staff(small)
    with TestClient(found.app, base_url="http://127.0.0.1"):
        yield found


@contextmanager
def listening(app: FastAPI, *, alive: bool = False) -> Iterator[str]:
    """Serve an application by a thread on a free port and give its address.

    One that is ``alive`` already is not begun a second time: its end would stop the first one's work.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    life = "off" if alive else "on"
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", http=TimedConnection, lifespan=life)
    )
    ready = threading.Event()
    started = server.startup

    async def startup(*args: Any, **kwargs: Any) -> None:
        await started(*args, **kwargs)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(120)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(60)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium")
    if place is None:
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--headless", "--no-sandbox"])
        opened = browser.new_context

        def patient(**given: Any) -> Any:
            # On a machine that others use too, a page may take a minute: none of these tests is about time.
            context = opened(**given)
            context.set_default_timeout(PATIENCE_MS)
            return context

        browser.new_context = patient
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def client(staffed: Staffed) -> TestClient:
    """A browser without a window, at the small bank's console as its strategist."""
    return staffed.client("strategist")


@pytest.fixture(scope="session")
def plan_id(small: SmallBank) -> str:
    """The id of the small bank's plan."""
    return str(UUID(small.window.plan.plan_id))
