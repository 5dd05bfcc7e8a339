"""Brings events that were told into the lake, where files have brought the others: attributes count both alike."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bankloop.customer.event.rules import read_event_types
from bankloop.lake.service import Lake
from bankloop.organization.principals import system
from bankloop.store.contracts import LakeVersion
from bankloop.store.database import Store, bank_wide
from bankloop.store.history import read_events_told

_COLUMNS = (
    "source",
    "event_id",
    "customer_no",
    "type",
    "occurred_at",
    "recorded_at",
    "channel",
    "scene",
    "amount_fen",
)
# An event that was being taken in while the last ones were brought is among the next; what is there already stays once.
_OVERLAP = timedelta(days=1)


def bring_events(store: Store, lake: Lake, folder: Path) -> LakeVersion | None:
    """Add what was told since the last version of the lake's events, and return the new one, None where nothing is new.

    Interactions that need a consent stay in the store: it may be withdrawn, and a version of the lake does not change.
    """
    types = [one for one in read_event_types(folder).values() if one.consent is None]
    current = lake.manifest.current("event")
    since = None if current is None else current.recorded_at - _OVERLAP
    sources = sorted({source for one in types for source in one.sources})
    with store.begin(system("events")) as connection, bank_wide(connection):
        told = read_events_told(connection, [one.name for one in types], sources, since).select(_COLUMNS)
    if not told.num_rows:
        return None
    version = lake.append("event", told, current.as_of if current else lake.today())
    return None if current is not None and version.version == current.version else version
