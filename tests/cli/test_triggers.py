"""The commands on triggers: submitted, approved, fired by an event that was told, rehearsed, stopped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bankloop.kit.clock import SystemClock
from bankloop.simulate.service import write_templates
from bankloop.wiring import open_bank, workplace
from bankloop.work.clock import DUTIES, do_duty
from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


def tick(folder: Path) -> None:
    """Let the clock of a bank that serves do what it does at each tick."""
    with open_bank(folder, SystemClock()) as opened:
        for duty in DUTIES:
            if duty.name == "triggers":
                do_duty(workplace(opened), duty, "test")


@pytest.fixture
def started(bank: Path) -> Path:
    """The small bank with the files that every bank begins with."""
    write_templates(bank)
    return bank


def tell(folder: Path, folk: Folk, number: str, kind: str, source: str, customer: str, **fields: object) -> None:
    moment = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    told = {"number": number, "type": kind, "customer_no": customer, "occurred_at": moment, "fields": fields}
    file = folder / "told.jsonl"
    file.write_text(json.dumps(told), encoding="utf-8")
    done = run(folder, "event", "take", str(file), "--source", source, "--as", folk.roles["data_steward"])[1]
    assert done["taken"] == 1, done


def test_a_trigger_is_submitted_approved_fires_once_and_is_stopped(started: Path, folk: Folk) -> None:
    listed = {one["name"]: one["state"] for one in run(started, "trigger", "list")[1]["triggers"]}
    assert listed["receipt-code"] == "draft"
    assert len(listed) == 12
    tell(started, folk, "r-1", "receipt_scan", "pos", "C0001", merchant="m-1")
    assert run(started, "trigger", "submit", "receipt-code")[0] == 0
    for person in ("consumer", "compliance", "checker"):
        done = run(started, "approve", "trigger/receipt-code", "--as", person)
        assert done[0] == 0, done
    assert run(started, "trigger", "show", "receipt-code")[1]["state"] == "in_force"
    # The rehearsal sees what was told before it was in force, and leaves nothing.
    tried = run(started, "trigger", "test", "receipt-code")[1]
    assert (tried["events"], tried["states"]) == (1, {"fired": 1})
    assert run(started, "trigger", "fired")[1]["latest"] == []
    tell(started, folk, "r-2", "receipt_scan", "pos", "C0002", merchant="m-1")
    for _ in range(2):
        tick(started)
    found = run(started, "trigger", "fired", "receipt-code")[1]
    assert [(one["state"], one["effects"][0][:5]) for one in found["latest"]] == [("fired", "task:")]
    assert found["days"][0]["p99_ms"] >= 0
    refused = run(started, "trigger", "submit", "receipt-cod")[1]["error"]
    assert (refused["code"], "receipt-code" in refused["en"]) == ("trigger.unknown", True)
    assert run(started, "trigger", "stop", "receipt-code", "--reason", "enough")[0] == 0
    assert run(started, "trigger", "show", "receipt-code")[1]["state"] == "stopped"
    denied = run(started, "trigger", "stop", "receipt-code", "--reason", "x", "--as", "M00001")[1]["error"]
    assert denied["code"] == "rights.not_allowed"


@pytest.mark.capability("D8")
def test_a_cardless_withdrawal_can_be_used_in_a_trigger(started: Path, folk: Folk) -> None:
    (started / "triggers.yaml").write_text(
        "format: 1\ntriggers:\n  - trigger: cardless\n    title: {zh: 无卡取款, en: cardless}\n"
        "    when: {event: cardless_withdraw, where: 'event_amount >= 500'}\n"
        "    then: [{task: {title: {zh: 协助办卡, en: offer a card}}}]\n",
        encoding="utf-8",
    )
    run(started, "trigger", "submit", "cardless")
    for person in ("consumer", "compliance", "checker"):
        run(started, "approve", "trigger/cardless", "--as", person)
    tell(started, folk, "w-1", "cardless_withdraw", "atm", "C0001", amount="499.99")
    tell(started, folk, "w-2", "cardless_withdraw", "atm", "C0002", amount="500.00")
    tick(started)
    fired = run(started, "trigger", "fired")[1]["latest"]
    assert [(one["event_key"].partition("/")[0], one["state"]) for one in fired] == [("atm", "fired")]
    assert fired[0]["customer_no"] != "C0002"
