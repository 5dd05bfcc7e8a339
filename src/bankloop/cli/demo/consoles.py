"""The console under work: a running server and scripted people at once, each opening pages of their own, with a pause between."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import socket
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from sqlalchemy import text

from bankloop import organization as house
from bankloop.kit import SystemClock, WorkTime, local_day, uuid7
from bankloop.organization import account
from bankloop.simulate import write_bank
from bankloop.store import remove_cluster
from bankloop.wiring import hand_over_daily, load, open_bank

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
_SERVED_WITHIN = 120.0


@dataclass
class Seen:
    """What was measured: milliseconds and bytes by page, and what failed."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    size: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def measure(customers: int, users: int, seconds: float, pause: float) -> dict[str, Any]:
    """Return ``{pages: {name: {p50_ms, p99_ms, kb}}, users, errors}`` of ``users`` sessions that each open a page every ``pause`` s."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        try:
            managers, tokens, leaders = _prepared(folder, customers, users)
            port = _free()
            server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, port), daemon=True)
            server.start()
            try:
                seen = asyncio.run(_work(f"http://{_HOST}:{port}", tokens, leaders, seconds, pause))
            finally:
                server.terminate()
                server.join()
        finally:
            remove_cluster(folder)
    pages = {
        name: {
            "p50_ms": round(float(np.percentile(found, 50)), 1),
            "p99_ms": round(float(np.percentile(found, 99)), 1),
            "kb": round(seen.size[name] / 1024, 1),
        }
        for name, found in sorted(seen.taken.items())
    }
    looked = sum(len(found) for found in seen.taken.values())
    return {
        "customers": customers, "users": users, "managers": managers, "pause_s": pause, "looks": looked,
        "pages": pages, "errors": sum(seen.errors.values()), "failed": dict(seen.errors),
    }  # fmt: skip


def _prepared(folder: Path, customers: int, users: int) -> tuple[int, list[str], dict[str, str]]:
    """Make a bank with tasks and a daily report; return its managers, a session for each user, and the leaders' sessions."""
    from bankloop.loop.daily import report_day

    clock = SystemClock()
    write_bank(folder, customers, 42, today=local_day(clock.now(), _ZONE))
    with open_bank(folder, clock) as bank:
        load(bank)
        store, program = bank.store, house.system("people", "test")
        with store.begin(program) as connection:
            seeded = house.seed_demo_people(connection, folder)
            staff = list(connection.scalars(_MANAGERS, {"n": users}))
            held = {one.person_id for one in seeded}
            for person in staff:
                if person not in held:
                    house.give_role(connection, person, "relationship_manager", (), ("*",))
        with store.begin(account.SIGN_IN) as connection:
            for person in sorted({*staff, *held}):
                account.open_account(connection, person)
        with store.begin(house.system()) as connection:
            _tasks(connection, clock)
        report_day(bank, house.system("daily"), bank.lake.today() - timedelta(days=1))
        hand_over_daily(bank)
        with store.begin(house.system()) as connection:
            bank.profiles(connection)
        demo = account.SignInSettings(demo=True)
        tokens = [account.switch_person(store, demo, staff[place % len(staff)]).token for place in range(users)]
        roles = {one.role: one.person_id for one in seeded}
        leaders: dict[str, str] = {
            str(role): account.switch_person(store, demo, roles[role]).token
            for role in ("branch_commander", "sub_branch_head", "hq_strategist")
            if role in roles
        }
    return len(staff), tokens, leaders


def _tasks(connection: Any, clock: SystemClock) -> None:
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
    house.create_tasks(connection, table, dict.fromkeys(units, house.NO_LIMIT), WorkTime(_ZONE))
    house.dispatch_tasks(connection, "", 0)


def _serve(folder: Path, port: int) -> None:
    import uvicorn

    from bankloop.web import create_app

    app = create_app(folder, account.SignInSettings(demo=True), rates=_NO_RATE)
    uvicorn.run(app, host=_HOST, port=port, log_level="error")


