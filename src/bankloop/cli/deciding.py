"""Commands on real time: what a slot shows to a customer now, why, and what the customer made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.loop.realtime import LiveAnswer

_HERE = Path()
Customer = Annotated[str, typer.Argument(help="客户号 / customer")]
Slot = Annotated[str, typer.Option("--slot", help="展示位，即 delivery: slot 的渠道 / a channel with delivery: slot")]
Decision = Annotated[str, typer.Argument(help="决策编号 / number of the decision")]
group = typer.Typer(
    help="实时决策：此刻给谁看什么、为什么、结果如何。Real time: what is shown to whom now, why, and what came of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("now")
@handled
def now(customer: Customer, slot: Slot, bank: Folder = _HERE, as_: Person = "steward", as_json: AsJson = False) -> None:
    """决定展示位此刻给客户看什么，窗口内不变。Decide what a slot shows a customer now; it stands for the window."""
    from bankloop.loop.realtime import DecisionDesk, decide_live
    from bankloop.store.database import principal_of

    with opened_in(bank, as_, "decision.make") as (opened, connection):
        found = decide_live(DecisionDesk(opened), principal_of(connection), customer, slot)
    _tell(found, as_json)


@group.command("rank")
@handled
def rank(
    customer: Customer, slot: Slot, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False
) -> None:
    """只看不记：此刻会给客户看什么，按方案价格的排序。Look only: what would be shown now, ranked at the plan's prices."""
    from bankloop.loop.realtime import DecisionDesk, rank_live
    from bankloop.store.database import principal_of

    with opened_in(bank, as_, "decision.read") as (opened, connection):
        found = rank_live(DecisionDesk(opened), principal_of(connection), customer, slot)
    _tell(found, as_json)


@group.command("explain")
@handled
def explain(decision: Decision, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """说明一次实时决策：价值、价格、分组、概率。Explain a decision: values, prices, cell, probability."""
    from bankloop.kit.plain import plain
    from bankloop.loop.realtime import explain as explained

    with opened_in(bank, as_, "decision.read") as (_, connection):
        found = explained(connection, decision)
    say(
        Text(
            f"{found.slot}：战役 {found.campaign} 第 {found.round} 轮，分组 {found.cell}，展示 {found.issued or '无'}，"
            f"概率 {found.odds.get(found.issued, 0) / 10_000:.1f}%。",
            f"{found.slot}: {found.campaign}, round {found.round}, cell {found.cell}, "
            f"shown {found.issued or 'nothing'}, probability {found.odds.get(found.issued, 0) / 10_000:.1f}%.",
        )
    )
    _ranking(found.ranked)
    finish(plain(found), as_json)


@group.command("outcome")
@handled
def outcome(
    decision: Decision,
    came: Annotated[str, typer.Argument(help="shown clicked dismissed declined accepted")],
    number: Annotated[str, typer.Option("--number", help="报送方的编号 / the teller's own number")] = "",
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """记下客户的反应；拒绝和关闭在所有渠道生效。Take in what the customer made of it; a refusal holds on every channel."""
    from bankloop.loop.realtime import DecisionDesk, outcome_named, record_outcome
    from bankloop.store.database import now_of

    with opened_in(bank, as_, "decision.answer") as (opened, connection):
        kind = outcome_named(came)
        new = record_outcome(DecisionDesk(opened), connection, decision, kind, now_of(connection), number)
    say(Text("已记下。", "Taken in.") if new else Text("早已记下，没有变化。", "Known already; nothing has changed."))
    finish({"decision_id": decision, "outcome": kind.value, "new": new}, as_json)


@group.command("slots")
@handled
def slots(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """今天各展示位：来看的客户、决定展示、客户的反应。What each slot did today."""
    from bankloop.kit.plain import plain
    from bankloop.loop.realtime import slot_tallies

    with opened_in(bank, as_, "decision.read") as (opened, connection):
        found = slot_tallies(opened, connection, opened.lake.today())
    rows = [[one.title.say(language()), one.counts, one.customers, one.issued, *one.outcomes.values()] for one in found]
    heads = ["展示位 / slot", "算作 / counts as", "客户 / customers", "展示 / to be shown"]
    came = list(found[0].outcomes) if found else []
    show_table("今天 / today", [*heads, *came], rows, right=list(range(2, 4 + len(came))))
    finish({"slots": plain(found)}, as_json)


def _tell(found: LiveAnswer, as_json: bool) -> None:
    from bankloop.kit.plain import plain

    if found.said is not None:
        shown = Text("展示：{said}", "Shown: {said}").filled(said=found.said)
        say(Text(f"{shown.zh}（{found.action}）", f"{shown.en} ({found.action})"))
    else:
        say(Text("不展示：{why}", "Nothing is shown: {why}").filled(why=found.reason))
    _ranking(found.ranked)
    finish(plain(found), as_json)


def _ranking(ranked: Any) -> None:
    from bankloop.loop.reach import OUTCOMES
    from bankloop.view.format import money

    if ranked:
        rows = [
            [
                one.campaign,
                one.action,
                money(one.value_fen).say(language()),
                money(sum(one.charges.values())).say(language()),
                money(one.score_fen).say(language()),
                OUTCOMES[one.outcome].say(language()),
            ]
            for one in ranked
        ]
        heads = ["战役 / campaign", "动作 / action", "价值 / worth", "价格 / prices", "剩下 / left", "结果 / outcome"]
        show_table("排序 / ranking", heads, rows, right=[2, 3, 4])
