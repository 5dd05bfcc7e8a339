"""Rounds by hand: outcomes drawn with a known lift, and decisions and events as the store gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from bankloop.loop import evaluate
from bankloop.loop.evaluate import Outcomes
from bankloop.store.schemas import DECISION_SCHEMA

START = date(2026, 8, 24)
# Nine in the morning in the bank's zone, when the window's plan was issued.
DECIDED = datetime(2026, 8, 24, 1, tzinfo=UTC)


def drawn(n: int = 8_000, lift: float = 0.03, share: float = 0.25, seed: int = 1, round_: int = 1) -> Outcomes:
    """A round in which success depends on what was known before, on the tier, and on being treated."""
    rng = np.random.default_rng(seed)
    control = rng.random(n) < share
    tier = rng.integers(1, 5, n)
    before = np.clip(rng.beta(1, 3, n) * 0.5 + tier * 0.08, 0.01, 0.9)
    meant = rng.random(n) < 0.6
    contacted = meant & ~control
    success = (rng.random(n) < before + lift * contacted).astype(np.float64)
    day = np.where(success > 0, np.minimum(rng.exponential(9.0, n), 29).astype(np.int64), -1)
    worth = np.rint(rng.lognormal(8, 0.6, n))
    channel = np.where(rng.random(n) < 0.5, "sms", "push")
    intended = np.where(meant, channel, "")
    labels = {
        "tier": tier.astype(str),
        "branch": rng.choice(["B001", "B002"], n),
        "channel": intended,
        "action": np.where(meant, np.char.add("card|none|", channel), ""),
    }
    cost = np.where(contacted, 4.0, 0.0)
    steps = {"delivered": contacted, "responded": contacted & (rng.random(n) < 0.1)}
    return Outcomes(
        round_, control, meant, contacted, success, worth, worth * 2, cost, np.zeros(n, bool), steps, before, day, labels
    )  # fmt: skip


def decisions(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Decisions of bind-card, each given by what is special about it."""
    plain = {
        "campaign": "bind-card", "round": 1, "unit_id": "B001", "placement": "outbound", "window_start": START,
        "window_end": START + timedelta(days=29), "lock_digest": "lock", "plan_id": None, "as_of": START - timedelta(days=1),
        "state_digest": "s", "cell": "optimize", "intended_action": "", "issued_action": "", "propensities": "{}",
        "model_versions": "{}", "value_fen": 0, "reasons": [], "due_on": None, "recorded_at": DECIDED,
    }  # fmt: skip
    made = []
    for number, row in enumerate(rows):
        attributes = json.dumps(row.get("attributes", {"tier": 2, "term_maturing_60d": 5_000_000}))
        made.append({"decision_id": str(number), "customer_no": f"C{number}", **plain, **row, "attributes": attributes})
    return pa.Table.from_pylist(made, schema=DECISION_SCHEMA)


def events(rows: Sequence[tuple[str, str, datetime] | tuple[str, str, datetime, str]]) -> pa.Table:
    """Events as (customer, type, moment) with the scene that caused them, where there is one."""
    made = []
    for customer, kind, at, *scene in rows:
        local = (at + timedelta(hours=8)).date()
        made.append({"customer_no": customer, "type": kind, "scene": scene[0] if scene else "", "occurred_on": local, "occurred_at": at})  # fmt: skip
    return pa.Table.from_pylist(made, schema=evaluate.HAPPENED)