def _free() -> int:
    with socket.socket() as found:
        found.bind((_HOST, 0))
        port: int = found.getsockname()[1]
        return port


async def _work(base: str, tokens: list[str], leaders: dict[str, str], seconds: float, pause: float) -> Seen:
    """Let everybody work for a while; what is opened first warms the process and does not count."""
    limits = httpx.Limits(max_connections=len(tokens) + 8)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60.0) as client:
        await _ready(client)
        warm = Seen()
        for token in tokens[:2]:
            await _morning(client, warm, token, np.random.default_rng(0))
        for role, token in leaders.items():
            await _leading(client, warm, role, token)
        seen, until = Seen(), time.monotonic() + seconds
        people = [_repeat(_morning, client, seen, token, until, pause, place) for place, token in enumerate(tokens)]
        people += [_repeat(_leading, client, seen, (role, token), until, pause, place) for place, (role, token) in enumerate(leaders.items())]  # fmt: skip
        await asyncio.gather(*people)
    for name, count in warm.errors.items():
        seen.errors[name] += count
    return seen


async def _ready(client: httpx.AsyncClient) -> None:
    stop = time.monotonic() + _SERVED_WITHIN
    while time.monotonic() < stop:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.2)
    raise TimeoutError("the server did not answer")


async def _repeat(
    work: Any, client: httpx.AsyncClient, seen: Seen, who: Any, until: float, pause: float, seed: int
) -> None:
    """Do a person's work again and again, a page every ``pause`` seconds, begun at a moment of their own."""
    dice = np.random.default_rng(seed)
    await asyncio.sleep(dice.uniform(0, pause))
    while time.monotonic() < until:
        if isinstance(who, tuple):
            await work(client, seen, *who, until=until, pause=pause)
        else:
            await work(client, seen, who, dice, until=until, pause=pause)


async def _morning(
    client: httpx.AsyncClient, seen: Seen, token: str, dice: np.random.Generator, until: float = 0.0, pause: float = 0.0
) -> None:
    """A manager: today's list, a task of it, the own customers, home."""
    today = await _look(client, seen, "workbench", "/workbench", token)
    tasks = sorted(set(re.findall(r'href="(/workbench/[0-9a-f-]{36})"', today)))
    await _rest(pause, dice)
    if tasks:
        await _look(client, seen, "task", str(dice.choice(tasks)), token)
        await _rest(pause, dice)
    for name, path in (("customers", "/customers"), ("home", "/")):
        if pause and time.monotonic() >= until:
            return
        await _look(client, seen, name, path, token)
        await _rest(pause, dice)


async def _leading(
    client: httpx.AsyncClient, seen: Seen, role: str, token: str, until: float = 0.0, pause: float = 0.0
) -> None:
    """A leader: the daily report, the war room, the targets and the scorecards, as far as the role opens them."""
    for name, path in (("daily", "/daily"), ("warroom", "/warroom"), ("targets", "/targets"), ("credits", "/credits")):
        if role == "hq_strategist" and name == "warroom":
            continue
        if pause and time.monotonic() >= until:
            return
        await _look(client, seen, name, path, token)
        await _rest(pause, np.random.default_rng(len(role)))


async def _look(client: httpx.AsyncClient, seen: Seen, name: str, path: str, token: str) -> str:
    begin = time.perf_counter()
    answer = await client.get(path, headers={"cookie": f"session={token}"})
    seen.taken[name].append((time.perf_counter() - begin) * 1000)
    seen.size[name] = max(seen.size[name], len(answer.content))
    if answer.status_code != 200:
        seen.errors[f"{name} {answer.status_code}"] += 1
    return answer.text


async def _rest(pause: float, dice: np.random.Generator) -> None:
    if pause:
        await asyncio.sleep(pause * dice.uniform(0.5, 1.5))
