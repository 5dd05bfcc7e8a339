"""What a terminal shows: one language at a time, tables that fit, nothing said where there is nothing."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import typer

from bankloop.cli import following
from bankloop.cli.application import application
from bankloop.cli.reading import SECTIONS, in_a_line, one_of
from bankloop.cli.screen import NARROWEST, cells, column_widths, fold, one_language, show_table, yuan
from bankloop.kit.text import Text
from bankloop.organization.approval import Approval, ApprovalState, Stage

NOW = datetime(2026, 11, 30, tzinfo=UTC)

LONG = "a manager's call before the deposit matures, by whoever keeps the customer"


@pytest.fixture(params=["zh", "en"])
def speaks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BANKLOOP_LANG", request.param)
    monkeypatch.setenv("COLUMNS", "80")
    return str(request.param)


def test_a_label_is_said_in_one_language(speaks: str) -> None:
    assert one_language("战役 / campaign") == {"zh": "战役", "en": "campaign"}[speaks]
    assert (
        one_of("装载源文件。Load what has arrived.") == {"zh": "装载源文件。", "en": "Load what has arrived."}[speaks]
    )
    assert one_language("sms / app_push") == "sms / app_push"


def test_a_table_fits_the_screen_and_no_column_is_a_letter_wide(
    speaks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[f"C{n:08d}", LONG, "定存到期承接，客户经理电话", f"{n:,}"] for n in (1, 20_000)]
    show_table("战役 / campaigns", ["客户 / customer", "为什么 / why", "动作 / action", "值 / value"], rows, right=[3])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cells, lines)) <= 80
    assert "C00000001" in lines[3]
    for row in ("a manager's", "定存到期"):
        assert any(row in line for line in lines)


def test_a_table_that_cannot_fit_is_a_list(speaks: str, capsys: pytest.CaptureFixture[str]) -> None:
    heads = [f"列 / column{n}" for n in range(9)]
    assert column_widths(["column"] * 9, [["x" * 30] * 9], 80) is None
    show_table("", heads, [["x" * 30] * 9])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cells, lines)) <= 80
    assert len([line for line in lines if "x" * 30 in line]) == 9


def test_a_table_of_no_rows_says_so(speaks: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_table("作业 / jobs", ["a"], [])
    assert {"zh": "（没有）", "en": "(none)"}[speaks] in capsys.readouterr().out


def test_words_are_folded_and_none_is_lost() -> None:
    for width in range(NARROWEST, 60):
        lines = fold(LONG, width)
        assert max(map(cells, lines)) <= width
        assert " ".join(lines).split() == LONG.split()
    assert fold("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert fold("", 10) == [""]


def test_every_command_stands_under_a_heading_and_in_a_line(speaks: str) -> None:
    commands = typer.main.get_command(application).commands
    named = [name for _, names in SECTIONS.values() for name in names]
    assert sorted(named) == sorted(commands)
    for name, command in commands.items():
        assert 0 < cells(in_a_line(command.help)) <= 80 - 14, name


def test_every_next_step_can_be_typed(speaks: str, capsys: pytest.CaptureFixture[str]) -> None:
    for step in following.STEPS:
        following.say_following(step, Path("a-bank"), campaign="savers", round=2)
    said = capsys.readouterr().out.splitlines()
    assert max(map(cells, said)) <= 80
    typed = [line.strip() for line in said if line.strip().startswith("bankloop ")]
    assert len(typed) >= len(following.STEPS)
    root = typer.main.get_command(application)
    for line in typed:
        _, *words = shlex.split(line.partition("  ")[0])
        command = root
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        if "FILE" not in words:
            assert words[-2:] == ["--bank", "a-bank"], line
        command.make_context("", words, resilient_parsing=False)


def test_whose_consent_is_next_is_said_with_the_command(speaks: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Approval(
        UUID(int=1),
        "campaign",
        "savers",
        "",
        "maker",
        None,
        ApprovalState.SUBMITTED,
        "",
        NOW,
        None,
        route=(Stage.CONSUMER, Stage.FIRST),
    )
    for found, words in (
        (asked, "bankloop approve savers --as consumer --bank a-bank"),
        (replace(asked, state=ApprovalState.CONSUMER_OK, passed=1), "bankloop approve savers --bank a-bank"),
        (replace(asked, state=ApprovalState.APPROVED, passed=2), "bankloop run --bank a-bank"),
        (replace(asked, kind="budget"), "bankloop approve budget/savers --as consumer --bank a-bank"),
    ):
        following.say_consent(found, Path("a-bank"))
        assert words in capsys.readouterr().out
    following.say_consent(replace(asked, state=ApprovalState.KILLED), Path("a-bank"))
    assert capsys.readouterr().out == ""


def test_an_amount_of_a_book_is_in_yuan_to_the_fen() -> None:
    assert [yuan(fen) for fen in (0, 5, -123_456_789)] == ["¥0.00", "¥0.05", "−¥1,234,567.89"]


def test_what_somebody_wrote_is_no_label(speaks: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell is somebody's words, whatever signs it holds; what is said in two languages is a Text."""
    assert one_language("销售 / 服务") == "销售 / 服务"
    show_table("", ["值 / value"], [["余额宝，应为 term_deposit / wealth"], [Text("客户", "customers")]])
    said = capsys.readouterr().out
    assert "余额宝，应为 term_deposit / wealth" in said
    assert ("客户" in said, "customers" in said) == (speaks == "zh", speaks == "en")


def test_lines_of_a_cell_stay_lines() -> None:
    assert fold("first_thing\nsecond", 20) == ["first_thing", "second"]
    assert fold("transfer_out", 10) == ["transfer_", "out"]
    assert fold("renewal|none|rm_call", 14) == ["renewal|none|", "rm_call"]
