"""Brings a database to the newest schema: all pending migrations in one transaction, under an advisory lock.

Revisions are numbers of four digits in the order of the chain. The first migration replaced twenty before it: a database
at the last of those has its schema and is told so; one at an earlier of them, or at one unknown here, is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from bankloop.store.migrations import errors

FIRST = "0021"
# The last of the migrations that the first one replaced; what it left is exactly what the first one makes.
REPLACED = "0020"
# The newest migration, so that an up-to-date database costs one query; a test compares it with the chain.
HEAD = "0033"
MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 4_242_001  # any number no other program uses in this database


def migrate(engine: Engine, finish: Callable[[Connection], None]) -> None:
    """Run what is pending and then ``finish``, all or nothing; a killed migration leaves the database as it was.

    Raises ``EnvironmentFault`` for a database that no migration here leads from.
    """
    with engine.begin() as connection:
        if revision_of(connection) == HEAD:
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = revision_of(connection)
        if found == HEAD:  # another command was faster
            return
        _refuse_a_stranger(found, engine.url.render_as_string(hide_password=True))
        if found == REPLACED:
            connection.execute(text("UPDATE public.alembic_version SET version_num = :first"), {"first": FIRST})
        upgrade(connection, HEAD)
        finish(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the schema that a database is at, None for an empty one."""
    if connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM public.alembic_version"))
    return revision


def counted_as(revision: str) -> str:
    """Return the revision of this chain whose schema a revision has."""
    return FIRST if revision == REPLACED else revision


def upgrade(connection: Connection, revision: str) -> None:
    """Run the pending migrations up to a revision."""
    # Alembic is needed once per schema, not once per command.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _refuse_a_stranger(found: str | None, place: str) -> None:
    if found is None:
        return
    if counted_as(found) < FIRST:
        raise errors.older_schema(place, found, REPLACED)
    if counted_as(found) > HEAD:
        raise errors.newer_schema(place, found, HEAD)
