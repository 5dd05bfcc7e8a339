"""The daily report (日报) as people see it: one page of a unit, the units below it, a picture and a workbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from bankloop.kit.text import Language, Text
from bankloop.performance.daily import DailyReport, Figures
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table, Tone
from bankloop.view.sheet import TOTAL, book_pages

BALANCES: Mapping[str, Text] = {
    "deposits": Text("存款", "Deposits"),
    "aum": Text("金融资产", "Assets"),
    "loans": Text("贷款", "Loans"),
}
_DIRECT = Text("本级直管", "Directly here")
_UNKNOWN = say.same("—")
# Below this share done on time a unit is red, below the other amber.
RED, AMBER = 0.6, 0.8


@dataclass(frozen=True, slots=True)
class TargetPace:
    """How far a unit is with a target of its own (序时进度): shares of the amount and of the time, None where unknown."""

    title: Text
    reached: float | None
    gone: float


def daily_book(
    report: DailyReport, names: Mapping[str, Text], progress: tuple[TargetPace, ...] = (), base: str | None = None
) -> Book:
    """Return a unit's report as a book; ``base`` is where the report of a unit below is found, None in a file."""
    whole, name = report.whole, names.get(report.unit_id, say.same(report.unit_id))
    title = Text(f"{name.zh}日报", f"Daily report · {name.en}")
    tables = (
        _balances_table(whole),
        *((_progress_table(progress),) if progress else ()),
        _units_table(report, names, base),
    )
    pictures = tuple(one for one in (_picture(report, names),) if one is not None)
    return Book(f"daily-{report.day}-{report.unit_id}", title, _answer(report), _figures(report), pictures, tables)


def daily_pages(
    report: DailyReport,
    names: Mapping[str, Text],
    progress: tuple[TargetPace, ...] = (),
    language: Language = Language.ZH,
) -> dict[str, bytes]:
    """Return a report's pages by their ending: a picture and a workbook."""
    return book_pages(daily_book(report, names, progress), language, ("png", "xlsx"))


@dataclass(frozen=True, slots=True)
class DailyPress:
    """Makes the pages of reports for who hands them over; ``progress_of`` says how far a unit is with its targets."""

    names: Mapping[str, Text]
    progress_of: Callable[[str, date], tuple[TargetPace, ...]] = lambda unit, day: ()

    def __call__(self, report: DailyReport) -> Mapping[str, bytes]:
        """Return the pages of one report by their ending."""
        return daily_pages(report, self.names, self.progress_of(report.unit_id, report.day))


def year_gone(day: date) -> float:
    """Return the share of the year that has passed at a day's end."""
    first, following = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return ((day - first).days + 1) / (following - first).days


def _answer(report: DailyReport) -> Text:
    deposits = report.whole.balances.get("deposits")
    if deposits is None:
        return Text(f"截至 {report.day}，本机构没有客户余额。", f"As of {report.day} no balances are kept here.")
    point, since = say.money(deposits.point), _since(deposits.since_year_start)
    gone = say.percent(year_gone(report.day), 0)
    told = Text(
        f"截至 {report.day} 存款 {point.zh}，较年初 {since.zh}；有效户 {report.whole.effective:,}；全年时间已过 {gone.zh}。",
        f"As of {report.day}: deposits {point.en}, {since.en} since the year's start; {report.whole.effective:,} effective "
        f"customers; {gone.en} of the year has passed.",
    )
    if report.data_on == report.day:
        return told
    return Text(
        f"{told.zh}余额是 {report.data_on} 的，之后没有新数据。",
        f"{told.en} Balances are of {report.data_on}: nothing newer has come.",
    )


def _figures(report: DailyReport) -> tuple[Figure, ...]:
    whole = report.whole
    money = tuple(
        Figure(title, say.money(whole.balances[kind].point), _note(whole, kind))
        for kind, title in BALANCES.items()
        if kind in whole.balances
    )
    rate = say.percent(whole.on_time / whole.instructed, 0) if whole.instructed else _UNKNOWN
    more = _counted(whole.effective_since)
    return (
        *money,
        Figure(Text("有效户", "Effective customers"), say.count(whole.effective),
               Text(f"较年初 {more.zh}，共 {whole.customers:,} 户", f"{more.en} since the year's start, of {whole.customers:,}")),
        Figure(Text("中收（当月）", "Fees, month"), say.money(whole.fees_month),
               Text(f"当年 {say.money(whole.fees_year).zh}，按费率计提", f"{say.money(whole.fees_year).en} this year, accrued at the rates")),
        Figure(Text("任务落实率（当月）", "Tasks done on time, month"), rate,
               Text(f"{whole.on_time:,}/{whole.instructed:,}，超时 {whole.overdue:,}", f"{whole.on_time:,} of {whole.instructed:,}, {whole.overdue:,} overdue")),
    )  # fmt: skip


def _note(whole: Figures, kind: str) -> Text:
    one = whole.balances[kind]
    average, since = say.money(one.month_average), _since(one.since_year_start)
    return Text(f"月日均 {average.zh}，较年初 {since.zh}", f"month's average {average.en}, {since.en} this year")


