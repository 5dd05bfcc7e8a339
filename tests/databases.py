"""What tests do to the server they share, as its administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from bankloop.store.embedded import EmbeddedServer
from bankloop.store.sources import EmbeddedSource


@contextmanager
def administering(server: EmbeddedServer) -> Iterator[Connection]:
    """A connection of the cluster's administrator, each statement by itself."""
    url = EmbeddedSource(server, "postgres", owns=False).admin_url()
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def copy_database(server: EmbeddedServer, name: str, template: str) -> None:
    """Copy a database file by file, which costs the server that syncs nothing least."""
    with administering(server) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))


def drop_database(server: EmbeddedServer, name: str) -> None:
    """Drop a test's database, whoever still holds a connection to it."""
    with administering(server) as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
