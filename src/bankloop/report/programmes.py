"""Programmes as people read them: gross, control, net; progress against the target and against time; campaigns below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Programme, Reading
from bankloop.performance.growth import ProgrammeGrowth
from bankloop.report.details import UNREAD, lift_in_words
from bankloop.report.programme_page import programme_view
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Figure, Picture, Table

_DASH = say.same("—")
# Less than half of the last digit shown.
_NOUGHT = 0.0005
_GROSS, _CONTROL, _NET = Text("增长", "Growth"), Text("留白", "Holdout"), Text("净增", "Net")


def programme_book(
    found: ProgrammeGrowth, readings: Sequence[Reading], titles: Mapping[str, Text], whole: Programme | None = None
) -> Book:
    """Return a programme's page; ``readings`` are the newest of its campaigns, ``whole`` the money against the holdout."""
    spec, growth = found.spec, found.growth
    metric = found.metric.title.text
    tables: list[Table] = [_campaigns(readings, titles)]
    pictures = [_growth_picture(found)]
    if whole is not None:
        view = programme_view(whole, titles)
        pictures.append(view.goals)
        tables.append(view.table)
    sentence = growth.sentence
    answer = Text(f"{metric.zh}：{sentence.zh}。", f"{metric.en}: {sentence.en}.")
    return Book("programme", spec.title.text, answer, _figures(found), tuple(pictures), tuple(tables))


def _figures(found: ProgrammeGrowth) -> tuple[Figure, ...]:
    growth, net = found.growth, found.growth.net
    amount = growth.amount
    unit = say.money if found.metric.unit == "money" else say.count
    late = Text(f"时间已过 {found.elapsed:.0%}", f"{found.elapsed:.0%} of the time has passed")
    reached = _DASH if found.reached is None else say.percent(found.reached, 0)
    target = f"{found.spec.target / 10_000:g}%"
    worth = _DASH if amount is None else unit(amount.value)
    interval = (
        None
        if net is None
        else Text(
            f"[{_percent(net.low)}, {_percent(net.high)}]，折合 {worth.zh}",
            f"[{_percent(net.low)}, {_percent(net.high)}], which comes to {worth.en}",
        )
    )
    return (
        Figure(Text(f"基线（{found.baseline_on}）", f"Baseline ({found.baseline_on})"), unit(growth.baseline),
               Text(f"{growth.treated:,} 位可参加客户", f"{growth.treated:,} customers to whom it was open")),
        Figure(Text(f"现在（{found.as_of}）", f"Now ({found.as_of})"), unit(growth.now),
               Text(f"增长 {_percent(growth.gross)}", f"grew {_percent(growth.gross)}")),
        Figure(Text("留白的增长", "The holdout grew"), say.same(_percent(growth.control)),
               Text(f"{growth.holdout:,} 位，不做任何经营", f"{growth.holdout:,} customers, left alone")),
        Figure(Text("净增", "Net"), _DASH if net is None else say.same(_percent(net.value)), interval),
        Figure(Text(f"目标 {target} 的进度", f"Progress to the target of {target}"), reached, late),
    )  # fmt: skip


def _growth_picture(found: ProgrammeGrowth) -> Picture:
    growth = found.growth
    rows = [
        Bar(name, value * 100, say.same(_percent(value)), role)
        for name, value, role in ((_GROSS, growth.gross, BarRole.PLAIN), (_CONTROL, growth.control, BarRole.PLAIN))
        if value is not None
    ]
    if growth.net is not None:
        net = growth.net
        rows.append(
            Bar(_NET, net.value * 100, say.same(_percent(net.value)), BarRole.CHOSEN, net.low * 100, net.high * 100)
        )
    return Picture(
        name="growth",
        title=Text("增长、留白与净增（占基线）", "Growth, the holdout's, and the net of both, of the baseline"),
        alt=Text(growth.sentence.zh, growth.sentence.en),
        chart=Bars(tuple(rows)),
        note=Text("净增的线段是 95% 区间。", "The line over the net is its 95 % interval."),
    )


def _campaigns(readings: Sequence[Reading], titles: Mapping[str, Text]) -> Table:
    rows = tuple(
        (
            Cell(titles.get(one.campaign, say.same(one.campaign))),
            Cell(say.same(", ".join(str(r) for r in one.rounds))),
            Cell(lift_in_words(one.lift)),
            Cell(UNREAD if one.money.incremental is None else say.money(one.money.incremental.value)),
            Cell(say.money(one.money.cost)),
            Cell(_DASH if one.money.roi is None else say.same(f"{one.money.roi:+.1f}".replace("-", "−"))),
        )
        for one in readings
    )
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("轮次", "Rounds")),
        Column(Text("提升 pp [95% 区间]", "Lift pp [95 % interval]"), number=True),
        Column(Text("增量", "Incremental"), number=True),
        Column(Text("花费", "Spent"), number=True),
        Column(say.same("ROI"), number=True),
    )
    note = Text("各战役的提升不能相加：同一客户、同一批时间。项目只由留白来读。", "Lifts of campaigns do not add up: they share customers and time. Only the holdout reads the programme.")  # fmt: skip
    return Table("campaigns", Text("项目下的战役", "Campaigns of the programme"), columns, rows, note)


def _percent(share: float | None) -> str:
    if share is None:
        return "—"
    return "0.0%" if abs(share) < _NOUGHT else f"{share * 100:+.1f}%".replace("-", "−")
