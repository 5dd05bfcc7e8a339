"""Every command over ten messy banks: each ends in a result, a question or a cure, and none in a traceback.

What a command asks for is given by its parameters' names: things that are there, and things that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer
from typer.testing import CliRunner

from bankloop.cli.application import application
from bankloop.cli.screen import cells
from bankloop.store.embedded import remove_cluster
from tests.messybanks import DATABASE, MESSY, Messy

pytestmark = [pytest.mark.soak, pytest.mark.bank]
N, LEAST, COLUMNS = 60, 60, 80
# They serve for ever, make a bank of their own, or measure the machine; `restore` is another folder's.
APART = {"serve", "work", "demo", "simulate", "bench", "init", "restore"}
GIVEN = {
    "name": "keep-deposits", "campaign": "keep-deposits", "customer": "6200000", "customer_no": "6200000", "version": "1", "month": "2026-10",
    "day": "2026-11-20", "start": "2026-12-01", "unit": "HQ", "reason": "a test", "comment": "clear", "person": "keeper", "role": "strategist",
    "product": "term-deposit-renewal", "key": "keep-deposits", "kind": "script", "channel": "sms", "purpose": "marketing", "table": "customer",
}  # fmt: skip
OF_KIND = {int: "1", float: "1", datetime: "2026-11-20", UUID: "00000000-0000-7000-8000-000000000000"}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command with the words that call it."""
    inner = getattr(group, "commands", None)
    if inner is None:
        yield path, group
        return
    for name, command in sorted(inner.items()):
        yield from commands(command, (*path, name))


def arguments(command: Any, bank: Path, place: Path) -> list[str]:
    """Return what a command needs, and the bank where it takes one."""
    given: list[str] = []
    for one in command.params:
        if one.name == "bank":
            given += ["--bank", str(bank)]
        elif one.required:
            given += [_value(one, place)] if one.param_type_name == "argument" else [one.opts[0], _value(one, place)]
    return given


def _value(one: Any, place: Path) -> str:
    kind = one.type_descriptor.annotation
    if kind in OF_KIND:
        return OF_KIND[kind]
    if kind is Path:
        return str(place / f"{one.name}.csv")
    return GIVEN.get(str(one.name).rstrip("_"), "nothing-of-the-kind")


@pytest.mark.parametrize("make", MESSY, ids=lambda make: make.__name__)
def test_no_command_ends_in_a_traceback(
    make: Callable[[Path, int], Messy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE, f"sqlite:///{tmp_path / 'core.db'}")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    # Each bank speaks one of the languages, so that both are heard.
    monkeypatch.setenv("BANKLOOP_LANG", ("zh", "en")[MESSY.index(make) % 2])
    messy, bank, runner = make(tmp_path, N), tmp_path / "bank", CliRunner()
    begun = ["init", str(bank), *(part for one in messy.files for part in ("--from", one)), "--yes"]
    begun += [part for key, value in messy.answers.items() for part in ("--answer", f"{key}={value}")]
    try:
        for words in (begun, ["check", "--data", "--bank", str(bank)], ["load", "--bank", str(bank)]):
            done = runner.invoke(application, words)
            assert done.exit_code == 0, (words, done.output)
        broken, wide, walked = {}, {}, 0
        # From the first role on only who is signed in may do anything: that comes last.
        every = sorted(commands(typer.main.get_command(application)), key=lambda one: one[0] == ("rights", "begin"))
        for path, command in every:
            if path[0] in APART:
                continue
            walked += 1
            done = runner.invoke(application, [*path, *arguments(command, bank, tmp_path)], input="")
            if not isinstance(done.exception, SystemExit | None):
                broken[" ".join(path)] = repr(done.exception)
            elif done.exit_code and not done.output.strip():
                broken[" ".join(path)] = "failed without a word"
            # A command that can be typed stays in one line, however long the bank's folder is named.
            lines = (line for line in done.stdout.splitlines() if not line.startswith("  bankloop "))
            if too_wide := [line for line in lines if cells(line) > COLUMNS]:
                wide[" ".join(path)] = too_wide
        assert broken == {}
        assert wide == {}
        assert walked >= LEAST
    finally:
        remove_cluster(bank)
