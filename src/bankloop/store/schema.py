"""Brings a database to the newest schema: all pending migrations in one transaction, under an advisory lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, text

# The newest migration, so that an up-to-date database costs one query; a test compares it with the chain.
HEAD = "0020"
MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 4_242_001  # any number no other program uses in this database


def migrate(engine: Engine, finish: Callable[[Connection], None]) -> None:
    """Run what is pending and then ``finish``, all or nothing; a killed migration leaves the database as it was."""
    with engine.begin() as connection:
        if revision_of(connection) == HEAD:
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if revision_of(connection) == HEAD:  # another command was faster
            return
        _upgrade(connection)
        finish(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the schema that a database is at, None for an empty one."""
    if connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM public.alembic_version"))
    return revision


def _upgrade(connection: Connection) -> None:
    # Alembic is needed once per schema, not once per command.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
