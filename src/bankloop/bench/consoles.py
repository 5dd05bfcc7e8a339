"""The console under work: a running server and scripted people at once, each opening pages of their own, with a pause between."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import re
import socket
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.kit.clock import SystemClock, local_day
from bankloop.kit.ids import uuid7
from bankloop.kit.worktime import WorkTime
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.organization import account
from bankloop.organization import people as people_room
from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.people import engage_staff, give_managers
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.organization.rights import give_role
from bankloop.organization.task import NO_LIMIT, create_tasks, dispatch_tasks
from bankloop.performance.daily_figures import report_day
from bankloop.simulate.service import write_bank
from bankloop.store.embedded import remove_cluster
from bankloop.wiring import hand_over_daily, load, open_bank
from bankloop.work.daily_jobs import work_day

_ZONE = "Asia/Shanghai"
_HOST = "127.0.0.1"
_TASKS = 15
_NO_RATE = ("1000000/minute", "1000000/minute")
_BOOK = text(
    "SELECT customer_no, unit_id, row_number() OVER (PARTITION BY staff_id ORDER BY customer_no) AS place FROM customer_book "
    "WHERE staff_id IS NOT NULL AND valid_to IS NULL"
)
_MANAGERS = text(
    "SELECT staff_id FROM staff_post WHERE post = 'relationship_manager' AND valid_to IS NULL ORDER BY 1 LIMIT :n"
)
_UNKEPT = text(
    "SELECT customer_no, unit_id, row_number() OVER (PARTITION BY unit_id ORDER BY customer_no) - 1 AS place FROM customer_book "
    "WHERE staff_id IS NULL AND line = 'retail' AND valid_to IS NULL"
)
# What a manager's day holds.
_MINUTES = 360
_KEPT_OPEN = 600
_OUTCOMES = ("done", "declined", "not_reached")
_SERVED_WITHIN = 120.0
# Who tells what systems saw, and asks what is shown.
_STEWARD = "data_steward"
# What each leader opens in the morning, one page after the other.
_LEADING: Mapping[str, tuple[str, ...]] = {
    "hq_strategist": ("home", "daily", "board", "targets", "credits"),
    "branch_commander": ("home", "daily", "board", "warroom", "targets", "credits"),
    "sub_branch_head": ("home", "daily", "warroom", "targets", "credits"),
}


@dataclass
class Seen:
    """What was measured: milliseconds and bytes by page, what failed, and who waited no longer."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    size: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gave_up: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class ServedBank:
    """A bank that is being served: its folder, address and server's process, and a session for everybody who works there."""

    folder: Path
    base: str
    pid: int
    managers: int
    tokens: list[str]
    leaders: dict[str, str]
    steward: str


@contextmanager
def serve_made_bank(customers: int, users: int) -> Iterator[ServedBank]:
    """Make a bank with ``users`` managers in the middle of a round, serve it in a process of its own, and remove it."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        context, port = multiprocessing.get_context("spawn"), _free()
        # The server reads its own code while the bank is made, and opens the bank once it stands.
        made = context.Event()
        server = context.Process(target=_serve, args=(folder, port, made), daemon=True)
        server.start()
        try:
            try:
                managers, tokens, leaders, steward = _prepared(folder, customers, users)
                made.set()
                yield ServedBank(folder, f"http://{_HOST}:{port}", server.pid or 0, managers, tokens, leaders, steward)
            finally:
                server.terminate()
                server.join()
        finally:
            remove_cluster(folder)


def measure(customers: int, users: int, seconds: float, pause: float) -> dict[str, Any]:
    """Return ``{pages: {name: {p50_ms, p99_ms, kb}}, users, errors}`` of ``users`` sessions that each open a page every ``pause`` s."""
    with serve_made_bank(customers, users) as served:
        seen = asyncio.run(work_at_desks(served, seconds, pause))
    looked = sum(len(found) for found in seen.taken.values())
    return {
        "customers": customers, "users": users, "managers": served.managers, "pause_s": pause, "looks": looked,
        "pages": pages_of(seen), "errors": sum(seen.errors.values()), "failed": dict(seen.errors),
        "gave_up": dict(seen.gave_up),
    }  # fmt: skip


def pages_of(seen: Seen) -> dict[str, dict[str, float]]:
    """Return each page's median and 99th percentile in milliseconds, and its largest size in kB."""
    return {
        name: {
            "p50_ms": round(float(np.percentile(found, 50)), 1),
            "p99_ms": round(float(np.percentile(found, 99)), 1),
            "kb": round(seen.size[name] / 1024, 1),
        }
        for name, found in sorted(seen.taken.items())
    }


