"""Tables and migrations agree; a migration is all or nothing."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.pool import NullPool

import bankloop
from bankloop.kit.clock import FixedClock
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.schema import HEAD, MIGRATIONS

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


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


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
