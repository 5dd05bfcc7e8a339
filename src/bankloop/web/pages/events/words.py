"""The words of the page of events."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

EVENTS: Mapping[str, Text] = {
    "title": Text("事件", "Events"),
    "lead": Text(
        "渠道和系统在事情发生时报送：每个事件按来源的编号只记一次，先到后到都可以；不合类型的单独拒绝并说明原因，其余照收。",
        "Channels and systems tell what happens as it happens: each event is kept once by its source's number, in "
        "whatever order it comes; what does not fit its type is refused with its reason, and the rest is taken in.",
    ),
    "none": Text(
        "近 7 天没有系统报送事件；接口是 POST /api/v1/events，命令是 bankloop event take。",
        "No system told an event in the last 7 days; the door is POST /api/v1/events, the command bankloop event take.",
    ),
    "star": Text("* 必填。银行自己的类型写在 events.yaml。", "* needed. A bank's own types stand in events.yaml."),
}
