"""What a trial of a bank's files found, as tables.

By source what would load, every finding with its cure, the first rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bankloop.cli.screen import language, say, show_table
from bankloop.kit.errors import DataError
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.lake.trial import DataTrial, SourceTrial

# Columns side by side on a terminal; the rest are in the browser and in --json.
_WIDE = 8


def show_trial(trial: DataTrial) -> None:
    """Print what a load would do and what stands against it."""
    rows = [[one.source, one.table, f"{one.read:,}", f"{one.good:,}"] for one in trial.sources]
    heads = ["源 / source", "表 / table", "读 / read", "合格 / good"]
    show_table("试装 / trial", heads, rows, right=[2, 3])
    speaks = language()
    found = [[one.source, one.said.say(speaks)] for one in trial.findings]
    if found:
        show_table(f"问题 / findings: {len(found)}", ["源 / source", ""], found)
    for folder in trial.waiting:
        say(f"等待 .ok / waiting for .ok: {folder}")
    for file in trial.unread:
        say(f"没有来源读它 / no source reads it: {file}")


def show_preview(one: SourceTrial) -> None:
    """Print the first rows of a source as they would load."""
    columns = list(one.columns[:_WIDE])
    more = len(one.columns) - len(columns)
    title = f"{one.source} → {one.table}" + (f" (+{more} 列 / columns)" if more > 0 else "")
    show_table(title, columns, [row[:_WIDE] for row in one.preview])


def plain_trial(trial: DataTrial) -> dict[str, Any]:
    """Return a trial as plain values."""
    return {
        "sources": {
            one.source: {"table": one.table, "files": list(one.files), "read": one.read, "good": one.good}
            for one in trial.sources
        },
        "findings": [
            {
                "source": one.source,
                "file": one.file,
                "column": one.column,
                "rule": one.rule,
                "rows": one.rows,
                "zh": one.said.zh,
                "en": one.said.en,
                "examples": list(one.examples),
            }
            for one in trial.findings
        ],
        "waiting": list(trial.waiting),
        "unread": list(trial.unread),
    }


def findings_left(count: int) -> DataError:
    """Findings that stand against a load."""
    return DataError(
        "check.findings",
        Text(
            "{count} 个问题，见上表；更正 bank.yaml 或文件后再运行 bankloop check --data",
            "{count} findings, listed above; correct bank.yaml or the files and run bankloop check --data again",
        ),
        count=count,
    )
