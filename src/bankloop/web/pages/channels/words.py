"""The words of the page of channels."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

CHANNELS: Mapping[str, Text] = {
    "title": Text("渠道", "Channels"),
    "lead": Text(
        "以手机银行为核心（L1），行内渠道（L2）和合作方渠道（L3）环绕；合作方不得接收个人名单。贯通看近 30 天真正发生的事，不看声明。",
        "The mobile bank is the core (L1), around it the bank's own channels (L2) and partners' (L3), who get no list "
        "of people. What a channel is connected for is read from what happened in the last 30 days, not from what is "
        "said.",
    ),
    "where": Text(
        "渠道写在 policies.yaml：level、delivery、feed（报送事件的来源）、per_day、cost_per_thousand。",
        "Channels are written in policies.yaml: level, delivery, feed (sources of events), per_day, cost_per_thousand.",
    ),
}
