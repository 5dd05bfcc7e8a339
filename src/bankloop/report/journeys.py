"""Retention of those who came and the funnels of their journeys, as people read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date

from bankloop.kit.text import Text
from bankloop.loop.offering.assortment import CLASS_TITLES
from bankloop.performance.cohorts import COMPARED, GROUPS, Cohort, Standing, group_standings
from bankloop.performance.journeys import OPENED_DAYS, Funnel
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Picture, Table

_DASH = say.same("—")
_FEW = Text("太少", "too few")
_KEPT_NOTE = Text(
    "当月活跃（与月活指标同一口径）的占该月开户客户的比例；M0 是开户当月，“—”是还没到的月份。",
    "The share of a month's new customers who were active, as the metric of monthly active customers counts; "
    "M0 is the month of opening, “—” a month that has not come.",
)
_STANDINGS: Mapping[Standing, Text] = {
    Standing.HIGHER: Text("高于其他", "above the others"),
    Standing.LOWER: Text("低于其他", "below the others"),
    Standing.ALIKE: Text("分不出高低", "not told apart"),
    Standing.UNKNOWN: Text("还没到", "too soon"),
}
# A month of fewer stands in the grid and not in the sentence above it: its share is chance.
_TOLD = 30
# How many customers a figure needs for its reader, as the units and people elsewhere.
Enough = Callable[[int], bool]


def everybody(_: int) -> bool:
    """Show every figure, as to who sees the whole bank."""
    return True


def cohort_table(found: Sequence[Cohort], enough: Enough = everybody) -> Table:
    """Return the retention grid of one group: a row a month of opening, a column a month since."""
    later = max((len(one.active) for one in found), default=0)
    rows = tuple(
        (Cell(say.same(one.month)), *_line(one.customers, [one.retained(month) for month in range(later)], enough))
        for one in found
    )
    columns = (Column(Text("开户月", "Opened in")), Column(Text("客户", "Customers"), number=True), *_months(later))
    return Table("cohorts", Text("留存：按开户月", "Retention by month of opening"), columns, rows, _KEPT_NOTE)


def group_retention(found: Sequence[Cohort], by: str, enough: Enough = everybody) -> Table:
    """Return retention by group: of all its cohorts that have come so far, the share active so many months on."""
    groups = defaultdict[str, list[Cohort]](list)
    for one in found:
        groups[one.group].append(one)
    later = max((len(one.active) for one in found), default=0)
    standings = group_standings(found)
    rows = []
    for name, cohorts in sorted(groups.items(), key=lambda item: -sum(one.customers for one in item[1])):
        total, shares = sum(one.customers for one in cohorts), list[float | None]()
        for month in range(later):
            come = [one for one in cohorts if month < len(one.active)]
            base = sum(one.customers for one in come)
            shares.append(sum(one.active[month] for one in come) / base if base else None)
        drill = f"?by={by}&group={name or '-'}"
        size, *cells = _line(total, shares, enough)
        beside = Cell(_STANDINGS[standings[name]]) if enough(total) else Cell(_DASH)
        rows.append((Cell(group_title(by, name), drill=drill), size, beside, *cells))
    columns = (
        Column(GROUPS[by]),
        Column(Text("客户", "Customers"), number=True),
        Column(Text(f"M{COMPARED} 与其他组比", f"M{COMPARED} beside the others")),
        *_months(later),
    )
    caption = Text(f"留存：按{GROUPS[by].zh}", f"Retention by {GROUPS[by].en.lower()}")
    note = Text(
        _KEPT_NOTE.zh + "“分不出高低”的组，差别可能只是偶然，不要按它排名。点开一组看它各月的客户。",
        _KEPT_NOTE.en
        + " Where a group is “not told apart” its difference may be chance: do not rank by it. A group opens "
        "its months.",
    )
    return Table("groups", caption, columns, tuple(rows), note)


def group_title(by: str, name: str) -> Text:
    """Return what a group of cohorts is called; '' is who has no source, or only the account."""
    if by == "product":
        return CLASS_TITLES.get(name, say.same(name)) if name else Text("只有账户", "The account alone")
    return say.same(name) if name else Text("未注明", "Not stated")


def _months(later: int) -> tuple[Column, ...]:
    return tuple(Column(say.same(f"M{month}"), number=True) for month in range(later))


def _line(customers: int, shares: Sequence[float | None], enough: Enough) -> tuple[Cell, ...]:
    if customers and not enough(customers):
        return (Cell(_FEW), *(Cell(_DASH) for _ in shares))
    return (Cell(say.count(customers)), *(_kept(share) for share in shares))


def _kept(share: float | None) -> Cell:
    return Cell(_DASH) if share is None else Cell(say.percent(share, 0), shade=min(max(share, 0.0), 1.0))


def funnel_table(found: Sequence[Funnel], enough: Enough = everybody) -> Table:
    """Return every journey's funnel: who got to each step, what the step before loses, how many days it takes."""
    rows = []
    for funnel in found:
        title, few = funnel.journey.title.text, not enough(funnel.customers)
        for number, stage in enumerate(funnel.stages):
            before = funnel.stages[number - 1].customers if number else 0
            share = stage.customers / funnel.customers if funnel.customers else None
            lost = 1 - stage.customers / before if number and before else None
            cells = (
                Cell(title if not number else say.same("")),
                Cell(stage.title),
                Cell(_FEW if few else say.count(stage.customers)),
                Cell(_DASH) if few or share is None else Cell(say.percent(share), bar=share),
                Cell(_DASH if few or lost is None else say.percent(lost)),
                Cell(_DASH if few or stage.days is None else say.same(f"{stage.days:g}")),
            )
            rows.append(cells)
    columns = (
        Column(Text("旅程", "Journey")),
        Column(Text("走到", "Step")),
        Column(Text("客户", "Customers"), number=True),
        Column(Text("占开户", "Of those who opened"), number=True),
        Column(Text("这一步流失", "Lost at the step"), number=True),
        Column(Text("离开户天数（中位）", "Days from opening, median"), number=True),
    )
    note = Text(
        f"一年（{OPENED_DAYS} 天）内开户、且旅程的天数已走完的客户；走到一步的，都走过前面各步，先后不论。",
        f"Of who opened within a year ({OPENED_DAYS} days) and has had all the days of the journey; a step counts for "
        "who passed all before it, in whatever order.",
    )
    return Table(
        "funnels", Text("客户旅程：每一步的流失", "Journeys: what each step loses"), columns, tuple(rows), note
    )


