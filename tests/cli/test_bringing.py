"""Bringing files on the command line: questions, options, Ctrl-C at each of them, and files that are not what they should be."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bankloop.cli import bringing
from bankloop.cli.application import application
from bankloop.kit.clock import FixedClock, SystemClock
from bankloop.lake.proposal.contracts import BringQuestion

CUSTOMERS = "客户号,姓名,手机号,性别,开户日期\n1,王伟,13812345678,男,03/04/2020\n2,李芳,13912345678,X,05/06/2021\n"
ACCOUNTS = "账号,客户号,产品类型,余额,开户日期\n1,1,活期,100,2020-01-01\n2,2,余额宝,200,2020-01-01\n"
ANSWERS = {"customer.opened_on.date": "%d/%m/%Y", "customer.marketing_consent": "yes"}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    for name, content in (("customers.csv", CUSTOMERS), ("accounts.csv", ACCOUNTS)):
        (tmp_path / name).write_text(content, encoding="gbk")
    return str(tmp_path / "customers.csv"), str(tmp_path / "accounts.csv")


def init(bank: Path, files: tuple[str, ...], *more: str) -> Any:
    named = [part for one in files for part in ("--from", one)]
    return CliRunner().invoke(application, ["init", str(bank), *named, *more])


def answered(**given: str) -> list[str]:
    return [part for key, value in {**ANSWERS, **given}.items() for part in ("--answer", f"{key}={value}")]


def test_the_files_become_a_bank_that_check_finds_nothing_against(tmp_path: Path, files: tuple[str, str]) -> None:
    bank = tmp_path / "bank"
    done = init(bank, files, "--yes", *answered(), "--answer", "holding.product_class.余额宝=fund", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["trial"]["findings"] == []
    assert found["questions"]["holding.balance_fen.unit"] == "yuan"
    assert found["questions"]["customer.marketing_consent"] == "yes"
    assert (bank / "policies.yaml").exists()
    tried = CliRunner().invoke(application, ["check", "--data", "--bank", str(bank), "--json"])
    assert tried.exit_code == 0, tried.output
    assert json.loads(tried.stdout.strip().splitlines()[-1])["sources"]["customer"]["good"] == 2
    again = init(bank, files, "--yes", *answered())
    assert again.exit_code == 5
    assert "init.already" in again.output


def test_what_may_not_be_proposed_is_named_with_how_to_answer_it(tmp_path: Path, files: tuple[str, str]) -> None:
    done = init(tmp_path / "bank", files, "--yes")
    assert done.exit_code == 2
    assert "--answer customer.opened_on.date=" in done.output
    without = init(tmp_path / "bank", files)
    assert "customer.marketing_consent" in without.output, (
        "no terminal: every question is named, also those with a proposal"
    )
    assert not (tmp_path / "bank").exists()


def test_ctrl_c_at_any_question_leaves_nothing_behind(
    tmp_path: Path, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "at_a_terminal", lambda: True)
    asked: list[str] = []

    def ask(question: BringQuestion) -> str:
        asked.append(question.key)
        if len(asked) > patience:
            raise KeyboardInterrupt
        return question.proposed or question.options[0][0]

    monkeypatch.setattr(bringing, "ask", ask)
    patience = 0
    while True:
        asked.clear()
        done = init(tmp_path / "bank", files)
        if done.exit_code == 0:
            break
        assert done.exit_code == 130
        assert not (tmp_path / "bank").exists()
        patience += 1
    assert patience >= 4
    assert asked == list(dict.fromkeys(asked)), "nothing is asked twice"


def test_the_wrong_file_in_the_wrong_place_is_named_by_its_columns(tmp_path: Path, files: tuple[str, str]) -> None:
    bank = tmp_path / "bank"
    assert init(bank, files, "--yes", *answered()).exit_code == 0
    (place,) = (bank / "data" / "incoming").iterdir()
    (place / "customers.csv").write_text(ACCOUNTS, encoding="gbk")
    tried = CliRunner().invoke(application, ["check", "--data", "--bank", str(bank), "--json"])
    assert tried.exit_code == 3
    found = json.loads(tried.stdout.strip().splitlines()[-1])["findings"]
    wrong = {(one["column"], one["rule"]) for one in found if one["source"] == "customer"}
    assert {("姓名", "missing_column"), ("产品类型", "unknown_column")} <= wrong


def test_half_a_delivery_waits(tmp_path: Path, files: tuple[str, str]) -> None:
    bank = tmp_path / "bank"
    assert init(bank, files, "--yes", *answered()).exit_code == 0
    (place,) = (bank / "data" / "incoming").iterdir()
    (place / ".ok").unlink()
    tried = CliRunner().invoke(application, ["check", "--data", "--bank", str(bank), "--json"])
    assert json.loads(tried.stdout.strip().splitlines()[-1])["waiting"] == [place.name]


@pytest.mark.parametrize("days", [365, -365])
def test_a_clock_that_is_a_year_off_is_met_by_a_bank_or_a_cure(
    tmp_path: Path, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    bank = tmp_path / "bank"
    off = FixedClock(SystemClock().now() + timedelta(days=days))
    monkeypatch.setattr(bringing, "SystemClock", lambda: off)
    assert init(bank, files, "--yes", *answered()).exit_code == 0
    tried = CliRunner().invoke(application, ["check", "--data", "--bank", str(bank)])
    assert ("2027" in tried.output) == (days > 0), tried.output
    assert tried.exit_code == 3
    assert "correct the folder's name" in tried.output or "余额宝" in tried.output


def test_a_day_to_come_in_a_file_s_name_is_not_taken_for_the_data_s(tmp_path: Path) -> None:
    file = tmp_path / "customers_20991231.csv"
    file.write_text(CUSTOMERS, encoding="utf-8")
    done = init(tmp_path / "bank", (str(file),), "--yes", *answered(), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.strip().splitlines()[-1])["trial"]["findings"] == []


def test_an_option_that_says_nothing_is_refused(tmp_path: Path, files: tuple[str, str]) -> None:
    assert "init.answer" in init(tmp_path / "bank", files, "--answer", "yes").output
