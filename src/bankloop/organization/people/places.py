"""The units and people whose figures somebody may read one by one; the bank's own figures are everybody's who may read them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from bankloop.organization.people.staff import people
from bankloop.store.contracts import EVERY_UNIT, Principal

# Levels at which a figure is of a unit or of somebody's customers; every other cut is the whole bank's.
OF_UNITS = ("branch", "sub_branch")
OF_STAFF = "manager"
# Below this a figure tells of a person: who sees a part of the bank is not shown it.
SMALLEST = 10
# More staff than a branch has.
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class UnitPlaces:
    """A reader's own units and the staff of those; ``whole`` sees every one of the bank."""

    whole: bool = False
    units: frozenset[str] = field(default_factory=frozenset)
    staff: frozenset[str] = field(default_factory=frozenset)

    def shows(self, level: str, name: str, customers: int) -> bool:
        """Return whether the figure of ``name`` at a level, which is of so many ``customers``, is shown to this reader."""
        if self.whole or level not in (*OF_UNITS, OF_STAFF):
            return True
        own = self.staff if level == OF_STAFF else self.units
        return name in own and self.enough(customers)

    def enough(self, customers: int) -> bool:
        """Return whether a figure of so many of the reader's own customers is shown to them."""
        return self.whole or customers >= SMALLEST


WHOLE_BANK = UnitPlaces(whole=True)


def places_of(connection: Connection, principal: Principal) -> UnitPlaces:
    """Return the places of who acts: their book's is their own alone."""
    if principal.book:
        return UnitPlaces(staff=frozenset({principal.book}))
    if EVERY_UNIT in principal.units:
        return WHOLE_BANK
    staff = people(connection, principal.units, limit=_ALL)
    return UnitPlaces(False, frozenset(principal.units), frozenset(one.staff_id for one in staff))
