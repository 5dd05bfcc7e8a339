"""Too little memory ends with a sentence and its cure; the least that is stated is enough for a whole round."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bankloop.kit.machine_memory import LEAST_ADDRESSES
from bankloop.store.embedded import remove_cluster

COMMAND = [sys.executable, "-c", "from bankloop.cli import main; main()"]
ENGLISH = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
# What a served bank draws first: the engine that draws takes the most addresses of all.
PICTURE = """
from bankloop.kit.text import Language, Text
from bankloop.view.drawing import draw
from bankloop.view.figures import Bar, Bars, Picture
what = Text("x", "x")
assert draw(Picture("x", what, what, Bars((Bar(what, 1.0, what),))), Language.ZH)
"""
ROUND = (
    ("load",), ("learn", "bind-card"), ("approve", "bind-card", "--model"), ("submit", "bind-card"),
    ("approve", "bind-card", "--as", "consumer", "--comment", "clear and fair"), ("approve", "bind-card", "--as", "compliance"),
    ("approve", "bind-card"), ("plan",), ("run",), ("doctor",),
)  # fmt: skip


def limited(addresses: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))


def run(addresses: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        env={**os.environ, **ENGLISH, "OMP_NUM_THREADS": "1"},
        preexec_fn=limited(addresses),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [("load",), ("learn", "bind-card"), ("plan",), ("run",), ("serve",), ("doctor",)])
@pytest.mark.parametrize("addresses", [LEAST_ADDRESSES - 1, 1 << 30, 300 << 20])
def test_too_little_ends_with_a_sentence_and_not_with_a_library_s_abort(
    words: tuple[str, ...], addresses: int, tmp_path: Path
) -> None:
    done = run(addresses, *words, "--bank", str(tmp_path))
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr.startswith("machine.memory: ulimit -v leaves")
    assert "raise the limit" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
def test_the_least_that_is_stated_is_enough_for_a_round(tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    try:
        assert run(LEAST_ADDRESSES, "simulate", str(bank), "--customers", "2000").returncode == 0
        for words in ROUND:
            done = run(LEAST_ADDRESSES, *words, "--bank", str(bank))
            assert done.returncode == 0 or words == ("doctor",), (words, done.stderr)
            assert "Traceback" not in done.stderr, done.stderr
            assert "machine.memory" not in done.stderr
        drawn = subprocess.run([sys.executable, "-c", PICTURE], preexec_fn=limited(LEAST_ADDRESSES), check=False)
        assert drawn.returncode == 0
    finally:
        remove_cluster(bank)