def funnel_picture(funnel: Funnel) -> Picture:
    """Return a journey as bars, from the opening on."""
    title = funnel.journey.title.text
    share = [stage.customers / funnel.customers if funnel.customers else 0.0 for stage in funnel.stages]
    rows = []
    for number, (stage, part) in enumerate(zip(funnel.stages, share, strict=True)):
        said = Text(f"{stage.customers:,} 人，{part:.1%}", f"{stage.customers:,}, {part:.1%}")
        rows.append(Bar(stage.title, part * 100, said, BarRole.CHOSEN if number else BarRole.PLAIN))
    within = funnel.journey.within
    named = Text(f"{title.zh}：开户后 {within} 天内", f"{title.en}: within {within} days of opening")
    alt = Text(
        f"{title.zh}每一步走到的客户占开户的百分比。",
        f"{title.en}: the percentage of those who opened that got to each step.",
    )
    return Picture(f"journey-{funnel.journey.key}", named, alt, Bars(tuple(rows)))


def journeys_book(
    day: date, by: str, group: str | None, kept: Sequence[Cohort], gone: Sequence[Funnel], enough: Enough = everybody
) -> Book:
    """Return the page: the cohort grid, of a ``group`` or by group, then the funnels."""
    if by == "all" or group is not None:
        chosen = "" if group in (None, "-") else group
        grid = cohort_table([one for one in kept if one.group == chosen], enough)
    else:
        grid = group_retention(kept, by, enough)
    pictures = tuple(funnel_picture(one) for one in gone if one.customers and enough(one.customers))
    answer = _answer(day, [one for one in kept if by == "all" or group is None or one.group == chosen], gone, enough)
    title = Text("客户旅程与留存", "Journeys and retention")
    if by != "all" and group is not None:
        named = group_title(by, chosen)
        title = Text(f"{title.zh}：{named.zh}", f"{title.en}: {named.en}")
    return Book("journeys", title, answer, (), pictures, (grid, funnel_table(gone, enough)))


