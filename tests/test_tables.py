"""Every table has one room, and what another room's code says of it is listed: the list only shrinks.

The owner of a table is where the first migration made it, unless ``MOVED`` says which room it went to since; a later
migration says it itself, as ``ROOM_OF``. Read are the house's SQL texts, f-strings among them, and its Core tables.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import bankloop
from bankloop.store.migrations import versions
from bankloop.store.migrations.first import ROOMS

HOUSE = Path(bankloop.__file__).parent
ATTACKS = HOUSE / "bench" / "attacks"
MIGRATIONS = HOUSE / "store" / "migrations"
BASELINE = Path(__file__).with_name("tables_of_others.txt")
# Which room has now what the first migration made in another one.
MOVED: Mapping[str, tuple[str, ...]] = {
    "store": ("job",),
    "performance": ("target", "target_part", "daily_report", "daily_delivery", "credit_deal", "credit_share"),
    "care": ("work_list",),
    "benefit": ("benefit_grant",),
    "contact": ("contact", "contact_stop", "capacity_use", "offer_declined"),
    # Whoever writes a word down holds the person as the gate does, so the lock is of the lower one of the two.
    "customer": ("contact_customer",),
}
_CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")
# A table, or a list of tables with or without an alias each, behind one of the words that name some.
_ALIAS = r"(?:\s+(?:AS\s+)?\w+)?"
_NAMED = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE|TRUNCATE|TABLE)\s+(?:ONLY\s+)?(\w+)({_ALIAS}(?:\s*,\s*\w+{_ALIAS})*)")
# The house writes SQL's words large, so that no sentence reads like one; a text that begins with a small one is SQL too.
_SMALL = re.compile(r"\s*(?:select|insert into|update|delete from|with)\s[^.]*$")
# A text that runs on the lake's engine, not in the bank's database: its names are views of files.
_ENGINE = re.compile(r"\$\w+|\?|\b(?:SEMI|ANTI) JOIN\b|\blist_contains\b|\bread_parquet\b|\barg_max\b")


def modules_of_versions() -> Iterator[tuple[str, Mapping[str, str], str]]:
    """Yield each later migration's name, what it says of its tables, and its text."""
    for found in pkgutil.iter_modules(versions.__path__):
        module = importlib.import_module(f"{versions.__name__}.{found.name}")
        text = (MIGRATIONS / "versions" / f"{found.name}.py").read_text(encoding="utf-8")
        yield found.name, getattr(module, "ROOM_OF", {}), text


def table_owners() -> dict[str, str]:
    """Return the room of every table."""
    owners = {table: room.name for room in ROOMS for table in _CREATED.findall(room.tables)}
    for _, said, _ in modules_of_versions():
        owners |= said
    return owners | {table: room for room, tables in MOVED.items() for table in tables}


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Yield every text of a module but its docstrings, an f-string whole with ``{}`` in its places."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    inside |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            if isinstance(node.value, str):
                yield node.value
            elif isinstance(node.value, bytes):
                yield node.value.decode("utf-8", "replace")


def tables_in_sql(text: str) -> set[str]:
    """Return the names that a text of the bank's database reads or writes; none of other texts."""
    if _ENGINE.search(text):
        return set()
    found = set()
    for first, more in _NAMED.findall(text if not _SMALL.match(text) else text.upper()):
        found |= {first, *(part.split()[0] for part in more.split(",")[1:])}
    return {name.lower() for name in found}


def tables_in_core(tree: ast.AST) -> set[str]:
    """Return the tables that a module makes, or takes from one that does, as SQLAlchemy's Core has them."""
    found, modules, makers = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy":
            makers |= {alias.asname or alias.name for alias in node.names if alias.name == "Table"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] == "tables":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "tables"}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in modules:
                found.add(name)
            case ast.Call(func=ast.Name(id=maker), args=[ast.Constant(value=str(name)), *_]) if maker in makers:
                found.add(name)
    return found


def references_to_others(owners: Mapping[str, str]) -> set[str]:
    """Return ``module: table`` for every table that a file of another room names."""
    found = set()
    for path in sorted(HOUSE.rglob("*.py")):
        # An attack goes past the rooms: that is what it tries.
        if MIGRATIONS in path.parents or ATTACKS in path.parents:
            continue
        inside = path.relative_to(HOUSE)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = tables_in_core(tree).union(*(tables_in_sql(text) for text in texts_of(tree)))
        found |= {
            f"{'.'.join(inside.with_suffix('').parts)}: {table}"
            for table in named
            if owners.get(table, inside.parts[0]) != inside.parts[0]
        }
    return found


def test_every_table_of_a_later_migration_says_its_room() -> None:
    for name, said, text in modules_of_versions():
        assert set(_CREATED.findall(text)) <= set(said), f"{name}: say ROOM_OF of each table that it makes"


def test_what_moved_is_there_and_every_owner_is_a_room() -> None:
    made = {table for room in ROOMS for table in _CREATED.findall(room.tables)}
    moved = [table for tables in MOVED.values() for table in tables]
    assert set(moved) <= made
    assert len(moved) == len(set(moved))
    assert {room for room in table_owners().values() if not (HOUSE / room / "__init__.py").exists()} == set()


def test_no_file_names_another_room_s_table_but_those_that_are_listed() -> None:
    found = references_to_others(table_owners())
    listed = set(BASELINE.read_text(encoding="utf-8").splitlines())
    assert sorted(found - listed) == [], "ask the room that owns the table"
    assert sorted(listed - found) == [], "put right: take it off the list"
    assert BASELINE.read_text(encoding="utf-8").splitlines() == sorted(listed), "one line each, in order"


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT a FROM contact c LEFT JOIN staff_task t USING (x)", {"contact", "staff_task"}),
        ("DELETE FROM contact AS c, outbox WHERE true", {"contact", "outbox"}),
        ("INSERT INTO outbox (topic) VALUES (1)", {"outbox"}),
        ("UPDATE outbox SET held = NULL", {"outbox"}),
        ("SELECT EXISTS (SELECT FROM ONLY staff s)", {"staff"}),
        ("select count(*) from outbox", {"outbox"}),
        ("SELECT day FROM event WHERE type = $type", set()),
        ("SELECT day FROM event WHERE list_contains(types, type)", set()),
        ("the mail came from account 7 of the bank", set()),
    ],
)
def test_a_text_s_tables_are_found(text: str, tables: set[str]) -> None:
    owned = set(table_owners())
    assert tables_in_sql(text) & owned == tables


def test_an_f_string_and_core_are_read_too() -> None:
    tree = ast.parse(
        "from bankloop.organization.tables import staff_task\n"
        "from bankloop.store import tables\n"
        "from sqlalchemy import Table\n"
        "def f(name): return text(f'SELECT 1 FROM {name} JOIN contact c ON true'), tables.outbox, Table('job', metadata)\n"
    )
    assert {"contact"} <= set().union(*(tables_in_sql(text) for text in texts_of(tree)))
    assert {"staff_task", "outbox", "job"} <= tables_in_core(tree)
