"""The command on channels: the registry, connections and online rates."""

from __future__ import annotations

from pathlib import Path

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table
from bankloop.kit.text import Text

_HERE = Path()
group = typer.Typer(
    help="渠道：层级、贯通、在线率。Channels: levels, connections, online rates.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list")
@handled
def listed(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """列出渠道、近 30 天的四个贯通和三个在线率。List channels, their connections of 30 days, and the online rates."""
    from bankloop.kit.plain import plain
    from bankloop.performance.channels import channel_lines, online_rates

    with opened_in(bank, as_, "contact.read") as (opened, connection):
        found = channel_lines(opened, connection, opened.lake.today())
        rates = online_rates(opened)
    yes, no = Text("是", "yes").say(language()), Text("否", "no").say(language())
    rows = [[one.name, one.level, *(yes if one.connected(kind) else no for kind in one.seen)] for one in found]
    heads = ["渠道 / channel", "层级 / level", "交易 / sales", "营销 / marketing", "服务 / service", "数据 / data"]
    show_table("渠道 / channels", heads, rows)
    for one in rates:
        said = Text("{kind}：{total} 个中 {online} 个在线", "{kind}: {online} of {total} online")
        say(said.filled(kind=one.kind.value, online=one.online, total=one.total))
    connected = [{**plain(one), "connected": {kind.value: one.connected(kind) for kind in one.seen}} for one in found]
    finish({"channels": connected, "online": [{**plain(one), "share": one.share} for one in rates]}, as_json)
