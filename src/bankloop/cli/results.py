"""Commands that read what campaigns came to: programme, plays, cohorts, journeys, trace, and files of any of them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.screen import AsJson, Folder, finish, language, show_table, tell
from bankloop.cli.who import permit
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.loop.bank import Bank
    from bankloop.view.book import Book

_HERE = Path()
Day = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="哪一天 / the day")]
_KINDS = (".xlsx", ".html", ".json")


def programme(
    name: Annotated[
        str | None, typer.Argument(help="项目名；不写则为全部战役 / a programme; without it all campaigns")
    ] = None,
    bank: Folder = _HERE,
    metric: Annotated[str | None, typer.Option(help="换一个指标看 / another metric than the file's")] = None,
    as_of: Day = None,
    as_json: AsJson = False,
) -> None:
    """项目：基线、现在、留白、净增；不写名字则读全部战役合在一起的钱。Read a programme net of the holdout, or all campaigns' money."""
    from dataclasses import asdict

    from bankloop.organization.principals import system
    from bankloop.performance.growth import programme_growth
    from bankloop.performance.programme import read_programme
    from bankloop.report.programme_page import programme_view
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        if name is not None:
            found = programme_growth(opened, system(), name, _day(opened, as_of), metric)
            _show(_programme_book(opened, found))
            plain = {
                "growth": asdict(found.growth),
                "amount": found.growth.amount,
                "elapsed": found.elapsed,
                "reached": found.reached,
            }
            spec = found.spec.model_dump(mode="json", by_alias=True)
            finish({"programme": spec, "metric": found.metric.key, "baseline_on": found.baseline_on.isoformat(),
                    "as_of": found.as_of.isoformat(), **_json(plain)}, as_json)  # fmt: skip
            return
        whole = read_programme(opened, system())
    speaks = language()
    view = programme_view(whole, {line.campaign: Text(line.campaign, line.campaign) for line in whole.lines})
    tell(view.answer)
    rows = [[f.label.say(speaks), f.value.say(speaks), f.note.say(speaks) if f.note else ""] for f in view.figures]
    show_table("", ["", "", ""], rows)
    show_table(view.table.caption.say(speaks), view.table.heads(speaks), view.table.said(speaks), right=[1, 2, 3])
    finish(whole.as_dict(), as_json)


def plays(
    where: Annotated[
        list[str] | None,
        typer.Option(help="筛选，如 旅程=流失挽回，可多次 / filter, e.g. journey=retention, repeatable"),
    ] = None,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """策略库：按客户、产品、旅程、场景查；负责人、最近 KPI、在哪里挣了多少。Show the library of plays, filtered; what each earned."""
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        book, found = _plays(opened, where or [])
    _show(book)
    finish(
        {
            "plays": [
                {
                    **one.play.model_dump(mode="json"),
                    "incremental": round(one.incremental),
                    "last": [{"campaign": r.campaign, "rounds": list(r.rounds), "lift": _estimate(r.lift), "verdict": r.verdict.value} for r in one.readings],
                    "earned_by_branch": {k: round(v) for k, v in one.earned_by_branch().items()},
                }
                for one in found
            ]
        },
        as_json,
    )  # fmt: skip


def cohorts(
    bank: Folder = _HERE,
    as_of: Day = None,
    by: Annotated[str, typer.Option(help="all、source 或 product / one of these")] = "all",
    as_json: AsJson = False,
) -> None:
    """留存与获客成本：按开户月看各月仍活跃的比例，可按来源或开户产品。Show retention by month of opening, and CAC by source."""
    from dataclasses import asdict

    from bankloop.performance.cohorts import acquisition, retention
    from bankloop.report.journeys import cohort_table, cohorts_plain, group_retention, standings_plain
    from bankloop.report.plays import acquisition_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        day = _day(opened, as_of)
        kept, came = retention(opened, day, by), acquisition(opened, day)
    speaks = language()
    for table in (cohort_table(kept) if by == "all" else group_retention(kept, by), acquisition_table(came)):
        right = list(range(1, len(table.columns)))
        show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks), right=right)
    spent = [{**asdict(one), "each": one.each} for one in came]
    said = {"cohorts": cohorts_plain(kept), "standings": standings_plain(kept)}
    finish({"as_of": day.isoformat(), "by": by, **said, "acquisition": spent}, as_json)


