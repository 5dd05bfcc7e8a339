"""The commands on people and rights: in a person's own name, allowed and refused as the matrix says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bankloop.cli.application import application
from bankloop.organization.rights import MATRIX, ROLES
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

READS = {
    ("people", "list"): "staff.read",
    ("people", "transfers"): "transfer.read",
    ("rights", "list"): "grant.read",
}


@pytest.fixture
def bank(folk: Folk, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the small bank, its database named as an operator names it."""
    (tmp_path / "bank.yaml").write_text("format: 1\ntime_zone: Asia/Shanghai\n", encoding="utf-8")
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", database_url)
    monkeypatch.setenv("BANKLOOP_LANG", "en")
    return tmp_path


def run(bank: Path | None, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a command and return its exit code and its one JSON object."""
    place = ["--bank", str(bank)] if bank else []
    done = CliRunner().invoke(application, [*words, *place, "--json"])
    lines = [line for line in done.output.splitlines() if line.startswith("{")]
    return done.exit_code, json.loads(lines[-1]) if lines else {}


def test_two_administrators_give_a_role_and_one_takes_it_back(bank: Path) -> None:
    code, asked = run(bank, "rights", "grant", "M00003", "relationship_manager", "--as", "secadmin", "--reason", "new")
    assert code == 0
    number = asked["grants"][0]["grant"]
    code, refused = run(bank, "rights", "approve", number, "--as", "secadmin")
    assert (code, refused["error"]["code"]) == (4, "organization.same_person")
    assert run(bank, "rights", "approve", number, "--as", "secadmin2")[1]["grants"][0]["state"] == "open"
    shown = run(bank, "rights", "list", "--as", "secadmin", "--person", "M00003")[1]["grants"]
    assert [(one["role"], one["state"]) for one in shown] == [("relationship_manager", "open")]
    assert run(bank, "rights", "revoke", number, "--as", "secadmin", "--reason", "left")[0] == 0
    assert run(bank, "people", "list", "--as", "M00003")[1]["error"]["code"] == "rights.no_grant"


def test_a_book_passes_by_two_commands(bank: Path) -> None:
    words = ("people", "transfer", "M00001", "M00002", "--as", "commander", "--reason", "restructured")
    code, asked = run(bank, *words, "--customer", "C0000", "--customer", "C0001")
    assert code == 0
    number = asked["transfers"][0]["transfer"]
    assert run(bank, "people", "approve", number, "--as", "commander")[0] == 4
    assert run(bank, "people", "approve", number, "--as", "branchcheck")[1]["transfers"][0]["moved"] == 2
    # Doing it twice is doing it once.
    assert run(bank, "people", "approve", number, "--as", "branchcheck")[1]["transfers"][0]["moved"] == 2


def test_unmasking_by_command_says_until_when(bank: Path) -> None:
    words = ("rights", "unmask", "C0001", "birth_date", "--as", "M00001", "--reason", "call", "--ticket", "T-9")
    code, found = run(bank, *words)
    assert (code, found["fields"]) == (0, ["birth_date"])
    assert run(bank, *words, "--minutes", "9999")[0] == 2
    assert run(bank, "rights", "unmask", "C0030", *words[3:])[1]["error"]["code"] == "rights.no_customer"


@pytest.mark.parametrize("words", list(READS), ids=" ".join)
def test_reading_commands_answer_as_the_matrix_says(bank: Path, folk: Folk, words: tuple[str, str]) -> None:
    permission = READS[words]
    for role in ROLES:
        allowed = next(c.allowed for c in MATRIX if c.role == role and c.permission == permission)
        code, found = run(bank, *words, "--as", folk.roles[role])
        assert (code == 0) == allowed, role
        assert allowed or found["error"]["code"] == "rights.not_allowed"


def test_a_branch_lists_its_own_staff_only(bank: Path) -> None:
    found = run(bank, "people", "list", "--as", "commander")[1]["people"]
    assert {one["unit"] for one in found} == {"B001", "S0001", "S0002"}
    assert run(bank, "people", "list", "--as", "commander", "--unit", "B002")[1]["people"] == []


def test_the_matrix_needs_no_bank() -> None:
    code, found = run(None, "rights", "matrix", "--role", "auditor")
    assert code == 0
    assert len(found["cells"]) == sum(cell.role == "auditor" for cell in MATRIX)
    assert run(None, "rights", "matrix", "--role", "root")[1]["error"]["code"] == "rights.unknown_role"


def test_a_legal_hold_is_placed_listed_and_released_by_compliance(bank: Path) -> None:
    code, held = run(bank, "audit", "hold", "customer/C0001", "--reason", "lawsuit", "--as", "compliance")
    assert (code, [(one["kind"], one["id"], one["reason"]) for one in held["holds"]]) == (
        0,
        [("customer", "C0001", "lawsuit")],
    )
    number = held["holds"][0]["hold"]
    assert run(bank, "audit", "hold", "--as", "auditor")[1] == held
    assert run(bank, "audit", "hold", "customer/C0002", "--reason", "x", "--as", "commander")[0] == 4
    assert run(bank, "audit", "hold", "customer/C0001")[1]["error"]["code"] == "hold.words"
    released = run(bank, "audit", "hold", "--release", number, "--reason", "over", "--as", "compliance")
    assert released == (0, {"holds": []})
    assert run(bank, "audit", "purge")[1] == {"purged": {"operation": 0, "security": 0, "access": 0}}
