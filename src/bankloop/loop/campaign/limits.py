"""How far one approval goes, as the bank's policies state it."""

from __future__ import annotations

from bankloop.loop.spec import Policies
from bankloop.organization.approval import Limits


def limits_of(policies: Policies, start_days: int | None = None) -> Limits:
    """Return the limits of approval; ``start_days`` replaces the stated term within which a request is started, 0 for none."""
    stated = policies.approval
    return Limits(
        customers=stated.customers,
        money_fen=stated.budget,
        risk=stated.risk.level,
        branches={unit: (limit.customers, limit.budget) for unit, limit in stated.branches.items()},
        decide_days=stated.decide,
        start_days=stated.start if start_days is None else start_days,
        emergency_hours=stated.emergency,
    )
