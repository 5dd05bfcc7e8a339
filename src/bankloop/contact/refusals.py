"""Why the gate refuses a contact, in words: what a refusal's name says."""

from __future__ import annotations

import re

from bankloop.contact.contracts import DECLINED
from bankloop.kit.text import Text

_CAP = re.compile(r"cap:([a-z]+):([^:]+):(\d+)/(\d+)d(?:@([^:]+))?(?::(.+))?")
_CONSENT = {
    "do_not_contact": Text("在禁拨名单中", "on the do-not-contact list"),
    "no_marketing": Text("客户要求停止全部营销", "the customer stopped all marketing"),
    "no_consent": Text("没有营销同意", "no consent to marketing"),
}
_CLASSES = {
    "marketing": Text("营销触达", "marketing contacts"),
    "service": Text("服务触达", "service contacts"),
    "impression": Text("展示", "impressions"),
}


def say_refusal(name: str) -> Text:
    """Return the sentence of a refusal's name, as ``cap:marketing:sms:1/7d``; an unknown name is said as it is."""
    kind, _, rest = name.partition(":")
    if name == DECLINED:
        return Text("客户拒绝过此优惠", "the customer declined this offer")
    if kind == "consent":
        return _CONSENT.get(rest, Text(rest, rest))
    if kind == "capacity":
        channel, _, unit = rest.partition(":")
        where = Text("全行", "of the whole bank") if unit == "*" else Text(unit, f"of {unit}")
        return Text("{channel} 当日容量已满（{where}）", "the day's capacity of {channel} {where} is used up").filled(
            channel=channel, where=where
        )
    found = _CAP.fullmatch(name)
    if found is None:
        return Text(name, name)
    what = _CLASSES.get(found[1], Text(found[1], found[1]))
    way = Text("所有渠道合计", "over all channels") if found[2] == "*" else Text(found[2], f"over {found[2]}")
    said = Text(
        "已达频控上限：{days} 天内{way}{what}最多 {limit} 次",
        "the cap is reached: at most {limit} {what} {way} in {days} days",
    )
    return said.filled(days=found[4], way=way, what=what, limit=found[3])
