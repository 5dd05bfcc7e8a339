"""Commands on the daily report: make it, hand it over, show a unit's."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table, tell
from bankloop.cli.who import permit
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

_HERE = Path()
Day = Annotated[
    datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="日期，默认昨天 / day, yesterday by default")
]
group = typer.Typer(
    help="日报：生成、送达、查看。The daily report: made, handed over, shown.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("make")
@handled
def make(day: Day = None, bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """生成各机构的日报并送达，每位负责人一次；serve 每天 8:30 自动做。Make a day's reports and hand them over, once each."""
    from bankloop.organization.principals import system
    from bankloop.performance.daily_figures import report_day
    from bankloop.wiring import hand_over_daily, open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "daily.make")
        wanted = day.date() if day else opened.lake.today() - timedelta(days=1)
        say(Text("正在读数", "reading"))
        told = report_day(opened, system("daily"), wanted)
        sent = hand_over_daily(opened).done
    show_table(f"{wanted}", ["机构 / units", "送达 / handed over"], [[len(told), sent]])
    finish({"day": wanted.isoformat(), "units": len(told), "delivered": sent}, as_json)


@group.command("work")
@handled
def work(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """做当天的例行工作（归属、学习、漂移、到期、回撤、远程），可重复执行；serve 每天 8:30 自动做。Do the day's regular work; safe to repeat."""
    from bankloop.wiring import open_bank
    from bankloop.work.daily_jobs import work_day

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "daily.make")
        today = opened.lake.today()
        done = work_day(opened, today)
    rows: list[list[object]] = []
    parts: dict[str, Any] = {}
    for one in done:
        parts[one.part] = {"refused": one.refused.as_dict()} if one.refused else _plain(one.result)
        said = one.refused.say(language()) if one.refused else _told(one.result, parts[one.part])
        rows.append([one.part, said or "—"])
    show_table(f"{today}", ["工作 / part", "结果 / result"], rows)
    finish({"day": today.isoformat(), "parts": parts}, as_json)


@group.command("show")
@handled
def show(
    unit: Annotated[str, typer.Argument(help="机构号 / unit")],
    day: Day = None,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """查看一个机构的日报，默认最近一天。Show a unit's report, the newest by default."""
    from bankloop.organization.people import units
    from bankloop.performance.daily import daily_of
    from bankloop.report.daily import daily_book

    with opened_in(bank, as_, "daily.read") as (_, connection):
        report = daily_of(connection, unit, day.date() if day else None)
        book = daily_book(report, {one.unit_id: one.name for one in units(connection)})
    tell(book.answer)
    for table in book.tables:
        show_table(table.caption.say(language()), table.heads(language()), table.said(language()))
    found: dict[str, Any] = {
        "day": report.day.isoformat(),
        "unit": report.unit_id,
        "data_on": report.data_on.isoformat(),
        "known_from": report.known_from.isoformat(),
        "whole": report.whole.plain(),
        "direct": report.direct.plain(),
        "below": {name: one.plain() for name, one in report.below.items()},
    }
    finish(found, as_json)


def _told(result: Any, plain: dict[str, Any]) -> str:
    from collections.abc import Mapping

    if isinstance(result, Mapping) and all(hasattr(one, "said") for one in result.values()):
        return "\n".join(f"{name}: {one.said.say(language())}" for name, one in result.items())
    return _in_words(plain)


def _in_words(plain: Any) -> str:
    """Return plain values as a line: names with their values, what has names of its own in brackets."""
    from collections.abc import Mapping

    if not isinstance(plain, Mapping):
        return f"{plain:,}" if isinstance(plain, int) else str(plain)
    said = (
        f"{key} ({_in_words(value)})" if isinstance(value, Mapping) else f"{key} {_in_words(value)}"
        for key, value in plain.items()
        if value not in ({}, None)
    )
    return ", ".join(said)


def _plain(value: Any) -> Any:
    from collections.abc import Mapping
    from dataclasses import fields, is_dataclass

    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, Mapping) else value
