"""Real time on the command line: slots, a look, a decision, its explanation and its outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bankloop.loop.realtime import DecisionDesk, rank_live
from bankloop.organization.principals import system
from tests.cli.test_people import run
from tests.loop.realtime.conftest import SCREEN, SOME


def test_a_decision_is_made_explained_and_answered_by_commands(live: DecisionDesk, folder: Path) -> None:
    def done(*words: str) -> dict[str, Any]:
        code, found = run(folder, "decision", *words)
        assert code == 0, found
        return found

    people = live.counter().table["customer_no"].to_pylist()[:SOME]
    customer = next(one for one in people if rank_live(live, system(), one, SCREEN).code == "shown")
    looked = done("rank", customer, "--slot", SCREEN)
    made = done("now", customer, "--slot", SCREEN)
    assert (looked["decision_id"], looked["action"], looked["ranked"]) == ("", made["action"], made["ranked"])
    assert done("now", customer, "--slot", SCREEN)["known"]
    assert done("explain", made["decision_id"])["issued"] == made["action"]
    assert done("outcome", made["decision_id"], "declined")["new"]
    assert not done("outcome", made["decision_id"], "declined")["new"]
    assert done("now", customer, "--slot", SCREEN)["code"] == "declined"
    tally = {one["slot"]: one for one in done("slots")["slots"]}[SCREEN]
    assert (tally["customers"], tally["issued"], tally["outcomes"]["declined"]) == (1, 1, 1)
    code, wrong = run(folder, "decision", "outcome", made["decision_id"], "declind")
    assert code != 0
    assert "declined" in wrong["error"]["en"]
    assert run(folder, "decision", "now", customer, "--slot", "sms")[1]["error"]["code"] == "realtime.no_slot"
