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
        "Every claim about speed is measured again by `bankloop bench`. Seconds are those of the machine named here; "
        "ratios are taken within one run.",
        "",
    ]
    if not RESULTS.exists():
        return page(
            [
                *lines,
                "No results are kept yet: `make bench` makes `benchmarks/results.json`, from which this page is written.",
            ]
        )
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    quick = ", quick sizes" if kept.get("quick") else ""
    lines += [f"bankloop {kept.get('version', '')}, {kept.get('date', '')}{quick}.", "", "| machine | |", "|---|---|"]
    lines += [f"| {key} | {cell(_shown(value))} |" for key, value in kept.get("machine", {}).items()]
    for key, value in kept.items():
        if key not in ("version", "date", "quick", "machine", "results"):
            lines.append(f"| {key} | {cell(_shown(value))} |")
    for name, result in kept.get("results", {}).items():
        lines += ["", f"## {name}", "", "| | |", "|---|---:|"]
        lines += [f"| {key} | {cell(_shown(value))} |" for key, value in _flat(result)]
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
