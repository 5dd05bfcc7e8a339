"""The lake's one table: which versions of its tables there are. The rows themselves are files."""

from __future__ import annotations

from bankloop.store.migrations.first.room import APPEND, READ, Access, Room

_TABLES = """
CREATE TABLE lake_version (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text NOT NULL, version text NOT NULL,
    files text[] NOT NULL, rows bigint NOT NULL, digest text NOT NULL, as_of date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CONSTRAINT lake_version_once UNIQUE (table_name, version)
);
"""

LAKE = Room("lake", _TABLES, {"lake_version": Access(READ, loader=APPEND)})