def journeys(bank: Folder = _HERE, as_of: Day = None, as_json: AsJson = False) -> None:
    """客户旅程：开户以后每一步走到多少客户、流失多少、要几天。Show the funnels of new customers and what each step loses."""
    from bankloop.performance.journeys import funnels
    from bankloop.report.journeys import funnel_table, funnels_plain
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        day = _day(opened, as_of)
        gone = funnels(opened, day)
    speaks, table = language(), funnel_table(gone)
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks), right=[2, 3, 4, 5])
    finish({"as_of": day.isoformat(), "journeys": funnels_plain(gone)}, as_json)


def trace(
    wanted: Annotated[
        str, typer.Argument(help="决策号，或 来源/事件号 / a decision's id, or SOURCE/NUMBER of an event")
    ],
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """追溯：转化 → 触达 → 客群 → 模型版本。Trace a conversion back to contact, segment and model version."""
    from bankloop.loop.round import trace as trace_room
    from bankloop.organization.principals import system
    from bankloop.report.plays import trace_book
    from bankloop.view.format import masked_number
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "decision.read")
        found = trace_room.trace(opened, system(), wanted)
    book = trace_book(found, masked_number)
    _show(book)
    goal = found.conversion
    finish(
        {
            "decision": found.decision_id,
            "campaign": found.campaign,
            "round": found.round,
            "customer": masked_number(found.customer_no),
            "conversion": f"{goal.source}/{goal.event_id}" if goal else None,
            "contact": {"channel": found.contact.channel, "accepted": found.contact.accepted}
            if found.contact
            else None,
            "segment": {"digest": found.segment, "members": found.members, "expression": found.expression},
            "models": [{"model": m.model_id, "version": m.version, "digest": m.artefact_digest} for m in found.models],
            "lock": found.lock,
            "plan": found.plan_id,
        },
        as_json,
    )


