"""What was measured, from benchmarks/results.json."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping

from bankloop.cli.benchmarks import BENCHMARKS
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
        lines += ["", f"## {name}", "", *_about(name)]
        lines += [f"{kept['date']}, bankloop {kept['version']}, {size}; {machine}.", ""]
        lines += _tables(kept["result"])
    return page(lines)


def _about(name: str) -> list[str]:
    """Return what a benchmark measures, in the words of its function."""
    measure = BENCHMARKS.get(name)
    return [] if measure is None else [inspect.getdoc(measure) or "", ""]


def _tables(result: Mapping[str, object]) -> Iterator[str]:
    """Yield a table of all single values, then one of each list of alike rows and of each group of alike ones."""
    rows = {key: _rows(value) for key, value in result.items()}
    single = [(key, value) for key, value in result.items() if not rows[key]]
    if single:
        yield from ("| | |", "|---|---:|")
        yield from (f"| {name} | {cell(_shown(value))} |" for key, value in single for name, value in _flat(value, key))
    for key, found in rows.items():
        if found:
            columns = list(found[0])
            yield from ("", f"`{key}`:", "", f"| {' | '.join(columns)} |", f"|{'---:|' * len(columns)}")
            yield from (f"| {' | '.join(cell(_shown(row[column])) for column in columns)} |" for row in found)


def _rows(value: object) -> list[Mapping[str, object]]:
    """Return the rows of what is better read as a table of its own, else none."""
    if isinstance(value, Mapping) and len(value) > 1 and not _is_interval(value):
        value = [{"": key, **inner} if isinstance(inner, Mapping) else None for key, inner in value.items()]
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(one, Mapping) for one in value):
        return []
    return value if len({tuple(one) for one in value}) == 1 and not any(_is_interval(one) for one in value) else []


def _is_interval(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"mean", "low", "high"}


def _flat(value: object, name: str) -> Iterator[tuple[str, object]]:
    if not isinstance(value, Mapping) or _is_interval(value):
        yield name, value
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{name}: {key}")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        if _is_interval(value):
            return f"{_shown(value['mean'])} [{_shown(value['low'])}, {_shown(value['high'])}]"
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(inner) for inner in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return (
        f"{int(value):,}" if isinstance(value, float) and value.is_integer() and abs(value) >= 1_000 else f"{value:,}"
    )
