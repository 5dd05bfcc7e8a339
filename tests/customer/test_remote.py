"""The remote centre: batches for the long tail, single care for grade A; nothing without consent, nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.care.remote import maintain_remote
from bankloop.contact.by_hand import log_contact
from bankloop.contact.contracts import Cap, Capacity
from bankloop.contact.delivery import deliver
from bankloop.contact.queries import broken_caps
from bankloop.customer.consent.ledger import append_consents
from bankloop.customer.servicing import RemoteCare, read_policy
from bankloop.kit.errors import ConflictError, SpecError
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.organization.task import open_tasks_for
from tests.contact.decisions import decisions_by_class
from tests.customer.test_consent import word
from tests.customer.test_tiers import holdings, people
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

PROGRAM = system("servicing")
TODAY = date(2026, 6, 30)
CAPS = (Cap("*", 3, 7),)
WORTHY, TAIL = 15, 2_000


@pytest.fixture
def lake(folk: Folk, tmp_path: Path) -> Lake:
    """2,000 of the long tail and 15 worth a call, none with a manager; half may get a push, the rest a text; all consented."""
    numbers = [f"A{n:04d}" for n in range(WORTHY)] + [f"T{n:04d}" for n in range(TAIL)]
    folk.books |= dict.fromkeys(numbers, ("S0001", None, "retail"))
    folk.load()
    made = open_lake(tmp_path, folk.store, system("lake"))
    rows = people(*numbers, "C0001").to_pylist()
    for place, row in enumerate(rows):
        row |= {"push_allowed": place % 2 == 0, "phone_valid": True}
    made.publish("customer", pa.Table.from_pylist(rows, schema_of(CONTRACTS["customer"])), date(2026, 6, 1))
    worth = {f"A{n:04d}": 60_000 + n for n in range(WORTHY)} | {f"T{n:04d}": 100 for n in range(TAIL)}
    made.publish("holding", holdings(**worth, C0001=900_000), date(2026, 6, 1))
    kept = pa.table({"customer_no": [*numbers, "C0001"], "mode": ["digital"] * len(numbers) + ["manager"], "owner_id": [""] * len(numbers) + ["M00001"], "backup_id": [""] * (len(numbers) + 1)})  # fmt: skip
    made.publish("servicing", kept, TODAY)
    with folk.store.begin(PROGRAM) as connection:
        said = {"purpose": "marketing", "stands": True, "said_at": datetime(2026, 1, 1, tzinfo=UTC), "origin": "app"}
        append_consents(connection, pa.Table.from_pylist([{"customer_no": number, **said} for number in numbers]))
    return made


def keep(folk: Folk, lake: Lake, day: date = TODAY, capacities: Sequence[Capacity] = ()) -> RemoteCare:
    ways = ["app_push", "rm_call", "sms"]
    with folk.store.begin(PROGRAM) as connection:
        return maintain_remote(connection, lake, day, "keeping-in-touch@1", ways, CAPS, capacities)


class Sent:
    """A channel that keeps what it is handed."""

    def __init__(self) -> None:
        self.numbers: list[str] = []

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        self.numbers += [one["customer_no"] for one in contacts]


@pytest.mark.capability("C5")
def test_2000_of_the_long_tail_get_a_message_each_and_15_of_grade_a_a_call(folk: Folk, lake: Lake) -> None:
    done = keep(folk, lake)
    assert (done.due, done.calls, sum(done.messages.values()), done.waiting, done.refused) == (2_015, 15, 2_000, 0, {})
    assert done.messages == {"app_push": 1_000, "sms": 1_000}
    sent = Sent()
    assert deliver(folk.store, system("delivery"), sent, lambda _, contacts: contacts).done == 2_000
    assert len(set(sent.numbers)) == 2_000
    with folk.store.begin(folk.who("R00001", "tasks")) as connection:
        mine = open_tasks_for(connection, "R00001", TODAY + timedelta(days=2))
    assert {task.customer_no for task in mine} == {f"A{n:04d}" for n in range(WORTHY)}
    # Each is a decision, and a call that is logged is the contact that was reserved, not a second one.
    with folk.store.begin(folk.who("R00001", "tasks")) as connection:
        log_contact(connection, mine[0].task_id, "interested")
    with folk.store.begin(PROGRAM) as connection:
        assert decisions_by_class(connection) == {("care:remote_care", 0, "marketing"): 2_015}
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 2_015
    again = keep(folk, lake)
    assert (again.due, again.calls, again.messages) == (0, 0, {})
    assert keep(folk, lake, TODAY + timedelta(days=89)).due == 0
    with folk.store.begin(PROGRAM) as connection:
        assert broken_caps(connection, CAPS) == 0


def test_who_said_stop_is_left_alone_and_who_never_consented_is_refused_with_the_reason(folk: Folk, lake: Lake) -> None:
    word(folk, "do_not_contact", True, "A0000", evidence={})
    word(folk, "marketing", False, "T0000", evidence={})
    done = keep(folk, lake)
    assert (done.calls, sum(done.messages.values())) == (14, 1_999)
    assert done.refused["do_not_contact"] == 1
    assert sum(done.refused.values()) == 2


def test_grade_a_beyond_the_seats_waits_and_without_a_seat_all_of_it(folk: Folk, lake: Lake) -> None:
    (lake.folder / "servicing.yaml").write_text(
        "tiers: {1: {mode: digital}}\nremote: {calls_a_seat: 4}\n", encoding="utf-8"
    )
    first = keep(folk, lake)
    assert (first.calls, first.waiting) == (4, 11)
    assert keep(folk, lake, TODAY + timedelta(days=1)).calls == 4  # the next four, by what they hold
    with folk.store.begin(system("later")) as connection:
        connection.execute(text("UPDATE staff SET on_leave = true WHERE staff_id = 'R00001'"))
    assert keep(folk, lake, TODAY + timedelta(days=2)).waiting == 7


def test_a_seat_calls_whatever_managers_may_call_in_a_day_and_takes_none_of_it(folk: Folk, lake: Lake) -> None:
    done = keep(folk, lake, capacities=[Capacity("rm_call", 2), Capacity("sms", 300)])
    assert (done.calls, done.messages["sms"]) == (WORTHY, 300)
    assert done.refused == {"capacity:sms:*": 700}
    with folk.store.begin(PROGRAM) as connection:
        used = connection.execute(text("SELECT channel, used FROM capacity_use")).all()
    assert [tuple(row) for row in used] == [("sms", 300)]


def test_before_keepers_are_assigned_nobody_is_the_centre_s(folk: Folk, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="not_assigned"):
        keep(folk, open_lake(tmp_path, folk.store, system("lake")))


@pytest.mark.parametrize("bad", ["remote: 3", "remote: {every_days: 0}", "remote: {often: 1}"])
def test_a_policy_that_cannot_be_names_its_place(tmp_path: Path, bad: str) -> None:
    (tmp_path / "servicing.yaml").write_text(f"tiers: {{1: {{mode: digital}}}}\n{bad}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"servicing\.yaml:2"):
        read_policy(tmp_path)
