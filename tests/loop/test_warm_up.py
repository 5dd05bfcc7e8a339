"""What an installation compiles beforehand is kept: plans and scores of another process compile nothing again."""

from __future__ import annotations

import json
import subprocess
import sys

_SCRIPT = """
import json
from bankloop.loop.model import forest
from bankloop.loop.reach import kernels, moves, sets
from bankloop.loop.warm_up import compile_kernels
compile_kernels()
found = {}
for module in (kernels, moves, sets, forest):
    for name, made in vars(module).items():
        if getattr(made, "signatures", None):
            found[f"{module.__name__.rpartition('.')[2]}.{name}"] = sum(made.stats.cache_misses.values())
print(json.dumps(found))
"""


def test_what_plans_and_scores_run_is_compiled_once_and_kept() -> None:
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, check=True, text=True, timeout=300)
    misses = json.loads(done.stdout)
    assert {"kernels.evaluate", "kernels.settle", "sets.best_sets", "forest._score_all"} <= set(misses)
    assert not any(misses.values())
