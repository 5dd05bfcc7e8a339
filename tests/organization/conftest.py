"""A small bank with people: two branches, four sub-branches, managers with books of ten, one person a role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.people import PeopleReport, keep_people
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES, grants_of, principal_for
from bankloop.store.contracts import Principal
from bankloop.store.database import Store

BOOK = 10
PEOPLE_SYSTEM = system("people", "test")
MANAGERS = {"M00001": "S0001", "M00002": "S0001", "M00003": "S0002", "M00004": "S0003"}
UNITS = {
    "0000": (None, "head_office"),
    "B001": ("0000", "branch"),
    "B002": ("0000", "branch"),
    "S0001": ("B001", "sub_branch"),
    "S0002": ("B001", "sub_branch"),
    "S0003": ("B002", "sub_branch"),
    "S0004": ("B002", "sub_branch"),
}


@dataclass
class Folk:
    """The bank's people: principals by person or role, books by manager, and the source tables to change and load."""

    store: Store
    units: dict[str, tuple[str | None, str]] = field(default_factory=lambda: dict(UNITS))
    managers: dict[str, str] = field(default_factory=lambda: dict(MANAGERS))
    books: dict[str, tuple[str, str | None, str]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def load(self) -> PeopleReport:
        with self.store.begin(PEOPLE_SYSTEM) as connection:
            return keep_people(connection, *self.tables())

    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
        units = [
            {"unit_id": u, "parent_id": p, "kind": k, "line": "*", "name_zh": u, "name_en": u, "says": f"{p}|{k}"}
            for u, (p, k) in self.units.items()
        ]
        posts = {m: (u, "relationship_manager") for m, u in self.managers.items()}
        posts |= {"L00001": ("S0001", "sub_branch_head"), "R00001": ("0000", "remote_seat")}
        staff = [{"staff_id": s, "minutes": 90, "on_leave": False} for s in posts]
        filled = [
            {"staff_id": s, "unit_id": u, "post": p, "line": "retail", "says": f"{u}|{p}"}
            for s, (u, p) in posts.items()
        ]
        books = [
            {"customer_no": c, "line": line, "unit_id": u, "staff_id": s, "says": f"{u}|{s}"}
            for c, (u, s, line) in self.books.items()
        ]
        return tuple(pa.Table.from_pylist(rows) for rows in (units, staff, filled, books))  # type: ignore[return-value]

    def who(self, person: str, purpose: str | None = None, **more: str) -> Principal:
        """Return the principal of a person, or of who holds a role, as the database says now."""
        person = self.roles.get(person, person)
        with self.store.begin(system("signin", "test")) as connection:
            held = grants_of(connection, more.get("acting_for", person))
            purpose = purpose or (sorted(ROLES[held[0].role].purposes)[0] if held else "service")
            return principal_for(connection, person, purpose, **more)  # type: ignore[arg-type]

    def give(self, person: str, role: str, units: tuple[str, ...] = (), lines: tuple[str, ...] = ("*",)) -> None:
        from bankloop.organization.rights import give_role

        with self.store.begin(PEOPLE_SYSTEM) as connection:
            give_role(connection, person, role, units, lines)


@pytest.fixture
def folk(store: Store, tmp_path: Path) -> Folk:
    made = Folk(store)
    for number, (manager, unit) in enumerate(MANAGERS.items()):
        for place in range(BOOK):
            made.books[f"C{number * BOOK + place:04d}"] = (unit, manager, "retail")
    made.books["C0900"] = ("S0001", None, "retail")
    made.books["C0901"] = ("S0004", None, "retail")
    made.books["K0001"] = ("S0001", None, "corporate")
    made.load()
    (tmp_path / "data" / "truth").mkdir(parents=True)
    with store.begin(PEOPLE_SYSTEM) as connection:
        for person in seed_demo_people(connection, tmp_path):
            made.roles.setdefault(person.role, person.person_id)
    return made


@pytest.fixture
def seen(store: Store) -> Callable[[Principal], set[str]]:
    """Return the customers of the book that a principal sees now."""
    from sqlalchemy import text

    def look(principal: Principal) -> set[str]:
        with store.begin(principal) as connection:
            query = text(
                "SELECT customer_no FROM customer_book WHERE valid_from <= bankloop_now() "
                "AND (valid_to IS NULL OR valid_to > bankloop_now())"
            )
            return set(connection.scalars(query))

    return look
