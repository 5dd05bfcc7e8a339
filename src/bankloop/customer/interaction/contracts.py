"""What crosses the door: one interaction as a channel tells it, and what became of those handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bankloop.kit.text import Text

KINDS: Mapping[str, Text] = {
    "wecom_message": Text("企微消息", "WeCom message"),
    "wecom_moment": Text("企微朋友圈互动", "WeCom moment answered"),
    "wecom_group": Text("加入企微群", "WeCom group joined"),
    "live_room": Text("观看直播", "live room watched"),
    "article_read": Text("阅读文章", "article read"),
}


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction: ``key`` is the channel's own number for it, by which it is taken in once; no content is."""

    key: int
    customer_no: str
    kind: str
    channel: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class InteractionsTaken:
    """How many were taken in, were there already, were refused for want of consent, and are of nobody the bank knows."""

    taken: int
    known: int
    refused: int
    unknown: int
