"""The tutorials are played to the letter, what they show as printed included; a newcomer's three files become a campaign."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "newcomer.py"
sys.path.insert(0, str(SCRIPT.parent))

from newcomer import MOST_COMMANDS, PAGE  # noqa: E402
from tutorials import DOCS, shape, steps  # noqa: E402

PAGES = tuple(f"tutorial/{name}{ending}" for name in ("own-bank", "first-campaign") for ending in (".md", ".zh.md"))


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


@pytest.mark.parametrize("name", PAGES)
def test_a_tutorial_shows_what_every_step_prints(name: str) -> None:
    """Each block of commands that is played has its output; both languages say the same commands."""
    page = (DOCS / name).read_text(encoding="utf-8")
    shown = [one.body for one in steps(page) if one.printed]
    assert len(shown) >= 7
    assert all(body.strip() for body in shown)
    other = (DOCS / name.replace(".zh.md", ".md")).read_text(encoding="utf-8")
    assert [(s.command, s.file, s.printed) for s in steps(page)] == [
        (s.command, s.file, s.printed) for s in steps(other)
    ]


def test_what_varies_is_compared_by_its_shape() -> None:
    assert shape("lock 6fca7b9780933138\n01a229fa-69c1-714c-bcd7-be37c6b6a2a3 \n") == "lock <digest>\n<id>"
    assert shape("12.5 s · 1,024 MB · decisions 135") == "<seconds> · <size> · decisions 135"
    assert shape("C00000056 2026-11-30 12345678") == "C00000056 2026-11-30 12345678"


@pytest.mark.soak
@pytest.mark.parametrize("name", PAGES)
def test_a_tutorial_is_what_is_printed(name: str) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT.with_name("tutorials.py"), name],
        capture_output=True,
        text=True,
        check=False,
        timeout=1_800,
    )
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr
