"""Commands on points: what a customer has, given, spent, given back, taken back; what the bank owes; a night's work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankloop.cli.customers import Number, Reason, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, say, show_table, yuan
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.benefit.points import Wallet

_HERE = Path()
Points = Annotated[int, typer.Argument(help="积分 / points")]
Key = Annotated[str, typer.Option("--key", help="编号，同一编号只做一次 / key: the same one is done once")]
group = typer.Typer(
    help="积分：查看、发放、消费、退回、收回、负债。Points: shown, given, spent, given back, taken back, owed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("show")
@handled
def show(customer: Number, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """列出客户的积分：可用、待生效、欠分，入账与消费逐笔。Show a customer's points, each earning and spending."""
    from bankloop.benefit.points import wallet

    with opened_in(bank, as_, "points.read") as (opened, connection):
        found = wallet(connection, customer, opened.lake.today())
    _show(found, as_json)


@group.command("give")
@handled
def give(
    customer: Number,
    points: Points,
    key: Key,
    reason: Reason,
    issuer: Annotated[str, typer.Option("--partner", help="由合作方发放 / a partner issues them")] = "",
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """给客户积分，同一编号只给一次。Give a customer points, once for the key."""
    from bankloop.benefit.points import earn_points, read_points, wallet

    with opened_in(bank, as_, "points.adjust") as (opened, connection):
        today = opened.lake.today()
        earn_points(connection, read_points(opened.folder), key, customer, points, reason, today, issuer)
        found = wallet(connection, customer, today)
    _show(found, as_json)


@group.command("spend")
@handled
def spend(
    customer: Number,
    points: Points,
    key: Key,
    reason: Reason,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """消费积分，先到期的先用。Spend a customer's points, those first that end first."""
    from bankloop.benefit.points import spend_points, wallet

    with opened_in(bank, as_, "points.spend") as (opened, connection):
        spend_points(connection, key, customer, points, reason, opened.lake.today())
        found = wallet(connection, customer, opened.lake.today())
    _show(found, as_json)


@group.command("give-back")
@handled
def back(
    spent: Annotated[str, typer.Argument(metavar="SPENDING", help="消费的编号 / key of the spending")],
    points: Points,
    key: Key,
    reason: Reason,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """退回一笔消费的积分，回到原来的入账。Give points of a spending back, to the earnings they came from."""
    from bankloop.benefit.points import give_back, read_points, wallet

    with opened_in(bank, as_, "points.give_back") as (opened, connection):
        today = opened.lake.today()
        done = give_back(connection, read_points(opened.folder), key, spent, points, reason, today)
        found = wallet(connection, done.customer_no, today)
    _show(found, as_json)


@group.command("take-back")
@handled
def take(
    lot: Annotated[str, typer.Argument(metavar="EARNING", help="入账的编号 / key of the earning")],
    reason: Reason,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """收回一笔入账；已花掉的按规则记为欠分。Take an earning back; what was spent of it is owed, as the file says."""
    from bankloop.benefit.points import read_points, take_back, wallet

    with opened_in(bank, as_, "points.take_back") as (opened, connection):
        today = opened.lake.today()
        done = take_back(connection, read_points(opened.folder), lot, reason, today)
        found = wallet(connection, done.customer_no, today)
    _show(found, as_json)


@group.command("owed")
@handled
def owed_(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """全行积分负债、预提、各月发放与消费，账本是否平。What the bank owes in points, by month, and whether the books are right."""
    from bankloop.benefit.points import owed, read_points
    from bankloop.kit.plain import plain

    with opened_in(bank, as_, "ledger.read") as (opened, connection):
        found = owed(connection, read_points(opened.folder), opened.lake.today(), opened.lake.zone)
    show_table(
        "积分 / points",
        ["月份 / month", "发放 / earned", "消费 / spent", "过期 / ended"],
        [[f"{one.month:%Y-%m}", f"{one.earned:,}", f"{one.spent:,}", f"{one.expired:,}"] for one in found.months],
        right=[1, 2, 3],
    )
    say(
        Text(
            f"可用 {found.outstanding:,}，待生效 {found.pending:,}，欠分 {found.debt:,}，30 天内到期 {found.ending:,}；"
            f"预提 {yuan(found.set_aside_fen)}；账本{'平' if not found.wrong else '不平，请运行 bankloop ledger check'}。",
            f"{found.outstanding:,} may be spent, {found.pending:,} later, {found.debt:,} are owed, {found.ending:,} "
            f"end within 30 days; {yuan(found.set_aside_fen)} set aside; the books are "
            f"{'right' if not found.wrong else 'wrong: run bankloop ledger check'}.",
        )
    )
    finish(plain(found), as_json)


@group.command("night")
@handled
def night(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """做一晚的积分：生效、按事件发放、抵欠、到期；每天自动做，再做无害。Do a night's work on points; daily work does it by itself."""
    from bankloop.benefit.points import read_points, work_night
    from bankloop.kit.plain import plain
    from bankloop.organization.principals import system

    with opened_in(bank, as_, "points.adjust") as (opened, _):
        done = work_night(opened.store, system("points"), opened.lake, read_points(opened.folder), opened.lake.today())
    say(
        Text(
            f"生效 {done.activated:,} 笔，发放 {done.earned:,} 笔，抵欠 {done.settled:,} 人，到期 {done.expired:,} 笔。",
            f"{done.activated:,} became active, {done.earned:,} were earned, {done.settled:,} debts paid, "
            f"{done.expired:,} ended.",
        )
    )
    finish(plain(done), as_json)


def _show(found: Wallet, as_json: bool) -> None:
    from bankloop.kit.plain import plain
    from bankloop.view.format import masked_number

    say(
        Text(
            f"{masked_number(found.customer_no)}：可用 {found.available:,}，待生效 {found.pending:,}，欠分 {found.debt:,}，"
            f"30 天内到期 {found.ending:,}。",
            f"{masked_number(found.customer_no)}: {found.available:,} may be spent, {found.pending:,} later, "
            f"{found.debt:,} owed, {found.ending:,} end within 30 days.",
        )
    )
    if found.lots:
        show_table(
            "入账 / earned",
            ["编号 / key", "积分 / points", "剩余 / left", "状态 / state", "到期 / ends", "事由 / why"],
            [
                [one.lot, f"{one.points:,}", f"{one.remaining:,}", one.state, one.expires_on or "—", one.reason]
                for one in found.lots
            ],
            right=[1, 2],
        )
    if found.spends:
        show_table(
            "消费 / spent",
            ["编号 / key", "积分 / points", "已退 / given back", "事由 / why"],
            [[one.spend, f"{one.points:,}", f"{one.returned:,}", one.reason] for one in found.spends],
            right=[1, 2],
        )
    finish({**plain(found), "customer_no": masked_number(found.customer_no)}, as_json)
