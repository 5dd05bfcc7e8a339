"""One window of a round as a value, and what of it the store keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.customer.contracts import State
from bankloop.loop import audience, product, reach, script
from bankloop.loop import evaluate as evaluation
from bankloop.loop.campaign.branch_rule import Narrowed
from bankloop.loop.campaign.locks_in_force import policies_in_force
from bankloop.loop.model import Uplift
from bankloop.loop.spec import Lock, Policies
from bankloop.store.audit import record_audit
from bankloop.store.contracts import AudienceSnapshot, Plan, StepState
from bankloop.store.registry import save_snapshot, set_step
from bankloop.store.verbs import verb


@dataclass(frozen=True, slots=True)
class Window:
    """One dated window of a round, planned: what each step gave, the plan, and the digest of the shelf and the branches' rules it was made of."""

    round: int
    state: State
    locks: Mapping[str, Lock]
    audiences: Mapping[str, audience.Snapshot]
    offers: Mapping[str, product.Offers]
    models: Mapping[str, Uplift]
    plan: reach.DatedPlan
    lot: reach.Lot
    members: pa.Table
    shelf: str = ""
    narrowed: Narrowed = field(default_factory=Narrowed)

    @property
    def policies(self) -> Policies:
        """Return the policies under which it was planned."""
        return policies_in_force(self.locks)


def plain_reading(reading: evaluation.Reading) -> dict[str, object]:
    """Return a reading as it is stored and printed: rates as fractions, money in fen."""
    plain = reading.as_dict()
    plain["verdict"] = reading.verdict.value
    return plain


def stored_plan(
    window: Window, launched: Mapping[str, Mapping[str, object]], rules: Sequence[Mapping[str, object]] = ()
) -> Plan:
    """Return what the store keeps of a window: prices, value, bound, lines, resources, what it said it could find.

    ``rules`` are the bank's own beside the plan, as they were valued beforehand.
    """
    dated = window.plan
    return Plan(
        plan_id=UUID(dated.plan_id),
        campaigns=tuple(window.locks),
        window_start=dated.window_start,
        window_end=dated.window_end,
        as_of=dated.as_of,
        digest=dated.digest,
        prices={line.name: line.price for line in dated.resources},
        value_fen=round(dated.solution.objective),
        bound_fen=round(dated.solution.bound),
        gap_ppm=round(dated.solution.gap * 1_000_000),
        summary={
            "round": window.round,
            # What real time decides by for as long as the window is open.
            "locks": {name: lock.digest for name, lock in window.locks.items()},
            "tariff": reach.plain_tariff(reach.tariff_of(dated)),
            "control_share": {c.campaign: c.control_share for c in dated.candidates.campaigns},
            "launch": {name: dict(one) for name, one in launched.items()},
            "rules": [dict(one) for one in rules],
            "lines": [[line.campaign, line.action, line.customers, line.cost, line.value] for line in dated.lines],
            "resources": [
                [
                    r.name,
                    r.limit if isfinite(r.limit) else None,
                    r.used,
                    r.price,
                    r.holds_from,
                    r.holds_to,
                    r.floor,
                    r.short,
                ]
                for r in dated.resources
            ],
            "conflict": [[b.name, b.group, b.side.value, b.amount] for b in dated.conflict],
        },
    )


def record_steps(connection: Connection, window: Window, index: int, name: str) -> None:
    """Freeze the audience and say of each of the first six steps what it gave."""
    found = window.audiences[name]
    falls = {fall.code: fall.count for fall in found.falls}
    save_snapshot(
        connection,
        AudienceSnapshot(name, window.round, found.digest, {"hit": found.hit, "usable": found.usable, "falls": falls},
                         "decision", str(window.plan.window_start)),
    )  # fmt: skip
    lock = window.locks[name]
    reached = sum(line.customers for line in window.plan.lines if line.campaign == name)
    details: dict[str, dict[str, object]] = {
        "model": {"causal": window.models[name].causal},
        "audience": {"hit": found.hit, "usable": found.usable},
        "product": {p.key: int(window.offers[name].open(p.key).sum()) for p in lock.products},
        "benefit": {b.key: sum(x.customers for x in window.plan.lines if x.benefit == b.key) for b in lock.benefits},
        "script": {s.script: v.version for s in lock.scripts if (v := script.newest_approved(s))},
        "reach": {"reached": reached, "control": int(window.plan.candidates.control[:, index].sum())},
    }
    for step, detail in details.items():
        set_step(connection, StepState(name, window.round, step, "done", detail))


@verb("plan.export")
def record_export(connection: Connection, plan_id: str, part: str, kind: str, rows: int) -> None:
    """Keep that somebody took a part of a plan out as a file."""
    record_audit(connection, "plan.export", "plan", plan_id, None, {"part": part, "format": kind, "rows": rows})
