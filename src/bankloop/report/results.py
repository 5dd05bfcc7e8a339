"""The results' page: lifts with intervals on one axis, money, funnel, and whether any of it may be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.evaluate import FUNNEL, Estimate, Programme, Reading, Verdict
from bankloop.report.contracts import ResultsView
from bankloop.report.details import (
    UNREAD,
    Names,
    basis_table,
    group_tables,
    money_in_words,
    motives_table,
    offers_table,
    weeks_picture,
)
from bankloop.report.programme_page import programme_view
from bankloop.report.rules import measured_table
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Figure, Forest, ForestLine, Picture, Table, Tone

# Truths by (campaign, round), fractions; of a simulator only.
Truths = Mapping[tuple[str, int], float]

_DASH = say.same("—")
VERDICTS = {
    Verdict.GAIN: Text("显著", "Significant"),
    Verdict.HARM: Text("显著为负", "Significant harm"),
    Verdict.INCONCLUSIVE: Text("尚无结论", "Inconclusive"),
    Verdict.UNREADABLE: Text("不可读", "Unreadable"),
}
_TONES = {
    Verdict.GAIN: Tone.GOOD,
    Verdict.HARM: Tone.BAD,
    Verdict.INCONCLUSIVE: Tone.WARN,
    Verdict.UNREADABLE: Tone.BAD,
}
MOTIVES = {
    "discount": Text("优惠触发", "Discount"),
    "convenience": Text("便利提升", "Convenience"),
    "fun": Text("玩乐提升", "Fun"),
    "exclusive": Text("专享增强", "Exclusive"),
    "growth": Text("增长", "Growth"),
    "retention": Text("留存", "Retention"),
}
_NOTHING_FOUND = Text("无差异", "No difference")
_CONTAMINATION_ALARM = 0.05


def results_page(
    rounds: Sequence[Reading],
    titles: Mapping[str, Text],
    pooled: Sequence[Reading] = (),
    placebo: Reading | None = None,
    truth: Truths | None = None,
    names: Names | None = None,
    programme: Programme | None = None,
) -> ResultsView:
    """Return the page of readings: each round's, those pooled over rounds, and the A/A reading where there is one.

    ``truth`` gives the simulator's lift of a campaign's round; a real bank has none. ``names`` are the offers' by
    campaign and key, ``programme`` the whole against the holdout where it can be read.
    """
    several = [one for one in pooled if len(one.rounds) > 1]
    shown = sorted([*rounds, *several], key=lambda r: (r.campaign, len(r.rounds), r.rounds))
    best = _latest(rounds, several)
    return ResultsView(
        answer=_answer(best, titles),
        verdicts=tuple((titles[one.campaign], one.sentence) for one in best),
        figures=_figures(best),
        forest=_forest(shown, titles, placebo, truth or {}),
        money=_money_picture(best, titles),
        readings=_readings(shown, titles, truth or {}),
        funnel=_funnel(best, titles),
        checks=_checks(shown, titles, placebo),
        offers=offers_table(best, titles, names or {}),
        motives=motives_table(best, titles, MOTIVES),
        basis=basis_table(shown, titles, {(one.campaign, one.rounds): when(one) for one in shown}),
        rules=measured_table(best, titles),
        arrival=tuple(p for p in (weeks_picture(one, titles[one.campaign], when(one)) for one in best) if p),
        groups=group_tables(best, titles),
        programme=None if programme is None else programme_view(programme, titles),
    )


def _latest(rounds: Sequence[Reading], pooled: Sequence[Reading]) -> list[Reading]:
    """Of each campaign the reading that says most: pooled where there is one, else the last round's."""
    found = {one.campaign: one for one in sorted(rounds, key=lambda r: r.rounds)}
    found |= {one.campaign: one for one in pooled}
    return [found[name] for name in sorted(found)]


def when(reading: Reading) -> Text:
    """Return which rounds a reading reads."""
    if len(reading.rounds) > 1:
        return Text(f"{len(reading.rounds)} 轮合并", f"{len(reading.rounds)} rounds pooled")
    return Text(f"第 {reading.rounds[0]} 轮", f"round {reading.rounds[0]}")


def truth_of(reading: Reading, truth: Truths) -> float | None:
    """Return the simulator's lift of a reading's rounds: their mean, as each weighs alike in a pooled reading."""
    known = [truth[(reading.campaign, r)] for r in reading.rounds if (reading.campaign, r) in truth]
    return sum(known) / len(known) if len(known) == len(reading.rounds) else None


