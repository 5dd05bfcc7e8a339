"""Tables and migrations agree; a migration is all or nothing, loses no row, and leads from what it knows alone."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool
from tests.store.rowfixture import Rows, fill_every_table, rows_of

import bankloop
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import EnvironmentFault
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.history import append_events
from bankloop.store.migrations.first import ROOMS
from bankloop.store.schema import FIRST, HEAD, MIGRATIONS, REPLACED, revision_of, upgrade

# Stops in the middle of the first migration and waits to be killed.
HALFWAY = """
import sys
import sqlalchemy
from alembic.operations import Operations
from bankloop.store.schema import migrate

run, count = Operations.execute, 0
def halfway(self, statement, **more):
    global count
    count += 1
    run(self, statement, **more)
    if count == 12:
        print("halfway", flush=True)
        sys.stdin.read()
Operations.execute = halfway
migrate(sqlalchemy.create_engine(sys.argv[1]), lambda connection: None)
"""


def every_metadata() -> list[sqlalchemy.MetaData]:
    """Return what the tables of all rooms are declared in."""
    names = [one.name for one in pkgutil.walk_packages(bankloop.__path__, "bankloop.") if one.name.endswith(".tables")]
    found = [importlib.import_module(name).metadata for name in names]
    return [one for at, one in enumerate(found) if one not in found[:at]]


def _named(_name: str | None, kind: str, _parent: object) -> bool:
    return kind != "table" or "_p2" not in str(_name)


def test_tables_and_migrations_agree(store: Store, system: Principal) -> None:
    with store.begin(system, Role.OWNER) as connection:
        connection.execute(text("SELECT bankloop_partition('event', '2026-06-01')"))
        context = MigrationContext.configure(connection, opts={"include_name": _named, "compare_type": True})
        differences = compare_metadata(context, every_metadata())
    assert differences == []


def chain() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def dropped() -> set[str]:
    """The tables that a later migration has done with; its own test says where their rows are."""
    return {table for script in chain().walk_revisions() for table in getattr(script.module, "DROPPED", ())}


def test_head_is_the_newest_migration() -> None:
    assert chain().get_current_head() == HEAD
    assert chain().get_base() == FIRST


def test_revisions_are_numbers_in_the_order_of_the_chain() -> None:
    revisions = [script.revision for script in chain().walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert all(len(revision) == len(REPLACED) and revision.isdigit() for revision in revisions)


def test_every_table_is_of_one_room(store: Store, system: Principal) -> None:
    rooms = [table for room in ROOMS for table in room.access]
    later = [table for script in chain().walk_revisions() for table in getattr(script.module, "ROOM_OF", {})]
    gone = dropped()
    with store.begin(system, Role.OWNER) as connection:
        found = connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
                "AND NOT relispartition AND relname <> 'alembic_version'"
            )
        ).all()
    assert sorted({*rooms, *later} - gone) == sorted(found)
    assert len(rooms + later) == len({*rooms, *later})
    assert [room.name for room in ROOMS] == ["store", "lake", "organization", "customer", "loop"]


def test_a_killed_migration_left_nothing_and_completes(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path
) -> None:
    create_database(store_server, "killed_migration")
    url = attach_url(store_server, "killed_migration")
    child = subprocess.Popen(
        [sys.executable, "-c", HALFWAY, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "halfway\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    child.stdin.close()
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('decision')")) is None
    engine.dispose()
    whole = Principal("t", units=("*",))
    store = attach_store(tmp_path, clock, store_server, "killed_migration")
    with store, store.begin(whole) as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 0


@pytest.fixture
def first_bank(store_server: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    """A database at the first revision with a row in every table."""
    name = f"first_{request.node.name.translate(str.maketrans('[]-', '___'))}"
    create_database(store_server, name)
    with superuser(store_server, name) as connection:
        upgrade(connection, FIRST)
        fill_every_table(connection)
    return name


@contextmanager
def superuser(server: EmbeddedServer, database: str) -> Iterator[Connection]:
    engine = sqlalchemy.create_engine(attach_url(server, database), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def set_revision(connection: Connection, revision: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def lost(before: Rows, after: Rows) -> list[tuple[str, dict[str, Any]]]:
    """The rows that are not there any more, whatever columns were added to them."""
    return [
        (table, row)
        for table, rows in before.items()
        if table not in dropped()
        for row in rows
        if not any(row.items() <= kept.items() for kept in after[table])
    ]


def test_a_bank_of_the_first_revision_is_upgraded_with_its_rows(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path, first_bank: str
) -> None:
    with superuser(store_server, first_bank) as connection:
        before = rows_of(connection)
    assert all(before.values())
    attach_store(tmp_path, clock, store_server, first_bank).close()
    with superuser(store_server, first_bank) as connection:
        assert revision_of(connection) == HEAD
        after = rows_of(connection)
    assert lost(before, after) == []


def test_a_bank_at_the_last_replaced_revision_is_recognised(
    store_server: EmbeddedServer,
    clock: FixedClock,
    tmp_path: Path,
    first_bank: str,
    events: Callable[..., pa.Table],
    system: Principal,
) -> None:
    with superuser(store_server, first_bank) as connection:
        set_revision(connection, REPLACED)
        before = rows_of(connection)
    with attach_store(tmp_path, clock, store_server, first_bank) as opened:
        assert opened.revision() == HEAD
        with superuser(store_server, first_bank) as connection:
            assert lost(before, rows_of(connection)) == []
        with opened.begin(system) as connection:
            assert append_events(connection, events(3)) == 3
            assert connection.scalar(text("SELECT count(*) FROM event_key")) == 4
    attach_store(tmp_path, clock, store_server, first_bank).close()  # and again, as any bank at the head


@pytest.mark.parametrize(
    ("revision", "code", "cure"),
    [
        ("0001", "store.older_schema", "with the earlier bankloop whose schema is 0020"),
        ("0019", "store.older_schema", "with the earlier bankloop whose schema is 0020"),
        ("9999", "store.newer_schema", "install the bankloop that opened it"),
        ("abcd", "store.newer_schema", "install the bankloop that opened it"),
    ],
)
def test_a_bank_that_no_migration_leads_from_is_refused(
    store_server: EmbeddedServer,
    clock: FixedClock,
    tmp_path: Path,
    first_bank: str,
    revision: str,
    code: str,
    cure: str,
) -> None:
    with superuser(store_server, first_bank) as connection:
        set_revision(connection, revision)
        before = rows_of(connection)
    with pytest.raises(EnvironmentFault) as refused:
        attach_store(tmp_path, clock, store_server, first_bank)
    assert refused.value.code == code
    assert cure in refused.value.message.en
    assert first_bank in refused.value.message.zh
    assert store_server.password(store_server.admin) not in refused.value.message.en
    with superuser(store_server, first_bank) as connection:
        assert revision_of(connection) == revision
        assert rows_of(connection) == before


def attach_url(server: EmbeddedServer, database: str) -> str:
    from bankloop.store.sources import EmbeddedSource

    return EmbeddedSource(server, database).admin_url().render_as_string(hide_password=False)


@pytest.mark.parametrize("day", ["2026-01-31", "2026-12-31", "2028-02-29"])
def test_a_month_is_made_once(store: Store, system: Principal, day: str) -> None:
    for _ in range(2):
        with store.begin(system) as connection:
            connection.execute(text("SELECT bankloop_partition('decision', :day)"), {"day": day})
    with store.begin(system) as connection:
        found = connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"decision_p{day[:4]}{day[5:7]}"})
    assert found is not None
