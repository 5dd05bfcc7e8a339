"""What a command loads before it answers: its own file of the room, and of the libraries only those that it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from bankloop.cli.application import application
from bankloop.cli.parts import application_of
from bankloop.simulate.service import write_templates
from tests.cli.test_people import bank
from tests.organization.conftest import folk

__all__ = ["bank", "folk"]

# Each takes a tenth of a second or more to load, or brings half of the house along.
HEAVY = {
    "duckdb", "ibis", "lightgbm", "numba", "numpy", "pandas", "pyarrow", "scipy", "sqlglot", "bankloop.contact",
    "bankloop.customer", "bankloop.loop.spec", "bankloop.lake.load", "bankloop.performance", "bankloop.report",
    "bankloop.work",
}  # fmt: skip
# What is asked all day, of an open bank, and computes nothing.
LOOKS = (
    "approvals", "jobs", "rights list --as secadmin", "rights matrix", "people list --as commander",
    "people transfers --as commander", "account list", "audit verify",
)  # fmt: skip
_RUN = (
    "import sys; from bankloop.cli import main\n"
    "try:\n    main()\nfinally:\n    print('loaded:', *sys.modules, file=sys.stderr)"
)


# What is asked of a bank's files and of what was read of its campaigns: who plans and who contacts has no part in it.
READERS = {
    "check": ("duckdb", "ibis", "numba", "pandas", "scipy", "sqlalchemy", "bankloop.contact", "bankloop.loop.reach"),
    "plays": ("duckdb", "ibis", "numba", "pandas", "scipy", "bankloop.contact", "bankloop.loop.reach"),
}


@pytest.mark.parametrize("line", READERS)
def test_what_reads_files_and_results_loads_neither_engines_nor_what_plans(bank: Path, line: str) -> None:
    write_templates(bank)
    assert set(READERS[line]) & loaded_by([line, "--bank", str(bank)]) == set()


@pytest.mark.parametrize("line", LOOKS)
def test_a_look_at_an_open_bank_loads_neither_engines_nor_the_loop(bank: Path, line: str) -> None:
    words = [*line.split(), "--bank", str(bank)] if line != "rights matrix" else line.split()
    assert HEAVY & loaded_by(words) == set()


def loaded_by(words: list[str]) -> set[str]:
    """Return the modules that a command loads, which must succeed."""
    done = subprocess.run([sys.executable, "-c", _RUN, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("loaded:")[2].split())


def test_a_command_that_is_named_is_made_alone_and_is_the_same() -> None:
    whole = typer.main.get_command(application).commands
    for name, command in whole.items():
        made = typer.main.get_command(application_of(name)).commands
        if name == "shell":  # it runs any other
            assert sorted(made) == sorted(whole)
            continue
        assert list(made) == [name]
        assert described(made[name]) == described(command)


@pytest.mark.parametrize("word", ["", "--help", "--version", "peopl"])
def test_what_names_no_command_finds_them_all(word: str) -> None:
    whole = typer.main.get_command(application).commands
    assert sorted(typer.main.get_command(application_of(word)).commands) == sorted(whole)


def described(command: object) -> list[object]:
    """Return a command's name, help and options, and those of what is below it."""
    params = [(param.name, param.opts) for param in getattr(command, "params", ())]
    below = [described(one) for one in getattr(command, "commands", {}).values()]
    return [getattr(command, "name", ""), getattr(command, "help", ""), params, below]
