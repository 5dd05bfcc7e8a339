"""Budgets and stocks of benefits as page and command show them: by their names, what is left, and when it is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.benefit.grants import BUDGET, STOCK, BurnDown, GrantPool
from bankloop.kit.text import Text
from bankloop.loop.spec import Benefit
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

TITLE = Text("权益预算与库存", "Budgets and stocks of benefits")
KINDS = {BUDGET: Text("预算", "Budget"), STOCK: Text("库存", "Stock")}
_ENDED = Text("已用完", "used up")


def pool_title(pool: GrantPool, campaigns: Mapping[str, Text], benefits: Mapping[str, Benefit]) -> Text:
    """Return a pool's name as people know it: a budget is a campaign's of a round, a stock a benefit's."""
    if pool.asset != BUDGET:
        return benefits[pool.name].title.text if pool.name in benefits else say.same(pool.name)
    campaign, _, round_ = pool.name.partition(":")
    title = campaigns.get(campaign, say.same(campaign))
    return Text(f"{title.zh} 第 {round_} 轮", f"{title.en}, round {round_}")


def pools_answer(found: Sequence[tuple[BurnDown, Text]]) -> Text:
    """Return the sentence that says which pools are empty and which come to their end."""
    if not found:
        return Text("还没有发放过权益。", "No benefit has been granted yet.")
    empty = [title for one, title in found if one.pool.used_up]
    near = [title for one, title in found if one.pool.near]
    said = []
    if empty:
        zh, en = _listed(empty)
        said.append(Text(f"已用完：{zh}。", f"Used up: {en}."))
    if near:
        zh, en = _listed(near)
        said.append(
            Text(
                f"剩余不超过一成：{zh}；用完后不再发放。",
                f"A tenth or less is left of {en}; when it is gone, no more is granted.",
            )
        )
    if not said:
        return Text("没有将尽的预算和库存。", "No budget or stock comes to its end.")
    return Text("".join(one.zh for one in said), " ".join(one.en for one in said))


def _listed(titles: Sequence[Text]) -> tuple[str, str]:
    return "、".join(one.zh for one in titles), ", ".join(one.en for one in titles)


def pools_table(found: Sequence[tuple[BurnDown, Text]]) -> Table:
    """Return all pools, what is left drawn as a share of what was approved."""
    columns = (
        Column(Text("名称", "Name")),
        Column(Text("剩余", "Left"), number=True),
        Column(Text("按现在的速度用完", "Empty at this pace")),
        Column(Text("批准", "Approved"), number=True),
        Column(Text("占用", "Committed"), number=True),
        Column(Text("已核销", "Spent"), number=True),
        Column(Text("释放", "Released"), number=True),
        Column(Text("种类", "Kind")),
    )
    return Table("pools", TITLE, columns, tuple(_row(one, title) for one, title in found))


def _row(one: BurnDown, title: Text) -> tuple[Cell, ...]:
    pool, money = one.pool, one.pool.asset == BUDGET
    amounts = (pool.approved, pool.committed, pool.spent, one.released)
    tone = Tone.BAD if pool.used_up else Tone.WARN if pool.near else Tone.PLAIN
    share = pool.left / pool.approved if pool.approved else 0.0
    return (
        Cell(title),
        Cell(say.money(pool.left) if money else say.count(pool.left), tone, bar=min(max(share, 0.0), 1.0)),
        Cell(_ENDED if pool.used_up else say.same(f"{one.empty_on or '—'}")),
        *(Cell(say.money(amount) if money else say.count(amount)) for amount in amounts),
        Cell(KINDS[pool.asset], tag=True),
    )
