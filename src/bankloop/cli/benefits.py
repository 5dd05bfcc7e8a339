"""Commands on benefits: what budgets and stocks have left, a grant, redeemed, returned, ended with their days."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankloop.cli.customers import Reason, acting_in, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table, yuan
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.benefit.grants import BenefitGrant

_HERE = Path()
Decision = Annotated[
    str, typer.Argument(metavar="GRANT", help="发放编号，即决策编号 / the grant's number: its decision's")
]
group = typer.Typer(
    help="权益：预算与库存、核销、退回、过期。Benefits: budgets and stocks, redeemed, returned, ended.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("pools")
@handled
def pools_(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """预算与库存：占用、已用、释放、剩余、按现在的速度哪天用完。Budgets and stocks: committed, spent, released, left, empty when."""
    from bankloop.benefit.grants import burn_downs
    from bankloop.kit.plain import plain
    from bankloop.report.pools import pool_title, pools_answer, pools_table

    with opened_in(bank, as_, "ledger.read") as (opened, connection):
        found = burn_downs(connection, opened.lake.today(), opened.lake.zone)
        titles = {name: one.title.text for name, one in opened.spec.campaigns.items()}
        named = [(one, pool_title(one.pool, titles, opened.spec.benefits)) for one in found]
    table, speaks = pools_table(named), language()
    heads = [one.title.say(speaks) for one in table.columns]
    rows = [[cell.text.say(speaks) for cell in row] for row in table.rows]
    show_table(table.caption.say(speaks), heads, rows, [n for n, one in enumerate(table.columns) if one.number])
    say(pools_answer(named))
    told = [{**plain(one), "left": one.pool.left, "near": one.pool.near} for one in found]
    finish({"pools": told}, as_json)


@group.command("show")
@handled
def show(grant: Decision, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """一笔权益发放现在的状态。How a grant of a benefit stands."""
    from bankloop.benefit.grants import grant_of

    with acting_in(bank, as_, "decision.read") as connection:
        found = grant_of(connection, grant)
    _show(found, as_json)


@group.command("redeem")
@handled
def redeem(
    grant: Decision,
    order: Annotated[str, typer.Option("--order", help="订单号，同一订单只核销一次 / the order: redeemed for it once")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """核销一笔权益，只能核销一次。Redeem a grant for an order, once."""
    from bankloop.benefit.grants import redeem_grant

    with acting_in(bank, as_, "benefit.redeem") as connection:
        found = redeem_grant(connection, grant, order)
    _show(found, as_json)


@group.command("return")
@handled
def back(
    grant: Decision, reason: Reason, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False
) -> None:
    """退回一笔权益，预算和库存可再用。Return a grant: its budget and its stock have it again."""
    from bankloop.benefit.grants import return_grant

    with acting_in(bank, as_, "benefit.return") as connection:
        found = return_grant(connection, grant, reason)
    _show(found, as_json)


@group.command("expire")
@handled
def expire(
    through: Annotated[str, typer.Option("--through", help="最后一天，YYYY-MM-DD / the last day")],
    bank: Folder = _HERE,
    as_: Person = "benefit",
    as_json: AsJson = False,
) -> None:
    """核销数据到齐后，让这天及以前到期、未核销的权益失效。End what was not redeemed by its last day, once all redemptions are told."""
    from bankloop.benefit.grants import expire_grants
    from bankloop.kit.grammar import read_day

    with opened_in(bank, as_, "benefit.expire") as (opened, connection):
        expected = {key for key, one in opened.spec.benefits.items() if one.reserve == "expected"}
        ended = expire_grants(connection, read_day(through), expected)
    say(
        Text(
            f"{ended:,} 笔权益已过期，库存可再发。",
            f"{ended:,} grants ended; their pieces may be granted again.",
        )
    )
    finish({"through": through, "expired": ended}, as_json)


def _show(found: BenefitGrant, as_json: bool) -> None:
    from bankloop.kit.plain import plain
    from bankloop.view.format import masked_number

    ends = found.expires_on or "—"
    say(
        Text(
            f"{found.benefit}：{found.life.called.zh}，占用 {yuan(found.reserved_fen)}，最后一天 {ends}。",
            f"{found.benefit}: {found.life.called.en}, {yuan(found.reserved_fen)} set aside, last day {ends}.",
        )
    )
    finish({**plain(found), "customer_no": masked_number(found.customer_no)}, as_json)
