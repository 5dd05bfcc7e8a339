"""The commands of credit and of the day's regular work."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


def test_a_joint_sale_is_recorded_and_listed_and_a_manager_may_not_record(bank: Path, folk: Folk) -> None:
    head, manager = ("--as", folk.roles["sub_branch_head"]), ("--as", folk.roles["relationship_manager"])
    sale = ("credit", "record", "J-1", "--customer", "C0000", "--unit", "S0001", "--what", "loan", "--amount", "1000", "--day", "2026-06-30")  # fmt: skip
    mine = (*sale, "--share", "M00001:retail=0.6")
    assert run(bank, *mine, *manager)[1]["error"]["code"] == "rights.not_allowed"
    assert run(bank, *mine, "--share", "M00001:corporate=0.1", *head)[1]["error"]["code"] == "credit.words"
    assert run(bank, *sale, "--share", "M00001=1", *head)[1]["error"]["code"] == "credit.words"
    assert run(bank, *mine, *head)[1]["credited_ppm"] == 600_000
    over = run(bank, *sale, "--share", "M00002:retail=0.5", *head)
    assert (over[0], over[1]["error"]["code"]) == (5, "credit.above_whole")
    year = ("--from", "2026-01-01", "--to", "2026-12-31")
    assert run(bank, "credit", "list", *year, *head)[1]["people"] == [
        {"staff": "M00001", "unit": "S0001", "deals": 1, "share_ppm": 600_000, "fen": 60_000}
    ]
    (deal,) = run(bank, "credit", "list", "--person", "M00001", *year, *head)[1]["deals"]
    assert (deal["key"], deal["fen"], "C0000" in deal["customer"]) == ("J-1", 60_000, False)


def test_the_day_s_work_is_done_part_by_part(bank: Path, folk: Folk) -> None:
    done = run(bank, "daily", "work")[1]["parts"]
    assert done["credit"] == {"recorded": 0, "known": 0, "by_hand": 0}
