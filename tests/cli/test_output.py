"""What is printed arrives, also on a terminal that knows ASCII alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bankloop.cli.application import application

COMMAND = [sys.executable, "-c", "from bankloop.cli import main; main()"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("environment", [ASCII, {"PYTHONIOENCODING": "ascii"}], ids=["locale", "encoding"])
def test_a_terminal_that_knows_ascii_alone_gets_everything(tmp_path: Path, environment: dict[str, str]) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        whole = [*COMMAND, *arguments, "--json"]
        return subprocess.run(whole, env={**os.environ, **environment}, capture_output=True, check=False)

    for done in (run("init", str(tmp_path / "bank")), run("check", "--bank", str(tmp_path / "bank"))):
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout.decode("ascii").splitlines()[-1])
    refused = run("check", "--bank", str(tmp_path))
    assert refused.returncode == 2
    assert refused.stderr.decode("ascii").startswith("spec.no_file: ")
    assert json.loads(refused.stdout.decode("ascii"))["error"]["zh"].startswith("没有文件")


def test_no_command_takes_the_place_of_another() -> None:
    groups = [application, *(one.typer_instance for one in application.registered_groups)]
    assert len(groups) > 10
    for group in groups:
        names = [one.name for one in group.registered_commands]
        assert len(names) == len(set(names)), sorted(names)
