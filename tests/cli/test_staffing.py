"""The commands of staffing: licences by one and by file, hands by unit, outside staff until their last day."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from bankloop.organization.people import record_leave
from bankloop.simulate.clock import set_clock
from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]

MORNING = datetime(2026, 7, 1, 2, tzinfo=UTC)
TODAY = date(2026, 7, 1)


@pytest.fixture
def staffed_bank(bank: Path, folk: Folk) -> Path:
    set_clock(bank, MORNING)
    folk.give("M00003", "relationship_manager")
    return bank


def sheet(place: Path, *rows: tuple[object, ...]) -> str:
    made, stream = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(stream)
    place.write_bytes(stream.getvalue())
    return str(place)


def unit(found: dict[str, list[dict[str, object]]], name: str) -> dict[str, object]:
    return next(one for one in found["units"] if one["unit_id"] == name)


@pytest.mark.capability("H11")
def test_outside_staff_are_refused_everything_after_their_last_day(staffed_bank: Path) -> None:
    bank = staffed_bank
    words = ("staff", "admit", "M00003", "--company", "某外包公司", "--until", "2026-07-10", "--reason", "campaign")
    own = run(bank, *words, "--sponsor", "M00003", "--as", "sysadmin")
    assert (own[0], own[1]["error"]["code"]) == (2, "outside.bad_sponsor")
    assert run(bank, *words, "--sponsor", "L00001", "--as", "M00003")[0] == 4
    done = run(bank, *words, "--sponsor", "L00001", "--as", "sysadmin")
    assert (done[0], done[1]["sponsor_id"], done[1]["until"]) == (0, "L00001", "2026-07-10")
    assert run(bank, "people", "list", "--as", "M00003")[0] == 0
    set_clock(bank, datetime(2026, 7, 10, 9, tzinfo=UTC))
    assert run(bank, "people", "list", "--as", "M00003")[0] == 0
    set_clock(bank, datetime(2026, 7, 11, 2, tzinfo=UTC))
    code, refused = run(bank, "people", "list", "--as", "M00003")
    assert (code, refused["error"]["code"]) == (4, "outside.over")
    # Who is outside answers for nobody; let in anew, it is as before; a day too far off is none.
    far = run(bank, *words[:5], "--until", "2028-01-01", "--reason", "x", "--sponsor", "L00001", "--as", "sysadmin")
    assert far[1]["error"]["code"] == "outside.bad_until"
    anew = (*words[:5], "--until", "2026-08-01", "--reason", "prolonged", "--as", "sysadmin")
    assert run(bank, *anew, "--sponsor", "L00001")[0] == 0
    assert run(bank, "people", "list", "--as", "M00003")[0] == 0
    shown = run(bank, "staff", "show", "--as", "sysadmin")[1]
    assert [(one["staff_id"], one["until"]) for one in shown["outside"]] == [("M00003", "2026-08-01")]
    assert unit(shown, "S0002")["outside"] == 1
    lent = run(bank, "staff", "admit", "M00004", "--sponsor", "M00003", *anew[3:])
    assert lent[1]["error"]["code"] == "outside.bad_sponsor"


def test_a_file_of_licences_is_recorded_line_by_line_and_twice_is_once(staffed_bank: Path, tmp_path: Path) -> None:
    file = sheet(
        tmp_path / "licences.xlsx",
        ("工号", "资格", "取得", "有效至"),
        ("M00003", "基金从业资格", date(2026, 1, 1), date(2026, 7, 20)),
        ("M00004", "wealth", "2026-01-01", "2026-06-30"),
        ("M99999", "fund", date(2026, 1, 1), date(2027, 1, 1)),
        ("M00003", "training.product", date(2026, 1, 1), "soon"),
        ("M00003", "fund", date(2026, 1, 1), date(2027, 1, 1)),
    )
    code, done = run(staffed_bank, "staff", "licences", file, "--as", "sysadmin")
    assert (code, done["recorded"], done["known"]) == (0, 2, 0)
    assert [one["line"] for one in done["refused"]] == [4, 5, 6]
    again = run(staffed_bank, "staff", "licences", file, "--as", "sysadmin")[1]
    assert (again["recorded"], again["known"], len(again["refused"])) == (0, 2, 3)
    shown = run(staffed_bank, "staff", "show", "--as", "sysadmin")[1]
    assert [(one["staff_id"], one["kind"]) for one in shown["ending"]] == [("M00004", "wealth"), ("M00003", "fund")]
    assert (unit(shown, "S0002")["licensed"], unit(shown, "S0002")["ending"]) == (1, 1)
    assert (unit(shown, "S0003")["licensed"], unit(shown, "S0003")["expired"]) == (0, 1)
    health = run(staffed_bank, "doctor")[1]["findings"]
    [licences] = [one for one in health if one["check"] == "licences"]
    assert (licences["ok"], licences["place"]) == (False, "M00004")
    renewed = ("staff", "license", "M00004", "wealth", "--issued", "2026-06-30", "--until", "2027-06-30")
    assert run(staffed_bank, *renewed, "--as", "sysadmin")[0] == 0
    health = run(staffed_bank, "doctor")[1]["findings"]
    assert [one["ok"] for one in health if one["check"] == "licences"] == [True]
    assert run(staffed_bank, "staff", "licences", sheet(tmp_path / "x.xlsx", ("a", "b")), "--as", "sysadmin")[1]["error"]["code"] == "staffing.no_column"  # fmt: skip


def test_who_is_away_is_no_hand_of_the_day(staffed_bank: Path, folk: Folk) -> None:
    with folk.store.begin(folk.who("system_admin")) as connection:
        record_leave(connection, "M00003", TODAY - timedelta(days=200), TODAY + timedelta(days=200), "long leave")
    found = unit(run(staffed_bank, "staff", "show", "--as", "commander")[1], "S0002")
    assert (found["people"], found["at_work"], found["minutes"]) == (1, 0, 0)
