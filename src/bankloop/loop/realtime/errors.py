"""What is refused in real time, each with its cure."""

from __future__ import annotations

from collections.abc import Sequence

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.located import nearest_said
from bankloop.kit.text import Text


def no_slot(name: str, slots: Sequence[str]) -> InputError:
    """Return the refusal of a channel that is no slot, with the nearest one."""
    write = Text("在 policies.yaml 的渠道里写 delivery: slot", "give a channel delivery: slot in policies.yaml")
    return InputError(
        "realtime.no_slot",
        Text("“{name}”不是实时展示位；{cure}", "'{name}' is no slot that is decided while a customer looks; {cure}"),
        name=name,
        cure=nearest_said(name, slots, write),
    )


def no_decision(decision_id: str) -> NotFoundError:
    """Return the refusal of a decision that is not there, not to be seen, or was not made at a slot."""
    return NotFoundError(
        "realtime.no_decision",
        Text(
            "没有这条可见的实时决策 {id}；编号在 bankloop decision now 的结果里",
            "there is no real-time decision {id} that may be seen; bankloop decision now returns its number",
        ),
        id=decision_id[:64],
    )


def not_shown(decision_id: str) -> ConflictError:
    """Return the refusal of an outcome of what was never shown."""
    return ConflictError(
        "realtime.not_shown",
        Text(
            "决策 {id} 没有展示任何内容，因此没有结果可记；只报告展示过的决策",
            "decision {id} showed nothing, so nothing can have come of it; tell outcomes of what was shown",
        ),
        id=decision_id[:64],
    )


def too_early(decision_id: str) -> InputError:
    """Return the refusal of an outcome before its decision."""
    return InputError(
        "realtime.too_early",
        Text(
            "结果的时间早于决策 {id} 本身；更正时间再报送",
            "the outcome lies before its decision {id}; correct its moment and tell it again",
        ),
        id=decision_id[:64],
    )


def refused_outcome(decision_id: str, reason: Text) -> InputError:
    """Return the refusal of an outcome that the door of events does not take in."""
    return InputError(
        "realtime.outcome",
        Text("决策 {id} 的结果没有收下：{reason}", "the outcome of decision {id} is not taken in: {reason}"),
        id=decision_id[:64],
        reason=reason,
    )


def no_outcome(name: str, known: Sequence[str]) -> InputError:
    """Return the refusal of an outcome that there is not, with the nearest one."""
    listed = " ".join(known)
    return InputError(
        "realtime.no_outcome",
        Text("没有“{name}”这种结果；{cure}", "there is no outcome '{name}'; {cure}"),
        name=name[:64],
        cure=nearest_said(name[:64], known, Text(f"可以是 {listed}", f"it is one of {listed}")),
    )
