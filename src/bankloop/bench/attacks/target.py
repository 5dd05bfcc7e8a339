"""What is attacked: a small bank with its people, its console, and the list of attacks that other files fill."""

from __future__ import annotations

import re
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.loop.bank import Bank
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.organization import account
from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.principals import auditor, checker, maker, system
from bankloop.simulate.service import write_bank
from bankloop.store.contracts import Role
from bankloop.store.embedded import remove_cluster
from bankloop.web.shell.app import create_app
from bankloop.wiring import load, open_bank

with warnings.catch_warnings():
    # Starlette would rather have the next major of its client; this one is locked.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient as TestClient

BASE = "/api/v1"
CAMPAIGN = "bind-card"
_FIRST = datetime(2026, 8, 24, 1, tzinfo=UTC)
_ADDRESS = "http://127.0.0.1"
_SEED = 11
_NO_RATE = ("100000/minute", "100000/minute")
_SETTINGS = account.SignInSettings(demo=True)


class AttackSucceeded(Exception):
    """What stood against an attack did not hold; says what was got."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: its kind, what is tried, and the function that raises where it succeeds."""

    kind: str
    name: str
    act: Callable[[AttackTarget], None]


ATTACKS: list[Attack] = []


def attack(kind: str) -> Callable[[Callable[[AttackTarget], None]], Callable[[AttackTarget], None]]:
    """Enter a function among the attacks of a kind; the first line of its docstring says what is tried."""

    def enter(act: Callable[[AttackTarget], None]) -> Callable[[AttackTarget], None]:
        said = (act.__doc__ or act.__name__).splitlines()[0].rstrip(".")
        ATTACKS.append(Attack(kind, said, act))
        return act

    return enter


def held(condition: object, got: object = "") -> None:
    """Go on where a defence held; raise ``AttackSucceeded`` with what was got where it did not."""
    if not condition:
        raise AttackSucceeded(str(got)[:300])


def key() -> dict[str, str]:
    """Return a header that makes a request a new one."""
    return {"idempotency-key": uuid.uuid4().hex}


def hidden(page: str, name: str) -> str:
    """Return a hidden field's value of a page; empty where it has none."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


@dataclass
class AttackTarget:
    """An open bank whose clock an attack may move on, its console, and a person of each role."""

    bank: Bank
    app: FastAPI
    people: dict[str, str]

    def token(self, role: str) -> str:
        """Return a new session of a role's first person."""
        return account.switch_person(self.bank.store, _SETTINGS, self.people[role]).token

    def stranger(self) -> TestClient:
        """Return a client whom nobody knows."""
        return TestClient(self.app, base_url=_ADDRESS, client=("127.0.0.1", 50_000))

    def api(self, role: str) -> TestClient:
        """Return a client of the API as a role's first person."""
        client = self.stranger()
        client.headers["authorization"] = f"Bearer {self.token(role)}"
        return client

    def browser(self, role: str) -> TestClient:
        """Return a browser that is signed in as a role's first person."""
        client = self.stranger()
        client.cookies.set("session", self.token(role))
        return client

    def move_on(self, span: timedelta) -> None:
        """Let time pass for everything that the open bank does."""
        clock = FixedClock(self.bank.clock.now() + span)
        self.bank.store.clock = self.bank.lake.clock = clock
        object.__setattr__(self.bank, "clock", clock)

    def scalar(self, query: Any, **values: Any) -> Any:
        """Return one value that the bank's own work may read."""
        with self.bank.store.begin(system()) as connection:
            return connection.scalar(query, values)


def rows_of(target: AttackTarget, verb: str, about: str) -> int:
    """Return how many rows of the trail a verb left about an object."""
    with target.bank.store.begin(auditor(), Role.AUDITOR) as connection:
        query = text("SELECT count(*) FROM audit WHERE verb = :verb AND object_id = :id")
        return int(connection.scalar(query, {"verb": verb, "id": about}) or 0)


@contextmanager
def open_target(customers: int) -> Iterator[AttackTarget]:
    """Make a bank of ``customers`` with its people and models, open its console, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="bankloop-attacks-") as home:
        folder = Path(home) / "bank"
        clock = FixedClock(_FIRST)
        write_bank(folder, customers, _SEED, today=_FIRST.date())
        try:
            with open_bank(folder, clock) as bank:
                load(bank)
                with bank.store.begin(system("people")) as connection:
                    people = seed_demo_people(connection, folder)
                with bank.store.begin(account.SIGN_IN) as connection:
                    for one in people:
                        account.open_account(connection, one.person_id)
                for name in bank.spec.campaigns:
                    draft_model(bank, maker(), name, _FIRST.date() - timedelta(days=1), _SEED)
                    promote(bank, checker(), name)
                first: dict[str, str] = {}
                for one in people:
                    first.setdefault(one.role, one.person_id)
                app = create_app(lambda: nullcontext(bank), _SETTINGS, rates=_NO_RATE)
                with TestClient(app, base_url=_ADDRESS):
                    yield AttackTarget(bank, app, first)
        finally:
            remove_cluster(folder)
