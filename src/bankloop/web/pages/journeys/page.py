"""The cohort grid and the funnels of a day, of the reader's customers alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bankloop.performance.cohorts import Cohort, retention
from bankloop.performance.journeys import Funnel, funnels
from bankloop.report.journeys import Enough, journeys_book
from bankloop.store.contracts import Principal
from bankloop.view.book import Book
from bankloop.web.pages.books.routes import newest_day
from bankloop.web.shell.console import Console


@dataclass(frozen=True, slots=True)
class JourneysSeen:
    """What a reader sees of a day: cohorts, funnels, and how many customers a figure needs for them."""

    day: date
    kept: list[Cohort]
    gone: list[Funnel]
    enough: Enough


def journeys_seen(console: Console, principal: Principal, by: str, day: date | None) -> JourneysSeen:
    """Return cohorts and funnels of a day, the newest by default, over the reader's customers."""
    chosen, bank = min(day or newest_day(console), newest_day(console)), console.bank
    places = console.places_of(principal)
    whose = "" if places.whole else f"{sorted(principal.units)} {principal.book}"
    kept = console.scores.get(
        ("cohorts", chosen, by, whose), lambda: retention(bank, chosen, by, console.seen_by(principal))
    )
    gone = console.scores.get(("funnels", chosen, whose), lambda: funnels(bank, chosen, console.seen_by(principal)))
    return JourneysSeen(chosen, kept, gone, places.enough)


def journeys_page(console: Console, principal: Principal, by: str, group: str | None, day: date | None) -> Book:
    """Return the page's book."""
    seen = journeys_seen(console, principal, by, day)
    return journeys_book(seen.day, by, group, seen.kept, seen.gone, seen.enough)
