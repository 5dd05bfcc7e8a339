"""Points as pages: what the bank owes by month and whether the books are right; what one customer has, lot by lot."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bankloop.benefit.points import LotState, Owed, PointsProgramme, Wallet
from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone

STATES = {
    LotState.PENDING: Text("待生效", "not yet to be spent"),
    LotState.ACTIVE: Text("可用", "may be spent"),
    LotState.EXPIRED: Text("已过期", "ended"),
    LotState.TAKEN_BACK: Text("已收回", "taken back"),
}
_NEVER = Text("不过期", "never")
_BY_HAND = {"by_hand": Text("手工", "by hand"), "debt": Text("抵欠分", "paid a debt")}


def owed_answer(owed: Owed, made_at: datetime, zone: str) -> Text:
    """Return the sentence that says what the bank owed when the report was made, and whether its books were right."""
    books = (
        Text("账本是平的", "the books are right")
        if not owed.wrong
        else Text(f"账本有 {len(owed.wrong)} 处不平", f"the books are wrong in {len(owed.wrong)} places")
    )
    when, money = f"{made_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}", say.money(owed.set_aside_fen)
    return Text(
        f"截至 {when}，{owed.wallets:,} 位客户持有 {owed.outstanding:,} 分可用积分，预提 {money.zh}；{books.zh}。",
        f"As of {when}, {owed.wallets:,} customers have {owed.outstanding:,} points to spend, {money.en} set aside; "
        f"{books.en}.",
    )


def owed_figures(owed: Owed) -> tuple[Figure, ...]:
    """Return what is owed as headline numbers."""
    return (
        Figure(Text("可用积分", "To be spent"), say.count(owed.outstanding)),
        Figure(Text("待生效", "Not yet to be spent"), say.count(owed.pending)),
        Figure(Text("30 天内到期", "End within 30 days"), say.count(owed.ending)),
        Figure(Text("客户欠分", "Owed by customers"), say.count(owed.debt)),
        Figure(Text("预提", "Set aside"), say.money(owed.set_aside_fen)),
    )


def months_picture(owed: Owed) -> Picture | None:
    """Return a year's earnings by month as a chart, None where there were none."""
    if not owed.months:
        return None
    rows = tuple(Bar(say.same(f"{one.month:%Y-%m}"), float(one.earned), say.count(one.earned)) for one in owed.months)
    most = max(owed.months, key=lambda one: one.earned)
    return Picture(
        "months",
        Text("各月发放", "Earned by month"),
        Text(
            f"发放最多的是 {most.month:%Y-%m}，{most.earned:,} 分。",
            f"Most was earned in {most.month:%Y-%m}: {most.earned:,} points.",
        ),
        Bars(rows),
    )


def months_table(owed: Owed) -> Table:
    """Return what moved by month."""
    columns = (
        Column(Text("月份", "Month")),
        Column(Text("发放", "Earned"), number=True),
        Column(Text("消费", "Spent"), number=True),
        Column(Text("过期", "Ended"), number=True),
    )
    rows = tuple(
        (
            Cell(say.same(f"{one.month:%Y-%m}")),
            Cell(say.count(one.earned)),
            Cell(say.count(one.spent)),
            Cell(say.count(one.expired)),
        )
        for one in owed.months
    )
    return Table("moved", Text("各月变动", "What moved by month"), columns, rows)


def rules_table(programme: PointsProgramme, owed: Owed) -> Table:
    """Return the rules of the bank's file, and what partners issued."""
    columns = (
        Column(Text("来源", "From")),
        Column(Text("怎样得", "How points are earned")),
        Column(Text("上限", "At most")),
    )
    per = {
        "day": Text("每日", "a day"),
        "month": Text("每月", "a month"),
        "year": Text("每年", "a year"),
        "": Text("", ""),
    }
    rows = [
        (
            Cell(one.title),
            Cell(
                Text(
                    f"每 {one.each_fen // 100:,} 元 {one.points:,} 分",
                    f"{one.points:,} each {one.each_fen // 100:,} yuan",
                )
                if one.each_fen
                else Text(f"{one.points:,} 分", f"{one.points:,} points")
            ),
            Cell(
                Text(f"{per[one.cap_per].zh} {one.cap_points:,} 分", f"{one.cap_points:,} {per[one.cap_per].en}")
                if one.cap_per
                else Text("不限", "no limit")
            ),
        )
        for one in programme.rules
    ]
    rows += [
        (
            Cell(say.same(issuer)),
            Cell(Text(f"待清算 {points:,} 分", f"{points:,} to clear")),
            Cell(say.same("—")),
        )
        for issuer, points in owed.issued_by.items()
        if issuer
    ]
    return Table("rules", Text("规则与合作方", "Rules and partners"), columns, tuple(rows))


def wrong_table(owed: Owed) -> Table | None:
    """Return what is not right in the books, None where all is."""
    if not owed.wrong:
        return None
    columns = (
        Column(Text("项目", "What")),
        Column(Text("账户", "Where")),
        Column(Text("应为", "Expected"), number=True),
        Column(Text("实为", "Found"), number=True),
    )
    rows = tuple(
        (
            Cell(say.same(one.what)),
            Cell(say.same(one.where), Tone.BAD),
            Cell(say.count(one.expected)),
            Cell(say.count(one.found)),
        )
        for one in owed.wrong
    )
    return Table("wrong", Text("账本不平之处", "What is wrong in the books"), columns, rows)


def wallet_figures(wallet: Wallet) -> tuple[Figure, ...]:
    """Return what a customer has as headline numbers."""
    return (
        Figure(Text("可用积分", "To be spent"), say.count(wallet.available)),
        Figure(Text("待生效", "Not yet to be spent"), say.count(wallet.pending)),
        Figure(Text("30 天内到期", "End within 30 days"), say.count(wallet.ending)),
        Figure(Text("欠分", "Owed"), say.count(wallet.debt)),
    )


def lots_table(wallet: Wallet, programme: PointsProgramme) -> Table:
    """Return a customer's earnings, the newest first."""
    titles = {one.rule_id: one.title for one in programme.rules}
    columns = (
        Column(Text("事由", "Why")),
        Column(Text("积分", "Points"), number=True),
        Column(Text("剩余", "Left"), number=True),
        Column(Text("状态", "State")),
        Column(Text("到期", "Ends")),
        Column(Text("编号", "Key")),
    )
    rows = tuple(
        (
            Cell(titles.get(one.rule) or say.same(one.reason)),
            Cell(say.count(one.points)),
            Cell(say.count(one.remaining)),
            Cell(STATES[one.state], tag=True),
            Cell(say.same(f"{one.expires_on}") if one.expires_on else _NEVER),
            Cell(say.same(one.lot)),
        )
        for one in wallet.lots
    )
    return Table("lots", Text("入账", "Earned"), columns, rows)


def spends_table(wallet: Wallet) -> Table:
    """Return a customer's spendings, the newest first."""
    columns = (
        Column(Text("事由", "Why")),
        Column(Text("积分", "Points"), number=True),
        Column(Text("已退", "Given back"), number=True),
        Column(Text("编号", "Key")),
    )
    rows = tuple(
        (
            Cell(_BY_HAND.get(one.reason) or say.same(one.reason)),
            Cell(say.count(one.points)),
            Cell(say.count(one.returned)),
            Cell(say.same(one.spend)),
        )
        for one in wallet.spends
    )
    return Table("spends", Text("消费", "Spent"), columns, rows)
