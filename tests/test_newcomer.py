"""The page of a newcomer is played to the letter: three files of its own become a campaign that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "newcomer.py"
sys.path.insert(0, str(SCRIPT.parent))

from newcomer import MOST_COMMANDS, PAGE, steps  # noqa: E402


def test_the_page_asks_for_few_commands_and_one_file() -> None:
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert [one.file for one in found if one.file] == ["my-bank/campaigns/savers.yaml"]
    commands = [one.command.split()[1] for one in found if one.command]
    assert len(commands) <= MOST_COMMANDS
    assert (commands[0], commands[1], commands[-1]) == ("init", "load", "run")


@pytest.mark.soak
def test_a_newcomer_brings_three_files_and_runs_a_campaign() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--customers", "400"], capture_output=True, text=True, check=False, timeout=1_800
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["failed"], found["files"]) == ("", 1)
    assert found["run"]["decisions"] > 0
    assert found["run"]["contacts"] > 0
