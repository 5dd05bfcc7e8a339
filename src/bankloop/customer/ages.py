"""How old a customer is, and what that forbids: an age that nobody knows is no age, and is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow.compute as pc

from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake

# 民法典 17: of age with eighteen. Until then nobody markets or lends to them, draws included.
ADULT = 18
# 个保法 31: whose child is under fourteen consents for them.
GUARDED = 14


def full_years(born: date, today: date) -> int:
    """Return how many full years somebody has lived: born on 29 February, from 1 March of a common year on."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def age_of(lake: Lake, numbers: Sequence[str], today: date) -> int | None:
    """Return the age of a person by the first of their numbers that has a birth date; None where none has."""
    if lake.manifest.current("customer") is None:
        return None
    scope = Scope("consent", None, unmask=frozenset({"birth_date"}), customers=frozenset(numbers))
    found = lake.table("customer", scope).select("customer_no", "birth_date").to_pyarrow().sort_by("customer_no")
    known = pc.drop_null(found["birth_date"])
    return full_years(known[0].as_py(), today) if len(known) else None
