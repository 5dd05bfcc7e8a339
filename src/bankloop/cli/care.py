"""Commands on care: the day's calls before money matures, a fall explained to a product's holders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, show_table
from bankloop.kit.text import Text

_HERE = Path()
_SPARED: Mapping[str, Text] = {
    "do_not_contact": Text("免打扰", "on the do-not-contact list"),
    "harm": Text("联系反而有害", "a contact would harm"),
    "in_touch": Text("近来已联系", "in touch of late"),
    "renews": Text("会自动转存", "renews by itself"),
}
_REFUSED: Mapping[str, Text] = {
    **_SPARED,
    "capacity": Text("当天已满", "full for the day"),
    "consent:no_consent": Text("没有同意", "no consent"),
    "consent": Text("同意不成立", "consent does not stand"),
    "no_channel": Text("没有可用渠道", "no channel is open"),
}
group = typer.Typer(
    help="关怀：到期承接、净值说明。Care: before money matures, after a fall.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("maturity")
@handled
def maturity(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """生成今天的到期承接任务。Make the day's calls before money matures."""
    from bankloop.care.initiative import care_for_maturities

    with opened_in(bank, as_, "care.maturity") as (opened, connection):
        done = care_for_maturities(opened, connection, opened.lake.today())
    show_table("到期承接 / maturities", ["到步客户 / due", "任务 / tasks"], [[done.due, done.tasks]], right=[0, 1])
    show_table(
        "未打扰 / left alone",
        ["原因 / reason", "客户 / customers"],
        [[_told(_SPARED, why), n] for why, n in done.spared.items()],
        right=[1],
    )
    finish({"due": done.due, "tasks": done.tasks, "spared": dict(done.spared)}, as_json)


def _told(words: Mapping[str, Text], why: str) -> str:
    """Return a reason in words, and what it is about behind them; one that has none as it is."""
    name, _, about = why.partition(":")
    said = words.get(why) or words.get(name)
    if said is None:
        return why
    about = about.removesuffix(":*") if why not in words else ""
    return f"{said.say(language())} ({about})" if about else said.say(language())


@group.command("remote")
@handled
def remote(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """远程中心维护长尾客户：A 级由坐席致电，其余批量触达。The remote centre keeps in touch with whom no manager keeps."""
    from bankloop.care.initiative import keep_in_touch

    with opened_in(bank, as_, "servicing.maintain") as (opened, connection):
        done = keep_in_touch(opened, connection, opened.lake.today())
    rows = [
        [Text("坐席致电", "calls"), done.calls],
        *([name, count] for name, count in done.messages.items()),
        [Text("等下一轮", "waiting"), done.waiting],
    ]
    show_table(f"远程维护 / remote · {done.due}", ["方式 / way", "客户 / customers"], rows, right=[1])
    show_table(
        "未触达 / refused",
        ["原因 / reason", "客户 / customers"],
        [[_told(_REFUSED, why), count] for why, count in done.refused.items()],
        right=[1],
    )
    finish(
        {"due": done.due, "calls": done.calls, "messages": dict(done.messages), "waiting": done.waiting, "refused": dict(done.refused)},
        as_json,
    )  # fmt: skip


@group.command("drawdown")
@handled
def drawdown(
    product: Annotated[str, typer.Argument(help="产品编号 / id of the product")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """向净值回撤产品的持有人说明原因，每人一次。Tell the holders of a product that fell why, each once."""
    from bankloop.care.initiative import explain_fall

    with opened_in(bank, as_, "care.drawdown") as (opened, connection):
        done = explain_fall(opened, connection, opened.lake.today(), product)
    rows = [[Text("客户经理", "managers"), done.tasks], *([name, count] for name, count in done.messages.items())]
    show_table(f"{product} · {done.holders}", ["方式 / way", "客户 / customers"], rows, right=[1])
    finish(
        {"product": product, "holders": done.holders, "tasks": done.tasks, "messages": dict(done.messages), "untold": dict(done.untold)},
        as_json,
    )  # fmt: skip
