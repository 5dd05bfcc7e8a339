"""What was measured, from benchmarks/results.json."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pages.source import RESULTS, cell, page


def benchmarks_page() -> str:
    """Return docs/benchmarks.md from benchmarks/results.json, or say how to make it."""
    lines = [
        "# 基准 · Benchmarks",
        "",
        "每个关于速度的说法都由 `bankloop bench` 重新测量。秒数只对所写的机器有效；比值在同一次运行内得出。",
        "",
        "Every claim about speed is measured again by `bankloop bench NAME --write benchmarks/results.json`, all of them by "
        "`make bench`. Seconds are those of the machine named beside them; ratios are taken within one run.",
        "",
    ]
    if not RESULTS.exists():
        return page(
            [
                *lines,
                "No results are kept yet: `make bench` makes `benchmarks/results.json`, from which this page is written.",
            ]
        )
    for name, kept in json.loads(RESULTS.read_text(encoding="utf-8")).items():
        machine = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in kept["machine"].items())
        size = "quick sizes" if kept["quick"] else "full sizes"
        lines += ["", f"## {name}", "", f"{kept['date']}, bankloop {kept['version']}, {size}; {machine}."]
        lines += ["", "| | |", "|---|---:|"]
        lines += [f"| {key} | {cell(_shown(value))} |" for key, value in _flat(kept["result"])]
    return page(lines)


def _flat(result: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    if not isinstance(result, dict):
        yield prefix or "value", result
        return
    for key, value in result.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}: ")
        else:
            yield name, value


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(inner) for inner in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}"
