"""The commands on events: types listed, a file taken in line by line, what came of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


def test_a_file_of_events_is_taken_in_and_what_does_not_fit_is_said_by_its_line(
    bank: Path, folk: Folk, tmp_path: Path
) -> None:
    steward = ("--as", folk.roles["data_steward"])
    moment = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()

    def line(number: str, customer: str, **fields: object) -> str:
        told = {"number": number, "type": "cardless_withdraw", "customer_no": customer, "occurred_at": moment}
        return json.dumps({**told, "fields": fields}, ensure_ascii=False)

    file = tmp_path / "events.jsonl"
    file.write_text(
        "\n".join([line("c-1", "C0001", amount=10), "", line("c-2", "C-nobody", amount=10)]), encoding="utf-8"
    )
    for taken in (1, 0):
        done = run(bank, "event", "take", str(file), "--source", "atm", *steward)[1]
        assert (done["taken"], done["known"]) == (taken, 1 - taken)
        assert [(one["line"], one["code"]) for one in done["refused"]] == [(3, "event.customer")]
    for broken in (
        '{"number": 1}',
        "[1]",
        "{",
        '{"number": "\\ud800"}',
        line("c-3", "C0001").replace("fields", "felds"),
    ):
        file.write_text(f"{line('c-4', 'C0001', amount=1)}\n{broken}\n", encoding="utf-8")
        code, said = run(bank, "event", "take", str(file), "--source", "atm", *steward)
        assert code != 0
        assert said["error"]["code"] == "event.line"
        assert "2" in said["error"]["zh"]
    for place in (tmp_path / "none.jsonl", tmp_path):
        done = run(bank, "event", "take", str(place), "--source", "atm", *steward)[1]
        assert done["error"]["code"] == "event.unreadable"
    told = {one["source"]: one for one in run(bank, "event", "traffic", *steward)[1]["traffic"]}
    assert (told["atm"]["taken"], told["atm"]["known"], told["atm"]["refused"]) == (1, 1, {"event.customer": 2})
    types = {one["name"]: one for one in run(bank, "event", "types", *steward)[1]["types"]}
    assert types["cardless_withdraw"]["fields"]["amount"] == {"type": "money", "required": True}
