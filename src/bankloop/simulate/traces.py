"""From what people did to the events a bank would record of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.simulate.contracts import EVENT_SCHEMA
from bankloop.simulate.draw import Ints

# The place of a kind of trace in an event id: add at the end, never reorder.
_KINDS = ("delivered", "opened", "clicked", "connected", "logged_done", "unsubscribed", "complained", "success")
_IDS_PER_CUSTOMER = 16
_NAMES = {
    "app_push": {"delivered": "push_delivered", "opened": "push_open", "clicked": "push_click"},
    "sms": {"delivered": "sms_delivered", "opened": "sms_click", "clicked": ""},
    "wecom": {"delivered": "wecom_read", "opened": "wecom_reply", "clicked": ""},
    "": {"connected": "call_connected", "logged_done": "task_done"},
}


def response_events(table: pa.Table, rows: Ints, campaign: str, round_number: int, goal: str) -> pa.Table:
    """Return the events (``EVENT_SCHEMA``) of a response; the same round gives the same (source, event_id).

    What the bank cannot know (a false log, a call by hand) leaves no trace of its own.
    """
    parts = []
    start = pc.cast(table["contacted_on"], pa.timestamp("us", tz="UTC"))
    for number, kind in enumerate(_KINDS):
        hit = np.flatnonzero(table[kind].to_numpy())
        if not len(hit):
            continue
        taken = table.take(pa.array(hit))
        when = taken["success_at"] if kind == "success" else start.take(pa.array(hit))
        # Local 10:00 and later; contact traces follow one another within the day.
        moment = (
            when if kind == "success" else pc.add(when, pa.scalar((7200 + 600 * number) * 1_000_000, pa.duration("us")))
        )
        parts.append(
            pa.table(
                {
                    "source": pa.array([f"people/{campaign}/{round_number}"] * len(hit), pa.string()),
                    "event_id": rows[hit] * _IDS_PER_CUSTOMER + number,
                    "customer_no": taken["customer_no"],
                    "type": _names(kind, taken["channel"], goal),
                    "occurred_at": moment,
                    "recorded_at": pc.add(moment, pa.scalar(60_000_000, pa.duration("us"))),
                    "channel": taken["channel"],
                    "scene": pa.array([campaign] * len(hit), pa.string()),
                    "amount_fen": taken["amount_fen"] if kind == "success" else pa.nulls(len(hit), pa.int64()),
                }
            ).cast(EVENT_SCHEMA)
        )
    whole = pa.concat_tables(parts) if parts else EVENT_SCHEMA.empty_table()
    return whole.filter(pc.not_equal(whole["type"], "")).combine_chunks()


def _names(kind: str, channel: pa.ChunkedArray, goal: str) -> pa.Array:
    if kind == "success":
        return pa.array([goal] * len(channel), pa.string())
    if kind in ("unsubscribed", "complained"):
        return pa.array([kind.removesuffix("ed").replace("complain", "complaint")] * len(channel), pa.string())
    encoded = channel.combine_chunks().dictionary_encode()
    names = [_NAMES.get(one, {}).get(kind, _NAMES[""].get(kind, "")) for one in encoded.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(encoded.indices)
