"""How often somebody did something, counted for all processes on one bank: a window that slides, in two rows a key.

The present window counts whole and the one before by the share of it that still lies within the length, so that
nobody does twice as much across a boundary. Keys are digests; what is refused is not counted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from bankloop.store.database import now_of

_BEFORE = ":share * coalesce((SELECT hits FROM rate_count WHERE key = :key AND began_at = :before), 0)"
_HIT = text(
    "INSERT INTO rate_count AS r (key, began_at, hits) SELECT :key, CAST(:began AS timestamptz), 1 "
    f"WHERE 1 + {_BEFORE} <= :limit ON CONFLICT (key, began_at) DO UPDATE SET hits = r.hits + 1 "
    f"WHERE r.hits + 1 + {_BEFORE} <= :limit RETURNING hits"
)
_FORGET = text("DELETE FROM rate_count WHERE began_at < :before")
# The longest window that anybody counts in, twice.
KEPT = timedelta(hours=2)


def count_hit(connection: Connection, key: str, limit: int, length: timedelta) -> bool:
    """Count one more under a key; return False, without counting, where there were ``limit`` within ``length``."""
    now, seconds = now_of(connection).timestamp(), length.total_seconds()
    began = now // seconds * seconds
    values = {
        "key": key,
        "limit": limit,
        "share": 1 - (now - began) / seconds,
        "began": datetime.fromtimestamp(began, UTC),
        "before": datetime.fromtimestamp(began - seconds, UTC),
    }
    return connection.scalar(_HIT, values) is not None


def forget_counts(connection: Connection) -> int:
    """Forget the counts of windows that are over for everybody, and return how many."""
    return connection.execute(_FORGET, {"before": now_of(connection) - KEPT}).rowcount
