"""What crosses the door of real time: the answer for who is here now, its ranking, and what the customer made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bankloop.kit.text import Text
from bankloop.loop.audience import UNTOLD
from bankloop.loop.reach import ActionOutcome

# A decision at a slot has a campaign's name behind this, so that no reading of the campaign's rounds takes it for one.
PREFIX = "slot:"
# Where a decision keeps its ranking, beside the attributes that it read: no attribute has a dot in its name.
RANKING = "decision.ranking"
SHOWN = "shown"


class LiveOutcome(StrEnum):
    """What became of an offer that was shown."""

    SHOWN = "shown"
    CLICKED = "clicked"
    DISMISSED = "dismissed"
    DECLINED = "declined"
    ACCEPTED = "accepted"


# Why nothing is shown. Chance, confidence and the experiment are one answer: who is flagged does not show in it.
NOTHING: Mapping[str, Text] = {
    SHOWN: Text("展示", "shown"),
    UNTOLD: Text("本次不展示（不细分原因）", "nothing this time; not told apart further"),
    "no_window": Text("没有开着的方案窗口：先跑一轮方案", "no plan's window is open: run a round first"),
    "no_actions": Text("没有战役在此渠道上有话术", "no campaign has anything to say on this channel"),
    "unknown": Text("昨天的客户状态里没有这位客户", "the customer is not in yesterday's state"),
    "excluded": Text("在标准排除之内：{why}", "left out by a standard exclusion: {why}"),
    "branch": Text("分行本地规则不含这位客户", "left out by the branch's own rule"),
    "nothing_open": Text("没有适合且可用的产品", "no product that suits is open"),
    "nothing_pays": Text("没有值得展示的：按方案价格都不划算", "nothing is worth showing at the plan's prices"),
    "no_room": Text("值得展示的，其预算或库存已用完", "what is worth showing has no budget or stock left"),
    "reached_already": Text(
        "同一优惠七天内在别的渠道触达", "the same offer goes over another channel within seven days"
    ),
    "declined": Text("客户已拒绝或关闭过此优惠", "the customer declined this offer or waved it away"),
    "refused": Text("触达闸拒绝：{why}", "refused at the contact gate: {why}"),
    "consent": Text("{why}", "{why}"),
}


@dataclass(frozen=True, slots=True)
class RankedAction:
    """One action as it stood: its worth, what the plan's prices take of that, whole fen, and what became of it.

    ``charges`` are fen by resource.
    """

    campaign: str
    action: str
    value_fen: int
    charges: Mapping[str, int]
    score_fen: int
    outcome: ActionOutcome

    @property
    def product(self) -> str:
        """Return the key of its product."""
        return self.action.split("|")[0]

    @property
    def channel(self) -> str:
        """Return its channel."""
        return self.action.split("|")[-1]


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """What a slot shows a customer now, or why nothing: ``code`` is a key of ``NOTHING``, ``reason`` its sentence.

    ``decision_id`` names the decision where something is shown; ``known`` says that it had been made before.
    ``said`` is the text with its values filled in. ``ranked`` is empty where why nothing is shown is not told apart.
    """

    customer_no: str
    slot: str
    code: str
    reason: Text
    decision_id: str = ""
    campaign: str = ""
    action: str = ""
    script: str = ""
    said: Text | None = None
    until: date | None = None
    known: bool = False
    ranked: tuple[RankedAction, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotTally:
    """What a slot did since a day: for how many customers it decided, and to show something; what came of it."""

    slot: str
    title: Text
    counts: str
    customers: int
    issued: int
    outcomes: Mapping[str, int]
