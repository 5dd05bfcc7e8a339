"""The programme as people see it: all campaigns together against the bank-wide holdout."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Programme
from bankloop.report.contracts import ProgrammeView
from bankloop.report.details import lift_in_words
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Forest, ForestLine, Picture, Table

_HIGHER, _LOWER, _OPEN = Text("更高", "higher"), Text("更低", "lower"), Text("看不出", "not clear")


def programme_view(found: Programme, titles: Mapping[str, Text]) -> ProgrammeView:
    """Return the programme's part of the results' page."""
    rounds = "、".join(str(r) for r in found.rounds), ", ".join(str(r) for r in found.rounds)
    start, end = found.basis.window
    return ProgrammeView(
        title=Text(f"整个项目（第 {rounds[0]} 轮，{start} – {end}）", f"The whole programme (rounds {rounds[1]}, {start} – {end})"),
        answer=Text(f"{found.sentence.zh}。", f"{found.sentence.en[:1].upper()}{found.sentence.en[1:]}."),
        figures=_figures(found),
        goals=_goals(found, titles),
        table=_table(found, titles),
    )  # fmt: skip


def _figures(found: Programme) -> tuple[Figure, ...]:
    nothing = say.same("—")
    total, each = found.incremental, found.per_head
    low, high = (say.money(total.low), say.money(total.high)) if total else (nothing, nothing)
    each_low, each_high = (say.money(each.low), say.money(each.high)) if each else (nothing, nothing)
    passed = all(one.ok for one in found.checks)
    check = found.checks[0]
    return (
        Figure(Text("项目真正多出来的钱", "What the programme really brought"), nothing if total is None else say.money(total.value),
               Text(f"95% 区间 {low.zh} 至 {high.zh}", f"95% interval {low.en} to {high.en}")),
        Figure(Text("归因口径会说", "Attribution would claim"), say.money(found.attributed),
               Text("同一批客户、同一段时间", "of the same customers in the same time")),
        Figure(Text("每客户", "A customer"), nothing if each is None else say.money(each.value),
               Text(f"{each_low.zh} 至 {each_high.zh}", f"{each_low.en} to {each_high.en}")),
        Figure(Text("这样的留白看得清", "Such a holdout sees"), say.money(found.detectable), Text("每客户，五次里四次", "a customer, four times in five")),
        Figure(Text("全行留白", "Holdout"), say.count(found.holdout),
               Text(f"计划 {found.share:.0%}，{'通过' if passed else '异常'}（p = {check.p:.2g}）",
                    f"{found.share:.0%} planned, {'passed' if passed else 'failed'} (p = {check.p:.2g})")),
    )  # fmt: skip


def _goals(found: Programme, titles: Mapping[str, Text]) -> Picture:
    rows = []
    for line in found.lines:
        if line.lift is None:
            continue
        clear = line.lift.low > 0 or line.lift.high < 0
        word = _HIGHER if line.lift.low > 0 else _LOWER if line.lift.high < 0 else _OPEN
        lift = line.lift
        rows.append(
            ForestLine(titles[line.campaign], lift.value * 100, lift.low * 100, lift.high * 100, None, clear, word)
        )
    return Picture(
        name="programme",
        title=Text("目标达成：可参加全部战役的，减去全行留白", "Goals reached: with all campaigns, less the holdout"),
        alt=Text(f"{len(rows)} 个目标，各含其余战役的作用。", f"{len(rows)} goals, each with what the other campaigns did to it."),
        chart=Forest(tuple(rows)),
        note=Text("与单个战役的提升不同：这里两组差的是全部战役。", "Unlike one campaign's lift: here the groups differ by all campaigns."),
    )  # fmt: skip


def _table(found: Programme, titles: Mapping[str, Text]) -> Table:
    rows = tuple(
        (
            Cell(titles[line.campaign]),
            Cell(say.same(f"{line.treated:,} · {line.treated_rate:.1%}")),
            Cell(say.same(f"{line.holdout:,} · {line.holdout_rate:.1%}")),
            Cell(lift_in_words(line.lift)),
        )
        for line in found.lines
    )
    columns = (
        Column(Text("目标", "Goal of")),
        Column(Text("可参加者", "With campaigns"), number=True),
        Column(Text("留白", "Holdout"), number=True),
        Column(Text("差 pp [95% 区间]", "Difference pp [95 % interval]"), number=True),
    )
    note = Text(
        f"{found.basis.population.zh}；{found.basis.cells.zh}；{found.basis.method.zh}；方差减少 {found.variance_cut:.0%}；留白中 {found.contaminated:,} 人被员工自行联系，照样算在留白里。",
        f"{found.basis.population.en[:1].upper()}{found.basis.population.en[1:]}; {found.basis.cells.en}; {found.basis.method.en}; "
        f"{found.variance_cut:.0%} of the variance taken away; {found.contaminated:,} of the holdout were contacted by hand and stay in it.",
    )
    return Table("programme", Text("各目标与留白", "Each goal against the holdout"), columns, rows, note)
