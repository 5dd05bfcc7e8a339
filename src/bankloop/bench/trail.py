"""The trail measured: what a verb's audit row costs sixteen writers, and how fast a long trail is verified."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from bankloop.kit.clock import SystemClock
from bankloop.organization.principals import system
from bankloop.store.audit import record_audit, seal_audit, verify_audit
from bankloop.store.contracts import CampaignRow, StepState
from bankloop.store.database import Store, open_store
from bankloop.store.registry import read_campaign, save_campaign, set_step

WRITERS = 16
# Short slices, on and off in turn, so that a busy moment of the machine falls on both alike.
SLICE = timedelta(seconds=1)
_WRITER = system("bench")

_FILL = text(
    "INSERT INTO audit (principal, verb, object_kind, object_id, before, after, reason, origin, purpose, class) "
    "SELECT 'strategist', 'campaign.submit', 'campaign', 'campaign-' || i % 97, "
    "json_build_object('lock', md5(i::text)), json_build_object('lock', md5((i + 1)::text), 'round', i % 9), "
    "'filled', 'cli root@bank', 'campaign', 'operation' FROM generate_series(1, :rows) i"
)


@dataclass
class _Slice:
    """One slice: writers start together and count what they finished until the moment it ends."""

    store: Store
    on: bool
    done: int = 0

    def run(self) -> float:
        """Return verbs a second."""
        stop, ready, lock = threading.Event(), threading.Barrier(WRITERS + 1), threading.Lock()

        def write(number: int) -> None:
            ready.wait()
            made = 0
            while not stop.is_set():
                act(self.store, number, made, on=self.on)
                made += 1
            with lock:
                self.done += made

        writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        ready.wait()
        began = time.monotonic()
        stop.wait(SLICE.total_seconds())
        stop.set()
        for writer in writers:
            writer.join()
        return self.done / (time.monotonic() - began)


def act(store: Store, number: int, made: int, *, on: bool) -> None:
    """Do what a verb on a campaign does: read its row, write it, write a step, leave the audit row, commit."""
    name = f"bench-{number}"
    with store.begin(_WRITER) as connection:
        before = read_campaign(connection, name)
        save_campaign(connection, CampaignRow(name, "approved", None, made, "bench"))
        set_step(connection, StepState(name, 1, "reach", "done", {"made": made}))
        if on:
            was = {"round": before.round} if before else None
            record_audit(connection, "campaign.submit", "campaign", name, was, {"round": made}, "measured")


def measure(folder: Path, slices: int, rows: int) -> dict[str, Any]:
    """Return verbs a second with and without the audit row, and rows verified a second of a trail of ``rows``."""
    with open_store(folder, SystemClock()) as store:
        for on in (True, False):
            _Slice(store, on).run()  # connections are opened and statements prepared
        speeds: dict[bool, list[float]] = {True: [], False: []}
        for number in range(slices):
            for on in (True, False) if number % 2 else (False, True):
                speeds[on].append(_Slice(store, on).run())
        ratio = median(a / b for a, b in zip(speeds[True], speeds[False], strict=True))
        with store.begin(_WRITER) as connection:
            connection.execute(_FILL, {"rows": rows})
        began = time.monotonic()
        sealed = seal_audit(store)
        sealing = time.monotonic() - began
        began = time.monotonic()
        report = verify_audit(store)
        verifying = time.monotonic() - began
    return {
        "writers": WRITERS,
        "on_per_second": round(median(speeds[True])),
        "off_per_second": round(median(speeds[False])),
        "ratio": round(ratio, 3),
        "rows": report.rows,
        "seal_rows_per_second": round(sealed / sealing),
        "verify_rows_per_second": round(report.rows / verifying),
        "ok": report.ok,
    }
