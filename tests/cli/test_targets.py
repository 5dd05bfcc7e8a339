"""The commands of targets and of a branch's own rules."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


def test_a_target_is_set_split_and_shown(bank: Path, folk: Folk) -> None:
    asked = ("target", "set", "Q3", "--total", "10", "--from", "2026-07-01", "--to", "2026-07-31", "--measure", "sales")
    assert run(bank, *asked, "--weights", "B001=60%,B002=30%")[1]["error"]["code"] == "target.weights_sum"
    assert run(bank, *asked, "--weights", "B001")[1]["error"]["code"] == "target.words"
    made = run(bank, *asked, "--weights", "B001=2,B002=1")[1]
    assert made["parts"] == {"B001": 7, "B002": 3}
    commander = ("--as", folk.roles["branch_commander"])
    split = run(bank, "target", "split", made["target"], "B001", "--weights", "S0001=1,S0002=1", *commander)[1]
    assert split["parts"] == {"S0001": 4, "S0002": 3}
    shown = run(bank, "target", "show", made["target"], "B001", *commander)[1]
    assert [(one["holder"], one["amount"], one["reached"]) for one in shown["below"]] == [
        ("S0001", 4, 0),
        ("S0002", 3, 0),
    ]
    assert run(bank, "target", "show", made["target"], "B002", *commander)[1]["error"]["code"] == "target.none"