def _prepared(folder: Path, customers: int, users: int) -> tuple[int, list[str], dict[str, str], str]:
    """Make a bank after a round, with tasks and a daily report; return managers, and a session a user, leader and steward."""
    clock = SystemClock()
    write_bank(folder, customers, 42, today=local_day(clock.now(), _ZONE))
    with open_bank(folder, clock) as bank:
        load(bank)
        managers, leaders = _staffed(bank, users)
        _lived(bank)
        with bank.store.begin(system()) as connection:
            _tasks(connection, clock)
        report_day(bank, system("daily"), bank.lake.today() - timedelta(days=1))
        hand_over_daily(bank)
        # What a serving bank does in the morning is done before anybody looks.
        work_day(bank, bank.lake.today())
        with bank.store.begin(system()) as connection:
            bank.profiles(connection)
        demo = account.SignInSettings(demo=True)
        tokens = [
            account.switch_person(bank.store, demo, managers[place % len(managers)]).token for place in range(users)
        ]
        opened = {
            role: account.switch_person(bank.store, demo, person).token
            for role, person in leaders.items()
            if role in _LEADING
        }
        steward = account.switch_person(bank.store, demo, leaders[_STEWARD]).token
    return len(managers), tokens, opened, steward


def _staffed(bank: Bank, users: int) -> tuple[list[str], dict[str, str]]:
    """Return ``users`` managers with a book each, and a leader of each level; those that the bank lacks are engaged."""
    with bank.store.begin(system("people", "test")) as connection:
        seeded = seed_demo_people(connection, bank.folder)
        held = {one.person_id for one in seeded}
        managers = list(connection.scalars(_MANAGERS, {"n": users}))
        managers += _engaged(connection, users - len(managers))
        for person in managers:
            if person not in held:
                give_role(connection, person, "relationship_manager", (), ("*",))
    with bank.store.begin(account.SIGN_IN) as connection:
        for person in sorted({*managers, *held}):
            account.open_account(connection, person)
    roles = {str(one.role): one.person_id for one in seeded}
    return managers, {role: roles[role] for role in (*_LEADING, _STEWARD) if role in roles}


def _engaged(connection: Connection, count: int) -> list[str]:
    """Engage managers, one sub-branch after the other, and give them the customers there whom nobody keeps."""
    places = [unit.unit_id for unit in people_room.units(connection) if unit.kind == "sub_branch"]
    fresh: dict[str, list[str]] = defaultdict(list)
    for place in range(max(count, 0)):
        person, unit = f"BM{place:04d}", places[place % len(places)]
        engage_staff(connection, person, person, unit, "relationship_manager", minutes=_MINUTES)
        fresh[unit].append(person)
    given = {
        row.customer_no: fresh[row.unit_id][row.place % len(fresh[row.unit_id])]
        for row in connection.execute(_UNKEPT)
        if fresh[row.unit_id] and row.place < _TASKS * len(fresh[row.unit_id])
    }
    if given:
        give_managers(connection, given)
    return [person for people in fresh.values() for person in people]


def _lived(bank: Bank) -> None:
    """Let the bank's campaigns begin a round, so that the board has numbers to take apart."""
    today = bank.lake.today()
    for name in bank.spec.campaigns:
        draft_model(bank, maker(), name, today - timedelta(days=1))
        promote(bank, checker(), name)
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)
    loop.run(bank, system(), 1, today)
    for name in bank.spec.campaigns:
        with bank.store.begin(system()) as connection:
            dispatch_tasks(connection, name, 1)


def _tasks(connection: Connection, clock: SystemClock) -> None:
    rows = [row for row in connection.execute(_BOOK) if row.place <= _TASKS]
    day, n = local_day(clock.now(), _ZONE), len(rows)
    milliseconds = int(clock.now().timestamp() * 1000)
    table = pa.table(
        {
            "decision_id": [str(uuid7(milliseconds)) for _ in rows], "campaign": [""] * n, "round": pa.array([0] * n, pa.int32()),
            "customer_no": [row.customer_no for row in rows], "unit_id": [row.unit_id for row in rows], "due_on": [day] * n,
            "action": [""] * n, "value_fen": [row.place * 1_000 for row in rows], "script_version": [""] * n,
            "reason": ["bench"] * n, "kind": ["care"] * n,
        }
    )  # fmt: skip
    units = {row.unit_id for row in rows}
    create_tasks(connection, table, dict.fromkeys(units, NO_LIMIT), WorkTime(_ZONE))
    dispatch_tasks(connection, "", 0)


def _serve(folder: Path, port: int, made: Any) -> None:
    import uvicorn

    from bankloop.web.shell.app import create_app

    made.wait()
    app = create_app(folder, account.SignInSettings(demo=True), rates=_NO_RATE)
    # People look at a page for longer than a server keeps a line open; a browser then opens another, this client would fail.
    uvicorn.run(app, host=_HOST, port=port, log_level="error", timeout_keep_alive=_KEPT_OPEN)


def _free() -> int:
    with socket.socket() as found:
        found.bind((_HOST, 0))
        port: int = found.getsockname()[1]
        return port


