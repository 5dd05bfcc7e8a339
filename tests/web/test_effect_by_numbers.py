"""Eighty of a thousand against ten of two hundred, as the API reads a round and the results' page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from bankloop.kit.clock import FixedClock, local_moment
from bankloop.organization.principals import system
from bankloop.store.contracts import DecisionBatch
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.history import append_decisions, append_events, read_decisions
from bankloop.store.registry import read_plans, save_plan
from tests.bankfixture import TEMPLATE, open_small_bank
from tests.web.conftest import Staffed, staff

CAMPAIGN, ROUND = "bind-card", 9
TREATED, CONTROL = 1_000, 200
CONVERTED, OF_THEM_ALONE = 80, 10


@pytest.fixture(scope="module")
def own(store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A bank of this test's own, with a round whose every outcome is known."""
    small = open_small_bank(tmp_path_factory.mktemp("numbers"), store_server, TEMPLATE, clock, "numbers")
    found = staff(small)
    round_by_hand(found)
    with TestClient(found.app):
        yield found
    small.open.store.close()


def round_by_hand(staffed: Staffed) -> None:
    """Store a round over since ten days: its plan, a decision a customer, and what ninety of them did."""
    bank = staffed.small.open
    start = bank.lake.today() - timedelta(days=40)
    last = start + timedelta(days=29)
    moment = local_moment(start, 9, 0, bank.lake.zone)
    with bank.store.begin(system()) as connection:
        like = (
            read_decisions(connection, [CAMPAIGN], 1, columns=("lock_digest", "state_digest"))
            .slice(0, 1)
            .to_pylist()[0]
        )
        plan = next(one for one in read_plans(connection) if CAMPAIGN in one.campaigns)
        share = {"round": ROUND, "control_share": {CAMPAIGN: CONTROL / (CONTROL + TREATED)}}
        ours = replace(plan, plan_id=uuid4(), campaigns=(CAMPAIGN,), window_start=start, window_end=last, summary=share)
        save_plan(connection, ours)
        append_decisions(connection, DecisionBatch(decisions(start, last, moment, like, ours.plan_id)))
        reached = [*range(CONVERTED), *range(TREATED, TREATED + OF_THEM_ALONE)]
        append_events(connection, bound(reached, start + timedelta(days=3), moment + timedelta(days=3)))


def decisions(start: date, last: date, moment: datetime, like: dict[str, str], plan: UUID) -> pa.Table:
    rows = [
        {
            "decision_id": str(uuid4()), "campaign": CAMPAIGN, "round": ROUND, "customer_no": f"N{number:05d}",
            "unit_id": "B001", "placement": "outbound", "window_start": start, "window_end": last, "plan_id": str(plan),
            "as_of": start - timedelta(days=1), **like, "cell": "optimize" if number < TREATED else "control",
            "intended_action": "debit-card-wallet|none|sms", "due_on": last + timedelta(days=1), "recorded_at": moment,
            "issued_action": "debit-card-wallet|none|sms" if number < TREATED else None,
        }
        for number in range(TREATED + CONTROL)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def bound(numbers: list[int], day: date, moment: datetime) -> pa.Table:
    n = len(numbers)
    at = pa.array([moment] * n, pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "source": ["hand"] * n, "event_id": list(range(n)), "customer_no": [f"N{one:05d}" for one in numbers],
            "unit_id": ["B001"] * n, "type": ["first_wallet_payment"] * n, "occurred_on": [day] * n,
            "occurred_at": at, "recorded_at": at,
        }
    )  # fmt: skip


@pytest.mark.capability("A8")
def test_80_of_1000_against_10_of_200_is_inconclusive_by_the_api_and_on_its_page(own: Staffed) -> None:
    asked = own.api("strategist").post(
        f"/api/v1/campaigns/{CAMPAIGN}/evaluate", json={"rounds": [ROUND]}, headers={"idempotency-key": uuid4().hex}
    )
    assert asked.status_code == 202, asked.text
    own.app.state.jobs.wait()
    job = own.api("strategist").get(f"/api/v1/jobs/{asked.json()['job_id']}").json()
    assert job["state"] == "done", job
    kept = own.api("strategist").get("/api/v1/results", params={"campaign": CAMPAIGN}).json()["items"]
    reading = next(one["reading"] for one in kept if one["round"] == ROUND)
    assert reading["verdict"] == "inconclusive", reading["sentence"]
    lift = reading["lift"]
    assert [round(lift[name] * 100, 1) for name in ("value", "low", "high")] == [3.0, -1.2, 6.0]
    page = own.client("strategist").get("/results").text
    told = page[page.index(f"第 {ROUND} 轮") :]
    assert "+3.0" in told
    assert "尚无结论" in told
