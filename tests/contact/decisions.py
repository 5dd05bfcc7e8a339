"""What tests ask of the decisions that contacts leave."""

from __future__ import annotations

from sqlalchemy import Connection, text

_BY_CLASS = text("SELECT campaign, round, split_part(placement, '/', 1), count(*) FROM decision GROUP BY 1, 2, 3")


def decisions_by_class(connection: Connection) -> dict[tuple[str, int, str], int]:
    """Return how many decisions there are by campaign, round and class."""
    return {(campaign, number, kind): n for campaign, number, kind, n in connection.execute(_BY_CLASS)}