async def work_at_desks(served: ServedBank, seconds: float, pause: float, *, log: bool = False) -> Seen:
    """Let everybody work for a while; what is opened first warms the process and does not count.

    Where ``log`` is set, managers also write down what came of each task they open.
    """
    tokens, leaders = served.tokens, served.leaders
    limits = httpx.Limits(max_connections=len(tokens) + 8)
    async with httpx.AsyncClient(base_url=served.base, limits=limits, timeout=60.0) as client:
        await wait_ready(client)
        warm = Seen()
        for token in tokens[:2]:
            await _morning(client, warm, token, np.random.default_rng(0))
        for role, token in leaders.items():
            await _leading(client, warm, role, token, np.random.default_rng(0))
        seen, until = Seen(), time.monotonic() + seconds
        morning = partial(_morning, log=log)
        people = [_repeat(morning, client, seen, (token,), until, pause, place) for place, token in enumerate(tokens)]
        people += [_repeat(_leading, client, seen, (role, token), until, pause, place) for place, (role, token) in enumerate(leaders.items())]  # fmt: skip
        await asyncio.gather(*people)
    for name, count in warm.errors.items():
        seen.errors[name] += count
    for name, count in warm.gave_up.items():
        seen.gave_up[name] += count
    return seen


async def wait_ready(client: httpx.AsyncClient) -> None:
    """Wait until the server answers; raise ``TimeoutError`` where it does not."""
    stop = time.monotonic() + _SERVED_WITHIN
    while time.monotonic() < stop:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.2)
    raise TimeoutError("the server did not answer")


async def _repeat(
    work: Any, client: httpx.AsyncClient, seen: Seen, who: tuple[str, ...], until: float, pause: float, seed: int
) -> None:
    """Do a person's work again and again, begun at a moment of their own: once whole, so that each page is seen, then in time."""
    dice = np.random.default_rng(seed)
    await asyncio.sleep(dice.uniform(0, pause))
    end = math.inf
    while time.monotonic() < end:
        await work(client, seen, *who, dice, until=end, pause=pause)
        end = until


async def _morning(
    client: httpx.AsyncClient,
    seen: Seen,
    token: str,
    dice: np.random.Generator,
    until: float = 0.0,
    pause: float = 0.0,
    *,
    log: bool = False,
) -> None:
    """A manager: today's list, a task of it, the own customers, home."""
    today = await look(client, seen, "workbench", "/workbench", token)
    tasks = sorted(set(re.findall(r'href="(/workbench/[0-9a-f-]{36})"', today)))
    await _rest(pause, dice)
    if tasks:
        task = str(dice.choice(tasks))
        opened = await look(client, seen, "task", task, token)
        await _rest(pause, dice)
        proof = re.search(r'name="csrf" value="([^"]+)"', opened)
        if log and proof is not None:
            form = {"csrf": proof[1], "outcome": str(dice.choice(_OUTCOMES)), "note": "spoken to"}
            await look(client, seen, "log", f"{task}/log", token, form)
            await _rest(pause, dice)
    for name, path in (("customers", "/customers"), ("home", "/")):
        if pause and time.monotonic() >= until:
            return
        await look(client, seen, name, path, token)
        await _rest(pause, dice)


async def _leading(
    client: httpx.AsyncClient,
    seen: Seen,
    role: str,
    token: str,
    dice: np.random.Generator,
    until: float = 0.0,
    pause: float = 0.0,
) -> None:
    """A leader: the pages of the morning, as far as the role opens them."""
    for name in _LEADING[role]:
        if pause and time.monotonic() >= until:
            return
        await look(client, seen, name, "/" if name == "home" else f"/{name}", token)
        await _rest(pause, dice)


async def look(
    client: httpx.AsyncClient, seen: Seen, name: str, path: str, token: str, form: Mapping[str, str] | None = None
) -> str:
    """Open a page as whose session it is, write down how long it took, how large it is and whether it failed.

    Where a ``form`` is given it is sent, and the page behind it opened.
    """
    begin, headers = time.perf_counter(), {"cookie": f"session={token}"}
    try:
        answer = await (
            client.get(path, headers=headers)
            if form is None
            else client.post(path, data=dict(form), headers=headers, follow_redirects=True)
        )
    except httpx.TimeoutException:
        # The client's patience ended, not the server's work: it is told beside how busy others kept the machine.
        seen.gave_up[name] += 1
        return ""
    except httpx.TransportError as error:
        seen.errors[f"{name} {type(error).__name__}"] += 1
        return ""
    seen.taken[name].append((time.perf_counter() - begin) * 1000)
    seen.size[name] = max(seen.size[name], len(answer.content))
    if answer.status_code != 200:
        seen.errors[f"{name} {answer.status_code}"] += 1
    return answer.text


async def _rest(pause: float, dice: np.random.Generator) -> None:
    if pause:
        await asyncio.sleep(pause * dice.uniform(0.5, 1.5))
