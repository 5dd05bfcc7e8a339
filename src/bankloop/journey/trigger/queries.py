"""What became of triggers: each firing, counts and latency by day, why they were held back, the notices they left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from bankloop.journey.trigger.contracts import DayCount, Firing, FiringState, HeldBack, TriggerNotice
from bankloop.kit.text import Text
from bankloop.store.database import principal_of

_FIRINGS = text(
    "SELECT name, event_key, customer_no, unit_id, state, code, reason, effects, occurred_at, accepted_at, fired_at, "
    "due_at FROM trigger_firing WHERE (:name = '' OR name = :name) AND (:customer = '' OR customer_no = :customer) "
    "ORDER BY accepted_at DESC, event_key, name LIMIT :most"
)
# A firing that was put off, or waited whether nothing comes, was not slow: its latency counts from when it was due.
_WAITED = "(extract(epoch FROM fired_at - greatest(accepted_at, due_at)) * 1000)::bigint"
_LATENCY = text(
    f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {_WAITED}), "
    f"percentile_disc(0.99) WITHIN GROUP (ORDER BY {_WAITED}) FROM trigger_firing WHERE accepted_at >= :since"
)
_DAYS = text(
    "SELECT name, (accepted_at AT TIME ZONE :zone)::date AS day, count(*) FILTER (WHERE state = 'fired') AS fired, "
    "count(*) FILTER (WHERE state = 'suppressed') AS suppressed, "
    "percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) AS p50, "
    "percentile_disc(0.99) WITHIN GROUP (ORDER BY waited) AS p99 "
    f"FROM (SELECT *, {_WAITED} AS waited "
    "FROM trigger_firing WHERE accepted_at >= :since) f GROUP BY 1, 2 ORDER BY 2, 1"
)
_HELD = text(
    "SELECT name, code, (array_agg(reason))[1] AS reason, count(*) AS count FROM trigger_firing "
    "WHERE state IN ('suppressed', 'waiting', 'over') AND code <> '' AND accepted_at >= :since "
    "GROUP BY name, code ORDER BY count DESC, name, code"
)
_NOTICES = text(
    "SELECT notice_id, name AS trigger, role, unit_id, customer_no, title, made_at FROM trigger_notice "
    "WHERE role = ANY (:roles) ORDER BY made_at DESC, notice_id DESC LIMIT :most"
)


def firings_of(connection: Connection, name: str = "", customer_no: str = "", most: int = 50) -> list[Firing]:
    """Return what became of a trigger, or of all, the latest first, as far as who asks sees the customers."""
    found = connection.execute(_FIRINGS, {"name": name, "customer": customer_no, "most": most}).mappings()
    return [_firing(row) for row in found]


def days_of_triggers(connection: Connection, since: datetime, zone: str) -> list[DayCount]:
    """Return by trigger and bank-local day how often it fired and was held back, and how fast it was."""
    return [DayCount(*row) for row in connection.execute(_DAYS, {"since": since, "zone": zone})]


def latency_since(connection: Connection, since: datetime) -> tuple[int | None, int | None]:
    """Return the median and the 99th percentile, in ms, from taken in or due to the effect; None where none fired."""
    p50, p99 = connection.execute(_LATENCY, {"since": since}).one()
    return p50, p99


def held_back_since(connection: Connection, since: datetime) -> list[HeldBack]:
    """Return by trigger why it was held back, the most frequent reason first."""
    found = connection.execute(_HELD, {"since": since})
    return [HeldBack(name, code, _said(reason), count) for name, code, reason, count in found]


def notices_for(connection: Connection, most: int = 20) -> list[TriggerNotice]:
    """Return the latest notices to the roles of who asks, of the customers that they see."""
    roles = sorted(principal_of(connection).roles)
    found = connection.execute(_NOTICES, {"roles": roles, "most": most}).mappings()
    return [TriggerNotice(**{**row, "title": _said(row["title"])}) for row in found]


def _firing(row: Mapping[Any, Any]) -> Firing:
    return Firing(
        row["name"],
        row["event_key"],
        row["customer_no"],
        row["unit_id"],
        FiringState(row["state"]),
        row["code"],
        _said(row["reason"]),
        tuple(row["effects"]),
        row["occurred_at"],
        row["accepted_at"],
        row["fired_at"],
        row["due_at"],
    )


def _said(kept: Mapping[str, str]) -> Text:
    return Text(kept.get("zh", ""), kept.get("en", ""))