def _picture(report: DailyReport, names: Mapping[str, Text]) -> Picture | None:
    """The units below by what deposits did since the year's start; by how much there is where that is not known."""
    found = [(unit, one.balances["deposits"]) for unit, one in report.below.items() if "deposits" in one.balances]
    known = all(one.since_year_start is not None for _, one in found)
    amounts = [(unit, one.since_year_start if known else one.point) for unit, one in found]
    ranked = sorted(((unit, fen or 0) for unit, fen in amounts), key=lambda row: (-row[1], row[0]))[:_MOST_BARS]
    if len(ranked) < 2 or min(fen for _, fen in ranked) < 0:
        return None  # bars grow from nought; falls stand in the table
    bars = tuple(Bar(names.get(unit, say.same(unit)), fen / 100, say.money(fen, sign=known)) for unit, fen in ranked)
    title = (
        Text("存款较年初，按机构", "Deposits since the year's start, by unit")
        if known
        else Text("存款时点，按机构", "Deposits, by unit")
    )
    return Picture("daily-units", title, title, Bars(bars))


_MOST_BARS = 12


def _balances_table(whole: Figures) -> Table:
    rows = tuple(
        (
            Cell(title),
            Cell(say.money(whole.balances[kind].point)),
            Cell(say.money(whole.balances[kind].month_average)),
            Cell(say.money(whole.balances[kind].year_average)),
            Cell(_since(whole.balances[kind].since_year_start)),
        )
        for kind, title in BALANCES.items()
        if kind in whole.balances
    )
    columns = (
        Column(Text("余额", "Balance")),
        Column(Text("时点", "At day's end"), number=True),
        Column(Text("月日均", "Month's average"), number=True),
        Column(Text("年日均", "Year's average"), number=True),
        Column(Text("较年初", "Since year start"), number=True),
    )
    return Table("daily-balances", Text("余额", "Balances"), columns, rows)


def _progress_table(progress: tuple[TargetPace, ...]) -> Table:
    rows = tuple(
        (
            Cell(one.title),
            Cell(say.percent(one.reached) if one.reached is not None else _UNKNOWN, bar=_inside(one.reached)),
            Cell(say.percent(one.gone)),
            _behind(one),
        )
        for one in progress
    )
    columns = (
        Column(Text("指标", "Target")),
        Column(Text("完成", "Reached"), number=True),
        Column(Text("序时进度", "Time gone"), number=True),
        Column(Text("对比", "Compared")),
    )
    return Table("daily-progress", Text("序时进度", "Pace against time"), columns, rows)


def _behind(one: TargetPace) -> Cell:
    if one.reached is None:
        return Cell(_UNKNOWN)
    if one.reached >= one.gone:
        return Cell(Text("达序时", "in time"), Tone.GOOD, tag=True)
    short = say.percent(one.gone - one.reached)
    return Cell(Text(f"欠进度 {short.zh}", f"behind by {short.en}"), Tone.BAD, tag=True)


def _inside(share: float | None) -> float | None:
    return None if share is None else min(max(share, 0.0), 1.0)


def _units_table(report: DailyReport, names: Mapping[str, Text], base: str | None) -> Table:
    rows = [
        _unit_row(Cell(names.get(unit, say.same(unit)), drill=None if base is None else f"{base}{unit}"), one)
        for unit, one in report.below.items()
        if _anything(one)
    ]
    if report.below and _anything(report.direct):
        rows.append(_unit_row(Cell(_DIRECT), report.direct))
    rows.append(_unit_row(Cell(TOTAL), report.whole))
    columns = (
        Column(Text("机构", "Unit")),
        Column(Text("存款时点", "Deposits"), number=True),
        Column(Text("月日均", "Month avg"), number=True),
        Column(Text("较年初", "This year"), number=True),
        Column(Text("有效户", "Effective"), number=True),
        Column(Text("中收（当月）", "Fees"), number=True),
        Column(Text("任务落实", "On time")),
        Column(Text("超时", "Overdue"), number=True),
    )
    note = Text("合计等于各行之和，逐级相等。", "The total is the sum of the rows, at every level.")
    return Table("daily-units", Text("各机构", "By unit"), columns, tuple(rows), note)


def _anything(figures: Figures) -> bool:
    return bool(figures.customers or figures.instructed or any(one.point for one in figures.balances.values()))


def _unit_row(first: Cell, one: Figures) -> tuple[Cell, ...]:
    deposits = one.balances.get("deposits")
    rate = one.on_time / one.instructed if one.instructed else None
    tone = Tone.PLAIN if rate is None else Tone.BAD if rate < RED else Tone.WARN if rate < AMBER else Tone.GOOD
    return (
        first,
        Cell(say.money(deposits.point) if deposits else _UNKNOWN),
        Cell(say.money(deposits.month_average) if deposits else _UNKNOWN),
        Cell(_since(deposits.since_year_start) if deposits else _UNKNOWN),
        Cell(say.count(one.effective)),
        Cell(say.money(one.fees_month)),
        Cell(say.percent(rate, 0) if rate is not None else _UNKNOWN, tone, tag=rate is not None),
        Cell(say.count(one.overdue)),
    )


def _since(fen: int | None) -> Text:
    return Text("未知", "not known") if fen is None else say.money(fen, sign=True)


def _counted(number: int | None) -> Text:
    return Text("未知", "not known") if number is None else say.count(number, sign=True)
