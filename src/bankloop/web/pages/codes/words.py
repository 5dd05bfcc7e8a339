"""The words of the pages of channel codes, and of what somebody sees who scans one."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text

CODES: Mapping[str, Text] = {
    "title": Text("渠道码", "Channel codes"),
    "lead": Text(
        "一个码写明是谁的、哪里张贴、哪个场景和战役；扫码按码归属，员工离岗后码立即失效。",
        "A code says whose it is, where it hangs, which scene and campaign; scans belong to their code, and that of "
        "somebody who left is dead at once.",
    ),
    "none": Text("还没有渠道码；用下面的表单生成第一个。", "There is no code yet; the form below makes the first."),
    "none_here": Text("范围内还没有渠道码。", "There is no code in your scope yet."),
    "make": Text("生成码", "Make a code"),
    "name": Text("名称（印在码下）", "Title (printed under the code)"),
    "staff": Text("归属员工的工号", "Whose it is: staff id"),
    "campaign": Text("战役（可不选）", "Campaign (optional)"),
    "no_campaign": Text("不指定战役", "no campaign"),
    "scene": Text("场景（可不填）", "Scene (optional)"),
    "places": Text("张贴地点，一行一个（可不填）", "Where it hangs, one a line (optional)"),
    "since": Text("起始日", "First day"),
    "until": Text("截止日", "Last day"),
    "poster": Text("海报", "Poster"),
    "poster_of": Text("勾选要印在一张海报上的码", "Tick the codes of one poster"),
    "print": Text("印海报", "Print the poster"),
    "link": Text("链接", "Link"),
    "scans": Text("扫码", "Scans"),
    "no_scans": Text("还没有人扫过这个码。", "Nobody has scanned this code yet."),
    "revoke": Text("作废", "Revoke"),
    "reason": Text("原因", "Why"),
    "back": Text("回到渠道码", "Back to the codes"),
}
ENTRY: Mapping[str, Text] = {
    "served": Text("为您服务：", "At your service: "),
    "safe": Text(
        "本页由银行生成，不收集您的姓名、手机号或证件，也不会索要密码或验证码。",
        "This page is the bank's. It takes no name, number or document of yours, and asks for no password or code.",
    ),
    "closed": Text("这个码现在不可用", "This code cannot be used now"),
    "instead": Text(
        "请到最近的网点，或拨打银行的客服电话办理。",
        "Please go to the nearest branch, or call the bank's service line.",
    ),
    "next": Text(
        "到该网点报出下面的码，或请这位同事联系您。",
        "Say the code below at this branch, or ask this colleague to call you.",
    ),
}
