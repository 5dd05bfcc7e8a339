"""How old an attribute's data may be, and which of them are older."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bankloop.customer.contracts import Attribute, Catalogue, EventWindow, Fact

# Days since a day that there never was.
_NEVER = 9_999


def stale(catalogue: Catalogue, newest: Mapping[str, date], today: date) -> dict[str, int]:
    """Return the attributes whose data is older than they may be, and by how many days since the data's own day.

    ``newest`` is the day of each table's current version; a table without one makes stale what reads it, 9999 days old.
    """
    ages: dict[str, int] = {}
    for name, attribute in catalogue.attributes.items():
        read = [(today - newest[table]).days if table in newest else _NEVER for table in _tables(attribute)]
        ages[name] = max([*read, *(ages[one] for one in attribute.reads)], default=0)
    return {name: age for name, age in ages.items() if age > catalogue[name].freshness}


def _tables(attribute: Attribute) -> tuple[str, ...]:
    match attribute.body:
        case Fact() as fact:
            return (fact.table,)
        case EventWindow():
            return ("event",)
    return ()
