"""Principals and rows that the store's tests share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from bankloop.kit.ids import uuid7
from bankloop.store.contracts import DecisionBatch, Principal

MOMENT = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)


@pytest.fixture
def system() -> Principal:
    """The system at work for the whole bank."""
    return Principal("system", frozenset({"system"}), ("*",), "test")


@pytest.fixture
def branch() -> Principal:
    """A commander of one branch and its sub-branch."""
    return Principal("li", frozenset({"branch"}), ("B01", "B01-1"), "test")


@pytest.fixture
def decisions() -> Callable[..., DecisionBatch]:
    """Make ``n`` decisions over units B00 … B03, customers C0 … in one window."""

    def make(n: int, *, start: int = 0, day: date = date(2026, 6, 30), campaign: str = "bind-card") -> DecisionBatch:
        numbers = range(start, start + n)
        return DecisionBatch(
            pa.table(
                {
                    "decision_id": [str(uuid7(1_780_000_000_000)) for _ in numbers],
                    "campaign": [campaign] * n,
                    "round": pa.array([1] * n, pa.int32()),
                    "customer_no": [f"C{i:07d}" for i in numbers],
                    "unit_id": [f"B{i % 4:02d}" for i in numbers],
                    "placement": ["batch"] * n,
                    "window_start": [day] * n,
                    "window_end": [day] * n,
                    "lock_digest": ["a" * 64] * n,
                    "as_of": [day - timedelta(days=1)] * n,
                    "state_digest": ["b" * 64] * n,
                    "cell": ["optimize"] * n,
                    "intended_action": ["coupon-10|sms"] * n,
                    "issued_action": pa.array([None] * n, pa.string()),
                    "propensities": ['{"":500000,"coupon-10|sms":500000}'] * n,
                    "attributes": ['{"age":34,"name":"中文"}'] * n,
                    "value_fen": list(numbers),
                    "reasons": [["ok", 'quoted "x" \\ end']] * n,
                    "recorded_at": [MOMENT] * n,
                }
            )
        )

    return make


@pytest.fixture
def events() -> Callable[..., pa.Table]:
    """Make ``n`` events of one source, ids from ``start``, on days of May and June."""

    def make(n: int, *, start: int = 0) -> pa.Table:
        numbers = range(start, start + n)
        days = [date(2026, 5, 15) + timedelta(days=i % 40) for i in numbers]
        return pa.table(
            {
                "source": ["app"] * n,
                "event_id": list(numbers),
                "customer_no": [f"C{i:07d}" for i in numbers],
                "unit_id": [f"B{i % 4:02d}" for i in numbers],
                "type": ["login"] * n,
                "occurred_on": days,
                "occurred_at": [datetime(d.year, d.month, d.day, 4, tzinfo=UTC) for d in days],
                "recorded_at": [MOMENT] * n,
            }
        )

    return make
