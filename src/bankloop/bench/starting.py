"""How long a command takes from its being typed: of its own process, and within ``bankloop shell``, on an open bank."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bankloop.simulate.clock import bank_clock
from bankloop.simulate.service import write_bank
from bankloop.store.embedded import remove_cluster
from bankloop.wiring import open_bank

# What somebody asks of a bank in the course of a day; none changes it.
COMMANDS = (
    "check",
    "attributes",
    "approvals",
    "messages",
    "jobs",
    "report",
    "plays",
    "people list --as strategist",
    "people transfers --as strategist",
    "rights list --as secadmin",
    "rights matrix",
    "account list",
    "audit verify",
    "tier --help",
    "customer queue",
    "list show --as strategist",
    "credit list --as strategist",
    "relation --help",
    "power bind-card",
    "--help",
)
_DAY_SEED = 42
# As the installed command starts.
_BANKLOOP = (sys.executable, "-c", "from bankloop.cli import main; main()")


def measure(customers: int, commands: Sequence[str] = COMMANDS) -> dict[str, Any]:
    """Return the median and the longest of the commands' seconds, each run once before, beside ``python -c pass``."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        write_bank(folder, customers, _DAY_SEED)
        try:
            _run(folder, "load")
            nothing = median(_seconds([sys.executable, "-c", "pass"], folder) for _ in range(5))
            # Somebody has the bank open, as ``bankloop serve`` does all day: its database runs.
            with open_bank(folder, bank_clock(folder)):
                for line in commands:  # what it imports is compiled the first time, and kept
                    _run(folder, line)
                cold = {line: _run(folder, line) for line in commands}
                empty, whole = (_session(folder, lines) for lines in ((), commands))
        finally:
            remove_cluster(folder)
    slowest = max(cold, key=cold.__getitem__)
    return {
        "customers": customers,
        "commands": len(commands),
        "python_pass_s": round(nothing, 3),
        "command_median_s": round(median(cold.values()), 3),
        "command_most_s": round(cold[slowest], 3),
        "slowest": slowest,
        "shell_start_s": round(empty, 3),
        "in_shell_mean_s": round((whole - empty) / len(commands), 3),
    }


def _run(folder: Path, line: str) -> float:
    return _seconds([*_BANKLOOP, *line.split()], folder)


def _session(folder: Path, lines: Sequence[str]) -> float:
    return _seconds([*_BANKLOOP, "shell"], folder, "\n".join(lines) + "\n")


def _seconds(words: Sequence[str], folder: Path, typed: str = "") -> float:
    """Return how long a process takes in the bank's folder, whatever it answers."""
    keeping = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    subprocess.run(list(words), cwd=folder, input=typed.encode(), capture_output=True, check=False, env=keeping)  # noqa: S603 - our own interpreter
    return time.monotonic() - began
