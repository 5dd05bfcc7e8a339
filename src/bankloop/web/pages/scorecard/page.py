"""The metrics' page: the tree of needs, and one metric by unit down to the manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from bankloop.kit.text import Text
from bankloop.loop.evaluate import metric_of
from bankloop.performance.scorecard import customers_by, metrics_of, scorecard
from bankloop.report.scorecard import drill_table, metric_tables
from bankloop.store.contracts import Principal
from bankloop.view.figures import Table
from bankloop.web.shell.console import Console, known

# A page drills to the manager; the customers behind a number are lists, with rights of their own.
_DEEPER = {"bank": "branch", "branch": "sub_branch", "sub_branch": "manager", "manager": None}


@dataclass(frozen=True, slots=True)
class ScorecardPage:
    """The numbers of one day: a table a need, or one metric by the units of a level."""

    answer: Text
    day: date
    tables: tuple[Table, ...]
    drill: Table | None


def scorecard_page(
    console: Console, principal: Principal, metric: str | None, by: str, within: Mapping[str, str], past: date | None
) -> ScorecardPage | None:
    """Return the page of a ``past`` or the newest day that the lake knows, by the reader's own units; None before any.

    A day before the first load is the first one that is known.
    """
    versions = console.bank.lake.manifest.versions("customer")
    if not versions:
        return None
    newest = min(console.today, max(one.as_of for one in versions))
    day = newest if past is None else max(min(past, newest), min(one.as_of for one in versions))
    asked = {"day": day.isoformat()} if day < newest else {}
    catalogue = metrics_of(console.bank)
    answer = Text(f"{day} 收盘；任何一天都按当天的口径与数据重算，数值不变。", f"As of {day}; any day is counted by its own definitions and files, and keeps its numbers.")  # fmt: skip
    if metric is None:
        found = console.scores.get((day, "bank"), lambda: scorecard(console.bank, day))
        more = f"&{urlencode(asked)}" if asked else ""
        return ScorecardPage(answer, day, metric_tables(found, catalogue, day, more), None)
    chosen, next_level = metric_of(catalogue, metric), known(dict(_DEEPER), "by", by)
    key = (day, by, metric, tuple(sorted(within.items())))
    found = console.scores.get(key, lambda: scorecard(console.bank, day, by, within, [metric]))
    places, sizes = console.places_of(principal), {}
    if not places.whole:
        sizes = console.scores.get((day, by, "sizes"), lambda: customers_by(console.bank, day, by))
    shown = [one for one in found if places.shows(by, one.group, sizes.get(one.group, 0))]
    deeper = None
    if next_level is not None and by != "bank":
        deeper = "?" + urlencode({"metric": metric, "by": next_level, **asked, **within}) + f"&{by}="
    return ScorecardPage(answer, day, (), drill_table(shown, chosen, by, deeper, part=len(shown) < len(found)))