def _answer(best: Sequence[Reading], titles: Mapping[str, Text]) -> Text:
    def named(verdicts: set[Verdict], language: str) -> str:
        words = [getattr(titles[r.campaign], language) for r in best if r.verdict in verdicts]
        return ("、" if language == "zh" else ", ").join(words)

    parts_zh, parts_en = [], []
    for verdicts, zh, en in (
        ({Verdict.GAIN}, "有效：{n}", "works: {n}"),
        ({Verdict.HARM}, "有害，应停：{n}", "harms, stop it: {n}"),
        ({Verdict.INCONCLUSIVE}, "尚无结论：{n}", "inconclusive: {n}"),
        ({Verdict.UNREADABLE}, "不可读：{n}", "unreadable: {n}"),
    ):
        if any(r.verdict in verdicts for r in best):
            parts_zh.append(zh.format(n=named(verdicts, "zh")))
            parts_en.append(en.format(n=named(verdicts, "en")))
    english = "; ".join(parts_en)
    return Text("；".join(parts_zh) + "。", english[:1].upper() + english[1:] + ".")


def _figures(best: Sequence[Reading]) -> tuple[Figure, ...]:
    clear = sum(r.verdict is Verdict.GAIN for r in best)
    attributed, cost = sum(r.money.attributed for r in best), sum(r.money.cost for r in best)
    staff, given = sum(r.money.staff for r in best), sum(r.money.benefits for r in best)
    people, benefits, channels = say.money(staff), say.money(given), say.money(cost - staff - given)
    treated, control = sum(r.treated for r in best), sum(r.control for r in best)
    return (
        _incremental(best),
        Figure(Text("归因口径会说", "Attribution would claim"), say.money(attributed),
               Text("把本来就会发生的也算进来", "it counts what would have happened anyway")),
        Figure(Text("花费", "Spent"), say.money(cost),
               Text(f"渠道 {channels.zh} · 人员工时 {people.zh} · 核销权益 {benefits.zh}",
                    f"channels {channels.en} · people's time {people.en} · redeemed benefits {benefits.en}")),
        Figure(Text("结论明确的战役", "Campaigns with a clear verdict"), Text(f"{clear} / {len(best)}", f"{clear} / {len(best)}"),
               Text("其余再合并一轮再看", "pool another round for the rest")),
        Figure(Text("对照组", "Control"), say.count(control),
               Text(f"处理组 {treated:,}", f"treated {treated:,}")),
    )  # fmt: skip


def _incremental(best: Sequence[Reading]) -> Figure:
    """The money of all campaigns where it was read, with how many could not be."""
    label = Text("真正多出来的钱", "Incremental money")
    read = [r.money.incremental for r in best if r.money.incremental is not None]
    if not read:
        reasons = [r.money.unread for r in best if r.money.unread is not None]
        return Figure(label, UNREAD, reasons[0] if reasons else None)
    total = sum(one.value for one in read)
    low = say.money(total - sum((one.value - one.low) ** 2 for one in read) ** 0.5)
    high = say.money(total + sum((one.high - one.value) ** 2 for one in read) ** 0.5)
    left = len(best) - len(read)
    more = (
        Text(f"；{len(best)} 个战役中 {left} 个读不出", f"; {left} of {len(best)} campaigns cannot be read")
        if left
        else say.same("")
    )
    note = Text(f"95% 区间 {low.zh} 至 {high.zh}{more.zh}", f"95% interval {low.en} to {high.en}{more.en}")
    return Figure(label, say.money(total), note)


def _forest(shown: Sequence[Reading], titles: Mapping[str, Text], placebo: Reading | None, truth: Truths) -> Picture:
    rows = []
    for one in shown:
        if one.lift is None:
            continue
        known = truth_of(one, truth)
        label = Text(f"{titles[one.campaign].zh} · {when(one).zh}", f"{titles[one.campaign].en} · {when(one).en}")
        rows.append(_interval(label, one.lift, known, one.verdict is not Verdict.INCONCLUSIVE, VERDICTS[one.verdict]))
    if placebo is not None and placebo.lift is not None:
        quiet = _found_nothing(placebo)
        verdict = _NOTHING_FOUND if quiet else VERDICTS[placebo.verdict]
        label = Text("A/A 校验 · 对照组对半分", "A/A check · the control split in two")
        rows.append(_interval(label, placebo.lift, 0.0 if truth else None, not quiet, verdict))
    clear = sum(row.clear for row in rows)
    ochre = Text(
        "赭色刻度是模拟行的真值，真实银行没有这条线。", "Ochre ticks are the simulator's truth; a real bank has none."
    )
    return Picture(
        name="forest",
        title=Text("做与不做，差多少（转化率提升，95% 区间）", "Contact or not: the difference (lift in conversion, 95 % interval)"),
        alt=Text(f"{len(rows)} 条提升区间，其中 {clear} 条不含零。", f"{len(rows)} lifts with intervals, {clear} of them clear of zero."),
        chart=Forest(tuple(rows)),
        note=ochre if truth else None,
    )  # fmt: skip


