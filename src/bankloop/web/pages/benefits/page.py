"""Budgets and stocks as a page: what is committed, spent, released and left of each, and the day when it is empty."""

from __future__ import annotations

from collections.abc import Sequence

from bankloop.benefit.grants import BUDGET, BurnDown
from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

TITLE = Text("权益预算与库存", "Budgets and stocks of benefits")
_ASSETS = {True: Text("预算", "Budget"), False: Text("库存", "Stock")}


def pools_answer(found: Sequence[BurnDown]) -> Text:
    """Return the sentence that says which pools come to their end."""
    if not found:
        return Text("还没有发放过权益。", "No benefit has been granted yet.")
    near = [f"{one.pool.name}" for one in found if one.pool.near]
    if not near:
        return Text("没有将尽的预算和库存。", "No budget or stock comes to its end.")
    zh, en = "、".join(near), ", ".join(near)
    return Text(
        f"剩余不到一成：{zh}；用完后不再发放。",
        f"A tenth or less is left of {en}; when it is gone, no more is granted.",
    )


def pools_table(found: Sequence[BurnDown]) -> Table:
    """Return all pools, what is left drawn as a share of what was approved."""
    columns = (
        Column(Text("种类", "Kind")),
        Column(Text("名称", "Name")),
        Column(Text("批准", "Approved"), number=True),
        Column(Text("占用", "Committed"), number=True),
        Column(Text("已核销", "Spent"), number=True),
        Column(Text("释放", "Released"), number=True),
        Column(Text("剩余", "Left"), number=True),
        Column(Text("按现在的速度用完", "Empty at this pace")),
    )
    return Table("pools", TITLE, columns, tuple(_row(one) for one in found))


def _row(one: BurnDown) -> tuple[Cell, ...]:
    pool, money = one.pool, one.pool.asset == BUDGET
    amounts = (pool.approved, pool.committed, pool.spent, one.released)
    tone = Tone.WARN if pool.near else Tone.PLAIN
    return (
        Cell(_ASSETS[money], tag=True),
        Cell(say.same(pool.name)),
        *(Cell(say.money(amount) if money else say.count(amount)) for amount in amounts),
        Cell(say.money(pool.left) if money else say.count(pool.left), tone),
        Cell(say.same(f"{one.empty_on or '—'}")),
    )