def _answer(day: date, kept: Sequence[Cohort], gone: Sequence[Funnel], enough: Enough) -> Text:
    sizes, active = dict[str, int](), dict[str, int]()
    for one in kept:
        if len(one.active) > 3:
            sizes[one.month] = sizes.get(one.month, 0) + one.customers
            active[one.month] = active.get(one.month, 0) + one.active[3]
    told = (month for month, size in sizes.items() if size >= _TOLD and enough(size))
    month = max(told, default=None)
    parts_zh, parts_en = [f"{day} 收盘"], [f"As of {day}"]
    if month is not None:
        share = active[month] / sizes[month]
        parts_zh.append(f"{month} 开户的 {sizes[month]:,} 位客户，三个月后 {share:.0%} 活跃")
        parts_en.append(f"of {sizes[month]:,} who opened in {month}, {share:.0%} were active three months on")
    told_gone = [one for one in gone if one.customers and enough(one.customers)]
    if told_gone and (worst := told_gone[0].worst) is not None:
        title, (step, lost) = told_gone[0].journey.title.text, worst
        parts_zh.append(f"“{title.zh}”在“{step.title.zh}”流失最多（{lost:.0%}）")
        parts_en.append(f"'{title.en}' loses most at '{step.title.en}' ({lost:.0%})")
    elif told_gone:
        title = told_gone[0].journey.title.text
        parts_zh.append(f"“{title.zh}”哪一步流失最多，还分不出来")
        parts_en.append(f"which step of '{title.en}' loses most cannot be told yet")
    return Text("；".join(parts_zh) + "。", "; ".join(parts_en) + ".")


def cohorts_plain(found: Sequence[Cohort], enough: Enough = everybody) -> list[Mapping[str, object]]:
    """Return cohorts as JSON says them; of one too small only that it is."""
    return [_cohort_plain(one, few=bool(one.customers) and not enough(one.customers)) for one in found]


def standings_plain(found: Sequence[Cohort], enough: Enough = everybody) -> Mapping[str, str]:
    """Return by group how it stands beside the others, as JSON says it; nothing of a group too small for its reader."""
    sizes = defaultdict[str, int](int)
    for one in found:
        sizes[one.group] += one.customers
    return {name: said.value for name, said in group_standings(found).items() if enough(sizes[name])}


def _cohort_plain(one: Cohort, *, few: bool) -> Mapping[str, object]:
    named: dict[str, object] = {"month": one.month, "group": one.group}
    if few:
        return named | {"too_few": True}
    kept = [one.retained(month) for month in range(len(one.active))]
    return named | {"customers": one.customers, "active": list(one.active), "retained": kept}


def funnels_plain(found: Sequence[Funnel], enough: Enough = everybody) -> list[Mapping[str, object]]:
    """Return funnels as JSON says them; of one too small only that it is."""
    return [_funnel_plain(one, few=not enough(one.customers)) for one in found]


def _funnel_plain(one: Funnel, *, few: bool) -> Mapping[str, object]:
    journey = one.journey
    named: dict[str, object] = {"journey": journey.key, "title": asdict(journey.title.text), "within": journey.within}
    if few:
        return named | {"too_few": True}
    steps = [{"title": asdict(s.title), "customers": s.customers, "days": s.days} for s in one.stages]
    return named | {"steps": steps}
