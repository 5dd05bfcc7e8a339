"""Key dates of a book (重要日子): birthdays and paydays of the customers whom somebody keeps, in the weeks ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from bankloop.care.maturity.contracts import KeyDate
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake

BIRTHDAY, PAYDAY, MATURES = "birthday", "payday", "maturity"
# A birthday leaves this room as a day without its year: how old somebody is stays masked.
_DATES = """
SELECT c.customer_no, c.birth_date, e.payday FROM customer c JOIN asked USING (customer_no)
LEFT JOIN employer e ON e.employer_id = c.employer_id ORDER BY 1
"""


def key_dates(lake: Lake, numbers: Sequence[str], today: date, ahead: int) -> list[KeyDate]:
    """Return the birthdays and paydays of these customers from ``today`` on for ``ahead`` days, the next first.

    The caller judged whose customers they are.
    """
    if not numbers:
        return []
    with lake.connection(Scope.whole_bank("care")) as engine:
        engine.register("asked", pa.table({"customer_no": pa.array(sorted(set(numbers)), pa.string())}))
        rows = engine.execute(_DATES).fetchall()
    found = []
    for number, born, payday in rows:
        if born is not None:
            found.append(KeyDate(number, yearly(born.month, born.day, today), BIRTHDAY))
        if payday is not None:
            found.append(KeyDate(number, monthly(payday, today), PAYDAY))
    until = today + timedelta(days=ahead)
    return sorted((one for one in found if one.day <= until), key=lambda one: (one.day, one.kind, one.customer_no))


def yearly(month: int, day: int, today: date) -> date:
    """Return the next time a day of the year comes, today included; 29 February is the 28th where there is none."""
    for year in (today.year, today.year + 1):
        found = _day(year, month, day)
        if found >= today:
            return found
    raise AssertionError("a day of the year comes every year")


def monthly(day: int, today: date) -> date:
    """Return the next time a day of the month comes, today included; the last day where the month is shorter."""
    here = _day(today.year, today.month, day)
    if here >= today:
        return here
    following = today.replace(day=28) + timedelta(days=4)
    return _day(following.year, following.month, day)


def _day(year: int, month: int, day: int) -> date:
    first = date(year, month, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day, last.day))
