"""What crosses the door: the bank that was written, what people did, the lift that is true."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class SimulatedBank:
    """What ``write_bank`` wrote. ``defects`` counts the bad rows by kind, which quarantine should find."""

    folder: Path
    customers: int
    seed: int
    branches: int
    sub_branches: int
    managers: int
    rows: dict[str, int]
    defects: dict[str, int]
    aum_fen: int


@dataclass(frozen=True, slots=True)
class TrueLift:
    """The simulator's intention-to-treat truth over the customers asked about; money in fen over all of them.

    ``lift`` compares with nobody being contacted, ``lift_as_run`` with a control of whom managers call some by hand:
    the second is what a measured difference estimates. ``value_fen`` is incremental contribution after all costs.
    """

    customers: int
    lift: float
    lift_as_run: float
    value_fen: int
    cost_fen: int


RESPONSE_SCHEMA = pa.schema(
    [
        ("customer_no", pa.string()),
        ("action", pa.string()),
        ("channel", pa.string()),
        ("contacted_on", pa.date32()),
        ("delivered", pa.bool_()),
        ("opened", pa.bool_()),
        ("clicked", pa.bool_()),
        ("connected", pa.bool_()),
        ("executed", pa.bool_()),
        ("logged_done", pa.bool_()),
        ("by_hand", pa.bool_()),
        ("success", pa.bool_()),
        ("success_at", pa.timestamp("us", tz="UTC")),
        ("amount_fen", pa.int64()),
        ("attributed_fen", pa.int64()),
        ("contribution_fen", pa.int64()),
        ("new_money_fen", pa.int64()),
        ("displaced_fen", pa.int64()),
        ("cost_fen", pa.int64()),
        ("unsubscribed", pa.bool_()),
        ("complained", pa.bool_()),
    ]
)
EVENT_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("event_id", pa.int64()),
        ("customer_no", pa.string()),
        ("type", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("channel", pa.string()),
        ("scene", pa.string()),
        ("amount_fen", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Response:
    """What the customers of one campaign did, one row each in the order asked (``RESPONSE_SCHEMA``).

    ``logged_done`` is what the staff says, ``executed`` what happened, ``by_hand`` a call nobody instructed: only the
    events are seen by the bank, the columns are the simulator's.
    """

    campaign: str
    goal: str
    table: pa.Table
    events: pa.Table

    @property
    def successes(self) -> int:
        """Return how many met the goal."""
        return int(pc.sum(self.table["success"]).as_py() or 0)
