"""What is under way for a bundle ends when one of its legs closes."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.offering.shelf import ShelfChange, screen
from bankloop.loop.spec import Availability
from bankloop.organization.principals import maker, reviewers, system
from bankloop.organization.task import NO_LIMIT, create_tasks, open_tasks, task_schema
from bankloop.store.history import read_decisions
from tests.loop.gates import STATES
from tests.loop.test_shelf import WEALTH, granted

BUNDLE = "salary-bundle"


@pytest.mark.parametrize(("closed", "left"), [(WEALTH, 0), ("term-deposit-renewal", 2)])
def test_tasks_of_a_bundle_are_withdrawn_when_a_leg_is_off_the_shelf(bank: Bank, closed: str, left: int) -> None:
    path = bank.folder / "campaigns" / "first-wealth.yaml"
    written = path.read_text(encoding="utf-8")
    try:
        path.write_text(written.replace(f"products: [{WEALTH}]", f"products: [{WEALTH}, {BUNDLE}]"), encoding="utf-8")
        opened = Bank(bank.folder, bank.store, bank.lake, bank.clock, STATES)
        submit(opened, maker(), "first-wealth")
        approve_in_turn(opened, reviewers(), "first-wealth")
        loop.run(opened, system(), 1, opened.lake.today())
        spoken_for(opened, 2)
        granted(opened, ShelfChange(closed, Availability(on=False)))
        found = screen(opened, system())
    finally:
        path.write_text(written, encoding="utf-8")
    with bank.store.begin(system()) as connection:
        assert len(open_tasks(connection, BUNDLE)) == left
    assert found.tasks == ({} if left else {"first-wealth": 2})


def spoken_for(bank: Bank, count: int) -> None:
    """Give staff so many of the round's customers as tasks for the bundle."""
    columns = ("decision_id", "customer_no", "unit_id", "campaign")
    with bank.store.begin(system()) as connection:
        about = read_decisions(connection, ["first-wealth"], 1, columns=columns).to_pylist()[:count]
        fixed = {"round": 1, "due_on": bank.lake.today(), "value_fen": 1, "script_version": "v1", "reason": "x"}
        rows = [
            {**fixed, "risk": 0, "licence": "", "kind": "campaign", **one, "action": f"{BUNDLE}|none|rm_call"}
            for one in about
        ]
        made = create_tasks(
            connection, pa.Table.from_pylist(rows, task_schema()), {one["unit_id"]: NO_LIMIT for one in about}
        )
        assert made.created == count
