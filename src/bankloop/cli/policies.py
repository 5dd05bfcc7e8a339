"""The command that values a policy on logged data, or reads a campaign's rounds."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.following import say_following
from bankloop.cli.screen import AsJson, Folder, finish, language, show_table, tell
from bankloop.cli.who import permit
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

_HERE = Path()


def evaluate(
    target: Annotated[Path, typer.Argument(help="政策文件夹，或战役名 / a policy's folder, or a campaign")],
    data: Annotated[Path | None, typer.Option(help="记录数据所在 / folder of the logged data")] = None,
    bank: Folder = _HERE,
    rounds: Annotated[list[int] | None, typer.Option("--round", help="轮次，可多次 / rounds, repeatable")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="分组看：action channel script tier branch sub_branch manager / cut by one of these"),
    ] = None,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 42,
    as_json: AsJson = False,
) -> None:
    """按记录数据评估政策；或读战役的结果。Value a policy on logged data, or read a campaign's rounds against control."""
    if data is None:
        _read_campaign(str(target), bank, rounds or [1], by, as_json)
        return
    from bankloop.loop.evaluate import value_policy

    valuation = value_policy(target, data, seed)
    columns, rows = valuation.table(language())
    show_table(valuation.title.say(language()), columns, rows, right=list(range(1, len(columns))))
    for note in valuation.notes:
        tell(f"· {note.say(language())}")
    finish(valuation.as_dict(), as_json)


def _read_campaign(name: str, bank: Path, rounds: list[int], by: str | None, as_json: bool) -> None:
    from dataclasses import asdict, replace

    from bankloop.loop import run as loop
    from bankloop.loop.round.reading import cut_by
    from bankloop.loop.round.window import plain_reading
    from bankloop.organization.principals import system
    from bankloop.report.details import group_table
    from bankloop.report.rules import measured_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.evaluate")
        reading = loop.evaluate(opened, system(), name, rounds)
        cuts = cut_by(opened, system(), name, rounds, by) if by else reading.of("action")
    speaks = language()
    show_table(name, [""], [[reading.sentence.say(speaks)], *[[note.say(speaks)] for note in reading.notes]])
    found = group_table(replace(reading, cuts=cuts), [by or "action"], Text(name, name))
    show_table(found.caption.say(speaks), found.heads(speaks), found.said(speaks), right=list(range(1, 11)))
    rules = measured_table([reading], {name: Text(name, name)})
    if rules.rows:
        show_table(rules.caption.say(speaks), rules.heads(speaks), rules.said(speaks), right=[2, 3, 4])
    say_following("evaluate", bank, campaign=name, round=rounds[-1])
    finish({**plain_reading(reading), **({"by": [asdict(cut) for cut in cuts]} if by else {})}, as_json)


def metrics(
    bank: Folder = _HERE,
    as_of: Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="哪一天 / the day")] = None,
    by: Annotated[str, typer.Option(help="层级 / level: bank branch sub_branch manager")] = "bank",
    within: Annotated[list[str] | None, typer.Option(help="只看某单位，如 branch=B001 / within a unit")] = None,
    only: Annotated[list[str] | None, typer.Option("--metric", help="指标，可多次 / metrics, repeatable")] = None,
    as_json: AsJson = False,
) -> None:
    """指标：公式、负责人、版本；任何一天都能重现，逐层下钻合计相符。Show the metrics of any day, by any level; sums are exact."""
    from dataclasses import asdict

    from bankloop.performance.scorecard import metrics_of, scorecard
    from bankloop.report.scorecard import drill_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        newest = max(one.as_of for one in opened.lake.manifest.versions("customer"))
        day = date(as_of.year, as_of.month, as_of.day) if as_of else min(opened.lake.today(), newest)
        units = dict(one.split("=", 1) for one in within or ())
        # Rows of customers are shown by the console, to who may see them.
        level = by if by in ("bank", "branch", "sub_branch", "manager") else "bank"
        found = scorecard(opened, day, level, units, only)
        catalogue = metrics_of(opened)
    speaks = language()
    if not found:
        tell(Text("这一天没有这样的指标。", "There is no such metric on that day."))
    for key in dict.fromkeys(one.metric for one in found):
        table = drill_table([one for one in found if one.metric == key], catalogue[key], level, None)
        show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks), right=[1, 2, 3])
    finish({"as_of": day.isoformat(), "numbers": [asdict(one) for one in found]}, as_json)


COMMANDS = {"evaluate": evaluate, "metrics": metrics}
