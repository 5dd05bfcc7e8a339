"""The metrics' page: the tree of needs, and one metric by unit down to the manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from bankloop.kit.text import Text
from bankloop.loop.evaluate import metric_of
from bankloop.performance.scorecard import metrics_of, scorecard
from bankloop.report.scorecard import drill_table, metric_tables
from bankloop.view.figures import Table
from bankloop.web.shell.console import Console, known

# A page drills to the manager; the customers behind a number are lists, with rights of their own.
_DEEPER = {"bank": "branch", "branch": "sub_branch", "sub_branch": "manager", "manager": None}


@dataclass(frozen=True, slots=True)
class ScorecardPage:
    """The numbers of one day: a table a need, or one metric by the units of a level."""

    answer: Text
    tables: tuple[Table, ...]
    drill: Table | None


def scorecard_page(console: Console, metric: str | None, by: str, within: Mapping[str, str]) -> ScorecardPage | None:
    """Return the page of the newest day that the lake knows; None before the first load."""
    versions = console.bank.lake.manifest.versions("customer")
    if not versions:
        return None
    day = min(console.today, max(one.as_of for one in versions))
    catalogue = metrics_of(console.bank)
    answer = Text(f"{day} 收盘；任何一天都按当天的口径与数据重算，数值不变。", f"As of {day}; any day is counted by its own definitions and files, and keeps its numbers.")  # fmt: skip
    if metric is None:
        found = console.scores.get((day, "bank"), lambda: scorecard(console.bank, day))
        return ScorecardPage(answer, metric_tables(found, catalogue, day), None)
    chosen, next_level = metric_of(catalogue, metric), known(dict(_DEEPER), "by", by)
    key = (day, by, metric, tuple(sorted(within.items())))
    found = console.scores.get(key, lambda: scorecard(console.bank, day, by, within, [metric]))
    deeper = None
    if next_level is not None and by != "bank":
        deeper = "?" + urlencode({"metric": metric, "by": next_level, **within}) + f"&{by}="
    return ScorecardPage(answer, (), drill_table(found, chosen, by, deeper))
