"""What a terminal shows: one language at a time, tables that fit, nothing said where there is nothing."""

from __future__ import annotations

import pytest
import typer

from bankloop.cli.application import application
from bankloop.cli.reading import SECTIONS, in_a_line, one_of
from bankloop.cli.screen import NARROWEST, cells, column_widths, fold, one_language, show_table

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