def save(
    what: Annotated[str, typer.Argument(help="results, programme, metrics 或 plays / one of these")],
    target: Annotated[Path, typer.Argument(help="文件 .xlsx .html .json / the file to write")],
    bank: Folder = _HERE,
    name: Annotated[str | None, typer.Option(help="项目名 / the programme's name")] = None,
    as_json: AsJson = False,
) -> None:
    """把结果、项目、指标或策略库写成一个文件；表里没有公式，网页不依赖别处。Write results, programme, metrics or plays to one file."""
    import json

    from bankloop.view.book import book_html, book_plain, write_workbook
    from bankloop.wiring import open_bank

    makers = {
        "results": _results,
        "programme": _first_programme,
        "metrics": _metrics,
        "plays": _library,
    }
    if what not in makers or target.suffix not in _KINDS:
        raise InputError(
            "save.what",
            Text("写不出 {what} 到 {target}；内容可为 {known}，文件可为 {kinds}", "cannot write {what} to {target}; what: {known}; files: {kinds}"),
            what=what, target=str(target), known=", ".join(makers), kinds=" ".join(_KINDS),
        )  # fmt: skip
    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        book = makers[what](opened, name)
    match target.suffix:
        case ".xlsx":
            write_workbook(book, target, language())
        case ".html":
            target.write_text(book_html(book, language()), encoding="utf-8")
        case _:
            target.write_text(json.dumps(book_plain(book), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    rows = sum(len(table.rows) for table in book.tables)
    show_table(str(target), ["表 / tables", "行 / rows"], [[len(book.tables), rows]], right=[0, 1])
    finish({"file": str(target), "tables": len(book.tables), "rows": rows}, as_json)


def _results(bank: Bank, _: str | None) -> Book:
    from bankloop.loop.round.reading import newest_readings
    from bankloop.organization.principals import system
    from bankloop.performance.programme import read_programme
    from bankloop.report.results import results_book, results_page

    readings = newest_readings(bank, system())
    if not readings:
        raise InputError("save.no_readings", Text("还没有读数；先运行 bankloop evaluate 战役名", "there is no reading yet; run bankloop evaluate CAMPAIGN first"))  # fmt: skip
    return results_book(results_page(readings, _titles(bank), programme=read_programme(bank, system())))


def _first_programme(bank: Bank, name: str | None) -> Book:
    from bankloop.organization.principals import system
    from bankloop.performance.growth import programme_growth, programmes_of

    known = programmes_of(bank)
    chosen = name or next(iter(known), "")
    return _programme_book(bank, programme_growth(bank, system(), chosen, _day(bank, None)))


def _programme_book(bank: Bank, found: Any) -> Book:
    from bankloop.loop.round.reading import newest_readings
    from bankloop.organization.principals import system
    from bankloop.performance.programme import read_programme
    from bankloop.report.programmes import programme_book

    readings = [one for one in newest_readings(bank, system()) if one.campaign in found.spec.campaigns]
    return programme_book(found, readings, _titles(bank), read_programme(bank, system()))


def _metrics(bank: Bank, _: str | None) -> Book:
    from bankloop.performance.cohorts import acquisition, execution, retention
    from bankloop.performance.scorecard import metrics_of, scorecard
    from bankloop.report.plays import metrics_book

    day = _day(bank, None)
    kept, came = retention(bank, day), acquisition(bank, day)
    return metrics_book(scorecard(bank, day), metrics_of(bank), day, kept, came, execution(bank, day))


def _plays(bank: Bank, where: list[str]) -> tuple[Book, Any]:
    from bankloop.organization.principals import system
    from bankloop.performance.plays import dimension_of, play_records, values_of
    from bankloop.report.plays import plays_book

    filters = [(dimension_of(one.partition("=")[0]), one.partition("=")[2]) for one in where]
    found = play_records(bank, system(), filters)
    return plays_book(found, lambda play, name: values_of(bank, play, name), _titles(bank), filters), found


def _library(bank: Bank, _: str | None) -> Book:
    return _plays(bank, [])[0]


def _titles(bank: Bank) -> dict[str, Text]:
    return {name: campaign.title.text for name, campaign in bank.spec.campaigns.items()}


def _show(book: Book) -> None:
    speaks = language()
    tell(book.answer)
    if book.figures:
        rows = [[f.label.say(speaks), f.value.say(speaks), f.note.say(speaks) if f.note else ""] for f in book.figures]
        show_table(book.title.say(speaks), ["", "", ""], rows)
    for table in book.tables:
        right = [index for index, column in enumerate(table.columns) if column.number]
        show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks), right=right)


def _day(bank: Bank, as_of: datetime | None) -> date:
    if as_of is not None:
        return date(as_of.year, as_of.month, as_of.day)
    versions = bank.lake.manifest.versions("customer")
    return min(bank.lake.today(), max((one.as_of for one in versions), default=bank.lake.today()))


def _estimate(lift: Any) -> dict[str, float] | None:
    return None if lift is None else {"value": lift.value, "low": lift.low, "high": lift.high}


def _json(value: dict[str, Any]) -> dict[str, Any]:
    from dataclasses import asdict, is_dataclass

    return {k: asdict(v) if is_dataclass(v) and not isinstance(v, type) else v for k, v in value.items()}


COMMANDS = {
    "programme": programme,
    "plays": plays,
    "cohorts": cohorts,
    "journeys": journeys,
    "trace": trace,
    "save": save,
}
