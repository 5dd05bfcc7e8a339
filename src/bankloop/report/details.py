"""Below a reading: offers tested together, groups with their funnel and money, weeks, motives, and what numbers are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Cut, Estimate, Reading, RoundMoney, Week, discoveries, effects_together
from bankloop.view import format as say
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table, Tone

# Offer keys (product|benefit|channel) as people name them, by campaign.
Names = Mapping[tuple[str, str], Text]

_DASH = say.same("—")
UNREAD = Text("读不出", "cannot be read")
# Claims among offers that are false, one in twenty.
_CLAIM = 0.05
DIMENSIONS = {
    "channel": Text("渠道", "Channel"),
    "script": Text("话术", "Script"),
    "tier": Text("层级", "Tier"),
    "branch": Text("分行", "Branch"),
    "sub_branch": Text("支行", "Sub-branch"),
    "manager": Text("客户经理", "Manager"),
    "action": Text("做法", "Offer"),
}
_GROUP_COLUMNS = (
    Column(Text("分组", "Group")),
    Column(Text("处理", "Treated"), number=True),
    Column(Text("触达", "Contacted"), number=True),
    Column(Text("回应", "Responded"), number=True),
    Column(Text("达成", "Reached the goal"), number=True),
    Column(Text("对照达成", "Control's"), number=True),
    Column(Text("提升 pp [95% 区间]", "Lift pp [95 % interval]"), number=True),
    Column(Text("q 值", "q-value"), number=True),
    Column(Text("花费", "Spent"), number=True),
    Column(Text("增量", "Incremental"), number=True),
    Column(say.same("ROI"), number=True),
)


def offers_table(best: Sequence[Reading], titles: Mapping[str, Text], names: Names) -> Table:
    """Return every offer of all campaigns as one family of tests: who was meant to get it, treated against ghosts."""
    found = discoveries({one.campaign: one.cuts for one in best})
    rows = [_offer(titles[name], names.get((name, cut.key), say.same(cut.key)), cut, q) for name, cut, q in found]
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("做法", "Offer")),
        Column(Text("处理 / 对照", "Treated / control"), number=True),
        Column(Text("提升 pp [95% 区间]", "Lift pp [95 % interval]"), number=True),
        Column(Text("q 值", "q-value"), number=True),
        Column(Text("结论", "Verdict")),
        Column(Text("增量", "Incremental"), number=True),
    )
    note = Text(
        "只看方案有意触达的客户，两组同口径；全部做法一起校正（Benjamini–Hochberg）：说“有效”的，二十个里至多约一个是假的。",
        "Among those whom the plan meant to contact, alike in both arms; all offers are adjusted together (Benjamini and "
        "Hochberg): of those that are said to work about one in twenty does not.",
    )
    return Table("offers", Text("哪种做法有效", "Which offers work"), columns, tuple(rows), note)


def _offer(campaign: Text, name: Text, cut: Cut, q: float | None) -> tuple[Cell, ...]:
    clear = q is not None and q < _CLAIM and cut.lift is not None
    good = clear and cut.lift is not None and cut.lift.value > 0
    word = Text("有效", "works") if good else Text("有害", "harms") if clear else Text("尚无结论", "inconclusive")
    tone = Tone.GOOD if good else Tone.BAD if clear else Tone.WARN
    return (
        Cell(campaign),
        Cell(name),
        Cell(say.same(f"{cut.treated:,} / {cut.control:,}")),
        Cell(lift_in_words(cut.lift)),
        Cell(_q(q)),
        Cell(word, tone, tag=True),
        Cell(_DASH if cut.incremental is None else say.money(cut.incremental.value)),
    )


def group_tables(best: Sequence[Reading], titles: Mapping[str, Text]) -> tuple[Table, ...]:
    """Return one table a campaign: its channels, scripts, tiers and branches, funnel and money against control."""
    return tuple(
        group_table(one, [name for name in DIMENSIONS if name != "action" and one.of(name)], titles[one.campaign])
        for one in best
        if one.cuts
    )


def group_table(one: Reading, dimensions: Sequence[str], title: Text) -> Table:
    """Return the groups of some dimensions of a reading, each with its funnel, lift and money against control."""
    rows = [
        _group(Text(f"{DIMENSIONS[name].zh} {_key(cut)}", f"{DIMENSIONS[name].en} {_key(cut)}"), cut)
        for name in dimensions
        for cut in one.of(name)
    ]
    unlike = [name for name in dimensions if one.differs.get(name, 1.0) < _CLAIM]
    zh = "、".join(DIMENSIONS[name].zh for name in unlike)
    en = ", ".join(DIMENSIONS[name].en.lower() for name in unlike)
    differs = (
        Text(f"提升因{zh}而异（Cochran Q，p < 0.05）。", f"The lift differs by {en} (Cochran's Q, p < 0.05).")
        if unlike
        else Text("各组提升看不出差别（Cochran Q）。", "The groups' lifts cannot be told apart (Cochran's Q).")
    )
    note = Text(
        f"{differs.zh}渠道与话术只看有意触达者，层级与机构看全部；q 值在每个维度内一起校正。",
        f"{differs.en} Channels and scripts are of those meant to be contacted, tiers and branches of everybody; q-values "
        "are adjusted within each dimension.",
    )
    caption = Text(f"{title.zh}：分组", f"{title.en}: by group")
    return Table(f"groups-{one.campaign}", caption, _GROUP_COLUMNS, tuple(rows), note)


def _key(cut: Cut) -> str:
    return cut.key or "—"


def _group(name: Text, cut: Cut) -> tuple[Cell, ...]:
    share = cut.converted / cut.treated if cut.treated else 0.0
    held = cut.control_converted / cut.control if cut.control else 0.0
    money, roi = cut.incremental, cut.roi
    return (
        Cell(name),
        Cell(say.count(cut.treated)),
        Cell(say.count(cut.contacted)),
        Cell(say.count(cut.responded)),
        Cell(say.same(f"{cut.converted:,} · {share:.1%}")),
        Cell(say.same(f"{cut.control_converted:,} · {held:.1%}")),
        Cell(lift_in_words(cut.lift)),
        Cell(_q(cut.q)),
        Cell(say.money(cut.cost)),
        Cell(_DASH if money is None else say.money(money.value)),
        Cell(_DASH if roi is None else say.same(f"{roi:+.1f}".replace("-", "−"))),
    )


def weeks_picture(one: Reading, title: Text, when: Text) -> Picture | None:
    """Return what each week of the window added to the lift; None where all reached the goal in one week, or nobody."""
    if sum(bool(week.treated or week.control) for week in one.weeks) < 2:
        return None
    rows = tuple(_week(one, week) for week in one.weeks)
    course = _course(one.fading)
    return Picture(
        name=f"weeks-{one.campaign}",
        title=Text(f"提升哪一周来的：{title.zh}（{when.zh}）", f"When the lift came: {title.en} ({when.en})"),
        alt=Text(f"{len(rows)} 周合计等于未校正的提升。{course.zh}", f"{len(rows)} weeks add up to the plain lift. {course.en}"),
        chart=Bars(rows),
        note=course,
    )  # fmt: skip


def _week(one: Reading, week: Week) -> Bar:
    """A week with too few successes for an interval has its difference all the same: the weeks add up."""
    value = week.treated / max(one.treated, 1) - week.control / max(one.control, 1)
    ends = (None, None) if week.lift is None else (week.lift.low * 100, week.lift.high * 100)
    return Bar(
        Text(f"第 {week.number} 周", f"week {week.number}"), value * 100, say.points(value), BarRole.CHOSEN, *ends
    )


def _course(fading: Estimate | None) -> Text:
    if fading is None:
        return Text(
            "目标集中在一天达成，或人数太少，看不出先后。",
            "The goal is reached on one day, or by too few, to have a course.",
        )
    said = lift_in_words(fading)
    if fading.low > 0:
        return Text(
            f"前半窗比后半窗多 {said.zh} pp：作用来得早。",
            f"The first half brought {said.en} pp more than the second: it comes early.",
        )
    if fading.high < 0:
        return Text(
            f"前半窗比后半窗 {said.zh} pp：作用还在来。",
            f"The first half less the second is {said.en} pp: it is still coming.",
        )
    return Text(f"前后半窗之差 {said.zh} pp，分不出先后。", f"The halves differ by {said.en} pp, which tells no course.")  # fmt: skip


def motives_table(best: Sequence[Reading], titles: Mapping[str, Text], motives: Mapping[str, Text]) -> Table:
    """Return the lift by campaign motive (优惠触发, 便利提升 …), campaigns of one motive read together."""
    rows = []
    for motive in sorted({one.motive for one in best if one.motive}):
        mine = [one for one in best if one.motive == motive and one.lift is not None]
        lift = effects_together([one.lift for one in mine if one.lift is not None])
        zh = "、".join(titles[one.campaign].zh for one in mine)
        en = ", ".join(titles[one.campaign].en for one in mine)
        read = [one.money.incremental.value for one in mine if one.money.incremental is not None]
        rows.append(
            (
                Cell(motives.get(motive, say.same(motive))),
                Cell(Text(zh or "—", en or "—")),
                Cell(lift_in_words(lift)),
                Cell(say.money(sum(read)) if read else _DASH),
                Cell(say.money(sum(one.money.cost for one in mine))),
            )
        )
    columns = (
        Column(Text("动机", "Motive")),
        Column(Text("战役", "Campaigns")),
        Column(Text("提升 pp [95% 区间]", "Lift pp [95 % interval]"), number=True),
        Column(Text("增量", "Incremental"), number=True),
        Column(Text("花费", "Spent"), number=True),
    )
    note = Text(
        "同一动机的战役按各自的精度加权。", "Campaigns of one motive are weighted by how well each was measured."
    )
    return Table("motives", Text("按动机比较", "By motive"), columns, tuple(rows), note)


def basis_table(
    shown: Sequence[Reading], titles: Mapping[str, Text], when: Mapping[tuple[str, tuple[int, ...]], Text]
) -> Table:
    """Return of each reading whom, when, which cells and by what method, and what was put aside."""
    rows = []
    for one in shown:
        if one.basis is None:
            continue
        at = when[(one.campaign, one.rounds)]
        start, end = one.basis.window
        notes = Text("；".join(n.zh for n in one.notes) or "无", "; ".join(n.en for n in one.notes) or "nothing")
        trimmed = _DASH
        if one.money.trimmed is not None and one.money.trimmed.incremental is not None:
            t = one.money.trimmed
            worth, low, high = say.money(one.money.trimmed.incremental.value), say.money(t.low), say.money(t.high)
            trimmed = Text(
                f"{worth.zh}（{t.moved:,} 人收到 {low.zh} 至 {high.zh} 之内）",
                f"{worth.en} ({t.moved:,} pulled in to {low.en} … {high.en})",
            )
        rows.append(
            (
                Cell(Text(f"{titles[one.campaign].zh} · {at.zh}", f"{titles[one.campaign].en} · {at.en}")),
                Cell(say.same(f"{start} – {end}")),
                Cell(one.basis.cells),
                Cell(one.basis.method),
                Cell(_DASH if one.plain is None else lift_in_words(one.plain)),
                Cell(say.percent(one.variance_cut, 0)),
                Cell(trimmed),
                Cell(notes),
            )
        )
    columns = (
        Column(Text("读数", "Reading")),
        Column(Text("窗口", "Window")),
        Column(Text("组", "Cells")),
        Column(Text("方法", "Method")),
        Column(Text("未校正 pp", "Plain, pp"), number=True),
        Column(Text("方差减少", "Variance cut"), number=True),
        Column(Text("去极值后的增量", "Incremental, trimmed")),
        Column(Text("未计入的", "Put aside")),
    )
    first = next((one.basis.population for one in shown if one.basis is not None), None)
    note = None if first is None else Text(f"客群：{first.zh}。", f"Population: {first.en}.")
    return Table("basis", Text("每个数字的口径", "What each number is of"), columns, tuple(rows), note)


def money_in_words(money: RoundMoney) -> Text:
    """Return incremental money with its interval, or that it cannot be read."""
    if money.incremental is None:
        return UNREAD
    worth, low, high = (say.money(v) for v in (money.incremental.value, money.incremental.low, money.incremental.high))
    return Text(f"{worth.zh} [{low.zh}，{high.zh}]", f"{worth.en} [{low.en}, {high.en}]")


def lift_in_words(lift: Estimate | None) -> Text:
    """Return a lift with its interval in percentage points, or a dash."""
    if lift is None:
        return _DASH
    body = f"{lift.value * 100:+.2f} [{lift.low * 100:+.2f}, {lift.high * 100:+.2f}]".replace("-", "−")
    return say.same(body)


def _q(q: float | None) -> Text:
    return _DASH if q is None else say.same("< 0.001" if q < 0.001 else f"{q:.3f}")
