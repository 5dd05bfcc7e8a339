"""What serving does beside its requests."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from bankloop.kit import FixedClock
from bankloop.organization import account, system
from bankloop.organization.account.sessions import open_session
from bankloop.store import Store, last_check, record_audit
from bankloop.web.upkeep import keep_up


def sessions(store: Store) -> int:
    with store.begin(account.SIGN_IN) as connection:
        return connection.scalar(text("SELECT count(*) FROM session")) or 0


def test_the_trail_is_verified_once_a_day_and_ended_sessions_are_forgotten(store: Store) -> None:
    with store.begin(account.SIGN_IN) as connection:
        open_session(connection, "somebody", account.Step.FULL, "password")
        record_audit(connection, "test.act", "thing", "one", None, None)
    keep_up(store)
    with store.begin(system()) as connection:
        first = last_check(connection)
    assert first is not None
    assert first.ok
    keep_up(store)
    with store.begin(system()) as connection:
        assert last_check(connection) == first
    assert sessions(store) == 1
    store.clock = FixedClock(store.clock.now() + timedelta(days=2))
    keep_up(store)
    with store.begin(system()) as connection:
        again = last_check(connection)
    assert again is not None
    assert again.at > first.at
    assert sessions(store) == 0
