"""What a request does once it has every consent, and what ends with it where it has not: each kind says it once.

What happens ``at once`` is in the transaction of the consent that completes the request: both, or neither. What comes
``later`` is queued in that transaction and done from the queue: the approval stands, and what fails is tried again and seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bankloop.kit.text import Text
from bankloop.organization.approval.contracts import GRANTED, OPEN, Approval
from bankloop.store.outbox import enqueue

EFFECT_TOPIC = "effect"
Effect = Callable[[Connection, Approval], None]
# The open bank comes first: rooms above this one know its type.
Later = Callable[[Any, Connection, Approval], None]


def _nothing(connection: Connection, found: Approval) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Effects:
    """What approval of a kind does: said in words, done at once, later, or by allowing what others ask it for.

    ``granted`` when the last consent is given, ``ended`` when an open request is sent back, recalled, void or late.
    """

    says: Text
    granted: Effect = _nothing
    ended: Effect = _nothing
    later: Later | None = None


_EFFECTS: dict[str, Effects] = {}
# What imports the rooms that say what their kinds do; who only looks at a bank never needs them.
_SPEAKERS: list[Callable[[], object]] = []


def hear(speakers: Callable[[], object]) -> None:
    """Take what lets every kind's room say what its approval does; it is called when a kind is first asked for."""
    _SPEAKERS[:] = [speakers]


def have_effect(kind: str, effects: Effects) -> None:
    """Say what requests of a kind do; a kind has one set of effects."""
    if _EFFECTS.setdefault(kind, effects) is not effects:
        raise ValueError(f"what a request of kind {kind} does is said already")


def effects_of(kind: str) -> Effects:
    """Return what approval of a kind does; nothing is approved of which nobody says it."""
    if kind not in _EFFECTS and _SPEAKERS:
        _SPEAKERS.pop()()
    if kind not in _EFFECTS:
        raise RuntimeError(f"nobody says what approval of a {kind} does: its room is not imported")
    return _EFFECTS[kind]


def take_effect(connection: Connection, before: Approval, after: Approval) -> None:
    """Let a request that moved from ``before`` to ``after`` do what its kind does; twice in a state is once."""
    if not before.open or after.state in OPEN:
        return
    effects = effects_of(after.kind)
    if after.state not in GRANTED:
        effects.ended(connection, after)
        return
    effects.granted(connection, after)
    if effects.later is not None:
        made = str(after.approval_id)
        enqueue(connection, EFFECT_TOPIC, made, after.unit_id, {"approval": made, "kind": after.kind})
