"""The words of the calendar."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

CALENDAR: Mapping[str, Text] = {
    "title": Text("营销日历", "Calendar of campaigns"),
    "free": Text(
        "今后各周没有冲突：没有客户会被不同日期的战役选中超过频次上限。",
        "No conflict in the weeks to come: campaigns of different days want nobody more often than the caps let.",
    ),
    "clash": Text(
        "有冲突：日期不同的战役选中同一批客户，超过频次上限；闸门会拦下后来的。",
        "There are conflicts: campaigns of different days want the same customers more often than the caps let, and "
        "the gate will refuse the later ones.",
    ),
    "how": Text(
        "同一天开始的战役是一个方案，每位客户只得到方案给的；排期在战役页或用 bankloop schedule。",
        "Campaigns that start on one day are one plan, which gives a customer what it gives; a day is set on a "
        "campaign's page or with bankloop schedule.",
    ),
}
STATES: Mapping[str, Text] = {
    "over": Text("已结束", "over"),
    "running": Text("进行中", "running"),
    "scheduled": Text("已排期", "scheduled"),
    "waiting": Text("待审批", "to be approved"),
    "undated": Text("待排期", "no day yet"),
}
