"""The words of the page of slots."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

SLOTS: Mapping[str, Text] = {
    "title": Text("实时展示位", "Slots"),
    "lead": Text(
        "客户自己来看的位置：掌银横幅、VTM 和柜面屏。展示什么在客户看的那一刻按方案的价格决定，一个窗口内不变；先占额度和库存，再回答。",
        "Places that customers come to by themselves: a banner in the app, the screens of VTMs and counters. What is "
        "shown is decided while they look, at the plan's prices, and stays for the window; what it takes of limits is "
        "reserved before it is answered.",
    ),
    "none": Text(
        "还没有实时展示位。在 policies.yaml 的渠道里写 delivery: slot，在话术和战役里加上这个渠道，再提交审批。",
        "There is no slot yet. Give a channel delivery: slot in policies.yaml, add it to scripts and campaigns, and "
        "submit them.",
    ),
    "try": Text("此刻会给谁看什么", "What somebody would be shown now"),
    "try_lead": Text("只看不记：不决定、不占额度、不计展示。", "A look only: nothing is decided, reserved or counted."),
    "customer": Text("客户号", "Customer"),
    "slot": Text("展示位", "Slot"),
    "ask": Text("看一看", "Look"),
    "shows": Text("会展示", "Would show"),
    "shows_nothing": Text("不展示", "Would show nothing"),
}
