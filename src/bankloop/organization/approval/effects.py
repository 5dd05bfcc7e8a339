"""What a request does once it has every consent, and what ends with it where it has not: each kind says it once.

An effect happens in the transaction of the consent that completes the request: both, or neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from bankloop.organization.approval.contracts import GRANTED, OPEN, Approval

Effect = Callable[[Connection, Approval], None]


def _nothing(connection: Connection, found: Approval) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Effects:
    """``granted`` when the last consent is given, ``ended`` when an open request is sent back, recalled, void or late."""

    granted: Effect = _nothing
    ended: Effect = _nothing


_EFFECTS: dict[str, Effects] = {}


def have_effect(kind: str, effects: Effects) -> None:
    """Say what requests of a kind do; a kind has one set of effects."""
    if _EFFECTS.setdefault(kind, effects) is not effects:
        raise ValueError(f"what a request of kind {kind} does is said already")


def take_effect(connection: Connection, before: Approval, after: Approval) -> None:
    """Let a request that moved from ``before`` to ``after`` do what its kind does; twice in a state is once."""
    effects = _EFFECTS.get(after.kind)
    if effects is None or not before.open:
        return
    if after.state in GRANTED:
        effects.granted(connection, after)
    elif after.state not in OPEN:
        effects.ended(connection, after)
