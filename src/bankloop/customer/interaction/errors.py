"""Refusals of what is handed in wrongly."""

from __future__ import annotations

from bankloop.customer.interaction.contracts import KINDS
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text


def unknown_kind(kind: str) -> InputError:
    """Return the refusal of a kind that there is not."""
    return InputError(
        "interaction.kind",
        Text("没有互动类型“{kind}”；有：{known}", "there is no kind of interaction '{kind}'; there are {known}"),
        kind=kind[:64], known=", ".join(KINDS),
    )  # fmt: skip


def not_yet(key: int) -> InputError:
    """Return the refusal of what is said to happen later than now."""
    return InputError(
        "interaction.future",
        Text("互动 {key} 的时间晚于现在；请核对渠道的时钟", "interaction {key} lies in the future; check the channel's clock"),
        key=key,
    )  # fmt: skip