def _interval(label: Text, lift: Estimate, known: float | None, clear: bool, verdict: Text) -> ForestLine:
    return ForestLine(
        label, lift.value * 100, lift.low * 100, lift.high * 100, None if known is None else known * 100, clear, verdict
    )


def _money_picture(best: Sequence[Reading], titles: Mapping[str, Text]) -> Picture:
    rows = []
    for one in best:
        claimed, more = say.money(one.money.attributed), one.money.incremental
        real = UNREAD if more is None else say.money(more.value)
        rows.append(
            Bar(
                titles[one.campaign],
                float(one.money.attributed),
                Text(f"归因 {claimed.zh}", f"attributed {claimed.en}"),
            )
        )
        rows.append(
            Bar(
                titles[one.campaign],
                0.0 if more is None else more.value,
                Text(f"增量 {real.zh}", f"incremental {real.en}"),
                BarRole.CHOSEN,
                None if more is None else more.low,
                None if more is None else more.high,
            )
        )
    over = sum(r.money.attributed - r.money.incremental.value for r in best if r.money.incremental is not None)
    gap = say.money(over)
    return Picture(
        name="money",
        title=Text("钱：归因说的，和真正多出来的", "Money: what attribution claims and what is really more"),
        alt=Text(f"归因口径比增量多算 {gap.zh}。", f"Attribution claims {gap.en} more than the control shows."),
        chart=Bars(tuple(rows)),
        note=Text("归因把本来就会发生的也算进来；增量已扣成本，细线是 95% 区间。",
                  "Attribution counts what would have happened anyway; incremental is after costs, the thin line its 95 % interval."),
    )  # fmt: skip


def _readings(shown: Sequence[Reading], titles: Mapping[str, Text], truth: Truths) -> Table:
    rows = []
    for one in shown:
        known = truth_of(one, truth)
        lift = _DASH if one.lift is None else interval_in_words(one.lift)
        rows.append(
            (
                Cell(titles[one.campaign]),
                Cell(when(one)),
                Cell(lift, drill=_drill(one)),
                *([Cell(_DASH if known is None else say.points(known))] if truth else []),
                Cell(VERDICTS[one.verdict], _TONES[one.verdict], tag=True),
                Cell(say.money(one.money.attributed)),
                Cell(money_in_words(one.money)),
                Cell(say.money(one.money.cost)),
            )
        )
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("轮次", "Round")),
        Column(Text("提升 pp [95% 区间]", "Lift pp [95% interval]"), number=True),
        *([Column(Text("真值（模拟行）", "Truth (simulator's)"), number=True)] if truth else []),
        Column(Text("结论", "Verdict")),
        Column(Text("归因", "Attributed"), number=True),
        Column(Text("增量 [95% 区间]", "Incremental [95% interval]"), number=True),
        Column(Text("花费", "Spent"), number=True),
    )
    note = Text(
        "意向处理口径：分到处理组即算，无论是否真的接通。",
        "Intention to treat: who was assigned counts, connected or not.",
    )
    return Table("readings", Text("逐轮读数", "Readings by round"), columns, tuple(rows), note)


def interval_in_words(lift: Estimate) -> Text:
    """Return a lift with its interval in percentage points."""
    body = f"{lift.value * 100:+.2f} [{lift.low * 100:+.2f}, {lift.high * 100:+.2f}]".replace("-", "−")
    return say.same(body)


def _drill(one: Reading, group: str = "all") -> str:
    """Return the address of the customers behind a reading, under the results' page."""
    return f"{one.campaign}/{'-'.join(str(r) for r in one.rounds)}/rows?group={group}"


