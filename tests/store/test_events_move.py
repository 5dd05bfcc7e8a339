"""The move of interactions among the events of their channels: told again they are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from tests.store.test_grants_move import superuser

from bankloop.kit.clock import FixedClock
from bankloop.organization.principals import system
from bankloop.store.database import attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.schema import upgrade

MOMENT = datetime(2026, 6, 1, 2, tzinfo=UTC)


def test_interactions_taken_in_before_are_events_of_their_channel(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path
) -> None:
    create_database(store_server, "interactions")
    with superuser(store_server, "interactions") as connection:
        upgrade(connection, "0028")
        connection.execute(text("SELECT bankloop_partition('event', '2026-06-01')"))
        for source, number in (("interaction:wecom", 1), ("interaction:wecom", 2), ("core", 1)):
            connection.execute(text("INSERT INTO event_key VALUES (:s, :n)"), {"s": source, "n": number})
            connection.execute(
                text(
                    "INSERT INTO event VALUES (:s, :n, 'C1', 'S0001', 'wecom_message', '2026-06-01', :at, :at, 'wecom', "
                    "'', NULL, '{}')"
                ),
                {"s": source, "n": number, "at": MOMENT + timedelta(minutes=number)},
            )
    with attach_store(tmp_path, clock, store_server, "interactions") as store, store.begin(system("t")) as connection:
        for table in ("event", "event_key"):
            found = connection.execute(text(f"SELECT source, event_id FROM {table} ORDER BY 1, 2")).all()
            assert [tuple(row) for row in found] == [("core", 1), ("wecom", 1), ("wecom", 2)]
