"""Hours of work at a served bank: does memory stay flat, does nothing fail, is the trail sealed in time."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from bankloop.bench.consoles import ServedBank, pages_of, serve_made_bank, work_at_desks
from bankloop.bench.processor import others_share, processor_time
from bankloop.kit.clock import SystemClock
from bankloop.kit.errors import BankloopError
from bankloop.organization.principals import system
from bankloop.store.audit import seal_age
from bankloop.store.contracts import Role
from bankloop.store.embedded import server_pid
from bankloop.wiring import open_bank
from bankloop.work.daily_jobs import work_day

_LOOK_EVERY = 5.0
_WORK_EVERY = 300.0
_MB = 1024 * 1024
# What a process still reads for the first time: the share of the time that is not asked whether memory grows.
_WARMING = 0.25


@dataclass
class Watched:
    """What was seen of the server: MB by second, and how many seconds the oldest row waited for a seal."""

    at: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    late_seals: int = 0
    mornings: int = 0
    stopped: list[str] = field(default_factory=list)
    others_share: float = 0.0


def measure(customers: int, users: int, seconds: float, pause: float) -> dict[str, Any]:
    """Serve a bank for ``seconds`` to ``users`` people who read, log and lead, the daily work repeated beside them.

    ``memory_mb`` holds the server's resident memory after warming, at the end, and its growth an hour by least squares.
    ``gave_up`` counts who waited a minute in vain, by page; ``others_share`` is the processors' time that was not ours.
    """
    with serve_made_bank(customers, users) as served:
        seen, watched = asyncio.run(_soak(served, seconds, pause))
    kept = [(at, mb) for at, mb in zip(watched.at, watched.memory_mb, strict=True) if at >= seconds * _WARMING]
    at, mb = np.array([one[0] for one in kept]), np.array([one[1] for one in kept])
    return {
        "customers": customers,
        "users": users,
        "seconds": seconds,
        "pause_s": pause,
        "looks": sum(len(found) for found in seen.taken.values()),
        "pages": pages_of(seen),
        "errors": sum(seen.errors.values()),
        "failed": dict(seen.errors),
        "gave_up": dict(seen.gave_up),
        "others_share": round(watched.others_share, 3),
        "memory_mb": {
            "warm": round(float(mb[0]), 1),
            "end": round(float(mb[-1]), 1),
            "an_hour": round(float(np.polyfit(at, mb, 1)[0] * 3600), 1),
        },
        "seals": {"late": watched.late_seals, "longest_wait_s": round(max(watched.waited_s), 1)},
        "daily_work": {"times": watched.mornings, "stopped": watched.stopped},
    }


async def _soak(served: ServedBank, seconds: float, pause: float) -> tuple[Any, Watched]:
    watched, over = Watched(), threading.Event()
    watching = asyncio.to_thread(_watch, served, watched, over)

    async def work() -> Any:
        try:
            return await work_at_desks(served, seconds, pause, log=True)
        finally:
            over.set()

    seen, _ = await asyncio.gather(work(), watching)
    return seen, watched


def _watch(served: ServedBank, watched: Watched, over: threading.Event) -> None:
    """Look at memory and seals from outside, and do the daily work as a second process of the bank would."""
    server, begin, clock = psutil.Process(served.pid), time.monotonic(), SystemClock()
    with open_bank(served.folder, clock) as bank:
        ours = [served.pid, os.getpid(), server_pid(served.folder) or 0]
        first = processor_time(ours)
        while not over.wait(_LOOK_EVERY):
            watched.at.append(time.monotonic() - begin)
            watched.memory_mb.append(server.memory_info().rss / _MB)
            with bank.store.begin(system("auditor"), Role.AUDITOR) as connection:
                age, now = seal_age(connection), clock.now()
            watched.waited_s.append((now - age.oldest).total_seconds() if age.oldest else 0.0)
            watched.late_seals += age.late(now)
            if watched.at[-1] >= watched.mornings * _WORK_EVERY:
                watched.mornings += 1
                try:
                    work_day(bank, bank.lake.today())
                except BankloopError as error:
                    watched.stopped.append(error.code)
        watched.others_share = others_share(first, processor_time(ours), psutil.cpu_count() or 1)
