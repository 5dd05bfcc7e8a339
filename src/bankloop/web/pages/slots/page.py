"""Slots as tables: what they did today, and one customer's ranking at the plan's prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.reach import OUTCOMES, ActionOutcome, describe
from bankloop.loop.realtime import LiveAnswer, LiveOutcome, SlotTally
from bankloop.loop.spec import Lock, Policies
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_COUNTS: Mapping[str, Text] = {"contact": Text("触达", "a contact"), "impression": Text("展示", "an impression")}
_CAME: Mapping[str, Text] = {
    LiveOutcome.SHOWN: Text("已展示", "Seen"),
    LiveOutcome.CLICKED: Text("点击", "Clicked"),
    LiveOutcome.DISMISSED: Text("关闭", "Waved away"),
    LiveOutcome.DECLINED: Text("拒绝", "Declined"),
    LiveOutcome.ACCEPTED: Text("接受", "Accepted"),
}


def tally_table(found: Sequence[SlotTally]) -> Table:
    """Return what each slot decided today, and what customers made of it."""
    columns = (
        Column(Text("展示位", "Slot")),
        Column(Text("算作", "Counts as")),
        Column(Text("来看的客户", "Customers"), number=True),
        Column(Text("决定展示", "To be shown"), number=True),
        *(Column(title, number=True) for title in _CAME.values()),
    )
    rows = tuple(
        (
            Cell(one.title),
            Cell(_COUNTS[one.counts]),
            Cell(say.count(one.customers)),
            Cell(say.count(one.issued)),
            *(Cell(say.count(one.outcomes[name])) for name in _CAME),
        )
        for one in found
    )
    return Table("slots", Text("今天", "Today"), columns, rows)


def ranking_table(found: LiveAnswer, locks: Mapping[str, Lock], policies: Policies) -> Table:
    """Return every action that is open to the customer there, best first, with what the plan's prices take of it."""
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("产品", "Product")),
        Column(Text("权益", "Benefit")),
        Column(Text("价值", "Worth"), number=True),
        Column(Text("稀缺资源的价格", "What prices take"), number=True),
        Column(Text("剩下", "Left"), number=True),
        Column(Text("结果", "Outcome")),
    )
    rows = []
    for one in found.ranked:
        lock = locks[one.campaign]
        product, benefit, _ = one.action.split("|")
        charged = [describe(name, locks, policies)[0] for name in one.charges]
        paid = Text(
            "；".join(
                f"{title.zh} {say.money(fen).zh}" for title, fen in zip(charged, one.charges.values(), strict=True)
            ),
            "; ".join(
                f"{title.en} {say.money(fen).en}" for title, fen in zip(charged, one.charges.values(), strict=True)
            ),
        )
        rows.append(
            (
                Cell(lock.campaign.title.text),
                Cell(next(p.title.text for p in lock.products if p.key == product)),
                Cell(next((b.title.text for b in lock.benefits if b.key == benefit), say.same("—"))),
                Cell(say.money(one.value_fen)),
                Cell(paid if charged else say.same("—")),
                Cell(say.money(one.score_fen)),
                Cell(OUTCOMES[one.outcome], Tone.GOOD if one.outcome is ActionOutcome.CHOSEN else Tone.PLAIN),
            )
        )
    return Table("ranking", Text("按方案价格的排序", "Ranked at the plan's prices"), columns, tuple(rows))
