"""The command that values a policy on logged data, or reads a campaign's rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.screen import AsJson, Folder, finish, language, show_table
from bankloop.cli.who import permit
from bankloop.kit import SystemClock

_HERE = Path()


def evaluate(
    target: Annotated[Path, typer.Argument(help="政策文件夹，或战役名 / a policy's folder, or a campaign")],
    data: Annotated[Path | None, typer.Option(help="记录数据所在 / folder of the logged data")] = None,
    bank: Folder = _HERE,
    rounds: Annotated[list[int] | None, typer.Option("--round", help="轮次，可多次 / rounds, repeatable")] = None,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 42,
    as_json: AsJson = False,
) -> None:
    """按记录数据评估政策；或读战役的结果。Value a policy on logged data, or read a campaign's rounds against control."""
    if data is None:
        _read_campaign(str(target), bank, rounds or [1], as_json)
        return
    from bankloop.loop.evaluate import value_policy

    valuation = value_policy(target, data, seed)
    columns, rows = valuation.table(language())
    show_table(valuation.title.say(language()), columns, rows, right=list(range(1, len(columns))))
    for note in valuation.notes:
        print(f"· {note.say(language())}")
    finish(valuation.as_dict(), as_json)


def _read_campaign(name: str, bank: Path, rounds: list[int], as_json: bool) -> None:
    from bankloop.loop import run as loop
    from bankloop.organization import system
    from bankloop.wiring import open_bank

    with open_bank(bank, SystemClock()) as opened:
        permit(opened.store, "round.evaluate")
        reading = loop.evaluate(opened, system(), name, rounds)
    show_table(name, [""], [[reading.sentence.say(language())]])
    finish(loop.plain_reading(reading), as_json)


COMMANDS = {"evaluate": evaluate}
