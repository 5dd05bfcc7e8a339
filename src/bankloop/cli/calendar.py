"""The command on the calendar of campaigns."""

from __future__ import annotations

from pathlib import Path

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table
from bankloop.kit.text import Text

_HERE = Path()


@handled
def calendar(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """营销日历：各战役的日期，以及同一批客户超过频次上限的冲突。Show when campaigns run and where they clash with the caps."""
    from bankloop.kit.plain import plain
    from bankloop.loop.campaign.calendar import calendar_of, conflicts_of

    with opened_in(bank, as_, "campaign.read") as (opened, connection):
        entries = calendar_of(opened, connection, opened.lake.today())
        found = conflicts_of(opened, connection, entries)
    rows = [
        [one.campaign, one.state, *(day.isoformat() if day else "—" for day in (one.since, one.until))]
        for one in entries
    ]
    show_table("日历 / calendar", ["战役 / campaign", "状态 / state", "从 / from", "到 / to"], rows)
    for one in found:
        say(one.sentence)
    if not found:
        say(Text("没有冲突", "no conflicts"))
    told = [{**plain(one), "said": one.sentence.say(language())} for one in found]
    finish({"calendar": plain(entries), "conflicts": told}, as_json)


COMMANDS = {"calendar": calendar}
