"""The daily report as a page: a unit's, as it was told, and the way down to the units below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bankloop.kit.text import Text
from bankloop.organization.people import units
from bankloop.performance.daily import DailyReport, daily_days, daily_of
from bankloop.report.daily import daily_book
from bankloop.report.targets import progress_of
from bankloop.store.contracts import Principal
from bankloop.view.book import Book
from bankloop.web.shell.console import Console
from bankloop.web.shell.tree import sees, top_of


@dataclass(frozen=True, slots=True)
class DailyPage:
    """A unit's report with the days there are, and where it lies in the tree."""

    report: DailyReport
    book: Book
    days: tuple[date, ...]
    above: tuple[str, Text] | None


def daily_page(console: Console, principal: Principal, unit_id: str | None, day: date | None) -> DailyPage | None:
    """Return the report of a unit, of the topmost that somebody leads where None; None where nothing was told yet.

    Raises ``NotFoundError`` for a unit or a day that there is not, or that is not theirs.
    """
    with console.bank.store.begin(principal) as connection:
        tree = {unit.unit_id: unit for unit in units(connection)}
        mine = unit_id or top_of(tree, principal)
        days = daily_days(connection, mine) if mine else ()
        if mine is None or (unit_id is None and not days):
            return None
        report = daily_of(connection, mine, day)
        progress = progress_of(connection, console.bank, mine, report.day)
    parent = tree[mine].parent_id if mine in tree else None
    above = (parent, tree[parent].name) if parent in tree and sees(principal, parent) else None
    book = daily_book(report, {name: unit.name for name, unit in tree.items()}, progress, "daily/")
    return DailyPage(report, book, days, above)