def _funnel(best: Sequence[Reading], titles: Mapping[str, Text]) -> Table:
    names = [(name, title) for name, title, _ in FUNNEL if any(s.name == name for one in best for s in one.funnel)]
    rows = []
    for one in best:
        steps = {step.name: step.treated for step in one.funnel}
        reached = [_passed(one, name, steps.get(name)) for name, _ in names]
        rows.append(
            (
                Cell(
                    Text(f"{titles[one.campaign].zh} · {when(one).zh}", f"{titles[one.campaign].en} · {when(one).en}")
                ),
                *reached,
                Cell(say.percent(one.control_rate, 2), drill=_drill(one, "control")),
            )
        )
    columns = (
        Column(Text("战役", "Campaign")),
        *(Column(title, number=True) for _, title in names),
        Column(Text("对照组达成", "Control's goal rate"), number=True),
    )
    note = Text(
        "占比以处理组为底；对照组没有触达，只比最后一步。",
        "Shares are of the treated; control is not contacted, so only the last step can be compared.",
    )
    return Table("funnel", Text("漏斗与对照", "Funnel against control"), columns, tuple(rows), note)


def _passed(one: Reading, name: str, treated: int | None) -> Cell:
    if treated is None:
        return Cell(_DASH)
    share = treated / one.treated if one.treated else 0.0
    return Cell(say.same(f"{treated:,} · {share:.1%}"), bar=share, drill=_drill(one, name))


def _found_nothing(placebo: Reading) -> bool:
    """Return whether an A/A reading claims nothing: inconclusive, or too few successes to claim anything of."""
    return placebo.verdict is Verdict.INCONCLUSIVE or (placebo.lift is None and not placebo.broken_checks)


def _visible(one: Reading) -> Text:
    return _DASH if one.detectable is None or not 0 < one.detectable < 1 else say.points(one.detectable)


def _checks(shown: Sequence[Reading], titles: Mapping[str, Text], placebo: Reading | None) -> Table:
    rows: list[tuple[Cell, ...]] = []
    passed, failed = Text("通过", "Passed"), Text("异常", "Failed")
    for one in shown:
        name = Text(f"{titles[one.campaign].zh} · {when(one).zh}", f"{titles[one.campaign].en} · {when(one).en}")
        ok = not one.broken_checks
        touched = one.contaminated / one.control if one.control else 0.0
        hand = Text("可接受", "Acceptable") if touched <= _CONTAMINATION_ALARM else Text("偏高", "High")
        rows.append((
            Cell(name),
            Cell(passed if ok else failed, Tone.GOOD if ok else Tone.BAD, tag=True),
            Cell(say.same(f"p = {one.sample_ratio_p:.2g}")),
            Cell(hand, Tone.GOOD if touched <= _CONTAMINATION_ALARM else Tone.WARN, tag=True),
            Cell(Text(f"{one.contaminated:,} 人，{touched:.1%}", f"{one.contaminated:,}, {touched:.1%}"), drill=_drill(one, "by_hand")),
            Cell(_visible(one)),
            Cell(_DASH if one.ghost_lift is None else interval_in_words(one.ghost_lift)),
        ))  # fmt: skip
    if placebo is not None:
        quiet = _found_nothing(placebo)
        rows.append((
            Cell(Text("A/A 校验", "A/A check")), Cell(passed if quiet else failed, Tone.GOOD if quiet else Tone.BAD, tag=True),
            Cell(say.same(f"p = {placebo.sample_ratio_p:.2g}")), Cell(_DASH), Cell(_DASH), Cell(_visible(placebo)), Cell(_DASH),
        ))  # fmt: skip
    columns = (
        Column(Text("读数", "Reading")),
        Column(Text("样本比例", "Sample ratio")),
        Column(Text("χ² 检验", "χ² test")),
        Column(Text("对照组被人工触达", "Control contacted by hand")),
        Column(Text("人数", "Customers"), number=True),
        Column(Text("可分辨的提升", "Detectable lift"), number=True),
        Column(Text("只看有意触达者 pp", "Those meant to be contacted, pp"), number=True),
    )
    note = Text(
        "“尚无结论”不是失败：再合并一轮，可分辨的提升会变小。",
        "'Inconclusive' is no failure: pool another round and smaller lifts can be seen.",
    )
    return Table("checks", Text("读数可信吗", "May the readings be believed?"), columns, tuple(rows), note)


def results_book(found: ResultsView) -> Book:
    """Return the results as a book: every picture and table of the page."""
    pictures = [found.forest, found.money, *found.arrival]
    tables = [
        found.readings,
        found.funnel,
        found.checks,
        found.offers,
        found.rules,
        *found.groups,
        found.motives,
        found.basis,
    ]
    if found.programme is not None:
        pictures.append(found.programme.goals)
        tables.append(found.programme.table)
    filled = tuple(one for one in tables if one.rows)
    return Book("results", Text("结果", "Results"), found.answer, found.figures, tuple(pictures), filled)
