"""What an installation compiles beforehand is what plans and scores run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_kernels_of_plans_and_scores_lie_compiled_on_disk(tmp_path: Path) -> None:
    here = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = "from bankloop.loop.ready import compile_kernels; compile_kernels()"
    subprocess.run([sys.executable, "-c", done], env=here, check=True, timeout=300)
    kept = {path.name.split("-")[0] for path in tmp_path.rglob("*.nbc")}
    assert {"kernels._evaluate", "kernels._settle", "moves._fill", "sets._best_sets", "forest._score_rows"} <= kept
