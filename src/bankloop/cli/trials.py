"""What a trial of a bank's files found, as tables.

By source what would load, every finding with its cure, the first rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bankloop.cli.screen import cells, language, say, screen_width, show_table, yuan
from bankloop.kit.errors import DataError
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.lake.trial import DataTrial, SourceTrial

_FEN = "_fen"


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
    """Print the first rows of a source as they would load: as many columns as fit, the others by their number."""
    heads = [name.removesuffix(_FEN) for name in one.columns]
    rows = [[_said(name, cell) for name, cell in zip(one.columns, row, strict=True)] for row in one.preview]
    widths = [max(map(cells, (head, *(row[at] for row in rows)))) for at, head in enumerate(heads)]
    fit = [sum(widths[:n]) + 2 * (n - 1) <= screen_width() for n in range(1, len(widths) + 1)]
    wide = max(fit.count(True), 1)
    left = len(heads) - wide
    more = Text("（另有 {left} 列）", " (and {left} more columns)").filled(left=left).say(language()) if left else ""
    show_table(f"{one.source} → {one.table}{more}", heads[:wide], [row[:wide] for row in rows])


def _said(column: str, cell: str) -> str:
    """Return a cell as people read it: what is stored in fen, in yuan."""
    return yuan(int(cell)) if column.endswith(_FEN) and cell.lstrip("-").isdigit() else cell


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
