"""Where a benchmark's result is kept: with its date, and the machine it was measured on."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bankloop.kit.clock import SystemClock


def keep_result(write: Path, name: str, result: Mapping[str, Any], quick: bool) -> None:
    """Keep one benchmark's result with what a reader needs to judge it; those of the others stay as they were measured."""
    import psutil

    from bankloop import __version__

    kept = json.loads(write.read_text(encoding="utf-8")) if write.exists() else {}
    machine = {
        "processor": platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    entry = {
        "date": SystemClock().now().date().isoformat(), "version": __version__, "quick": quick, "machine": machine,
        "result": dict(result),
    }  # fmt: skip
    write.parent.mkdir(parents=True, exist_ok=True)
    write.write_text(json.dumps({**kept, name: entry}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
