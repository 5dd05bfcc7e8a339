"""Commands on the ledger: whether it is right, what accounts hold, one account's entries, an account closed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.customers import acting_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, say, show_table
from bankloop.kit.text import Text

_HERE = Path()
Name = Annotated[str, typer.Argument(metavar="ACCOUNT", help="账户 / account")]
group = typer.Typer(
    help="账本：核对、余额、对账单、关户。The ledger: checked, balances, statements, accounts closed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("check")
@handled
def check(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """核对账本：借贷相等，余额等于分录之和，冻结与未了结一致。Check that the ledger is right, from its entries."""
    from bankloop.kit.plain import plain
    from bankloop.ledger.statements import check_ledger

    with acting_in(bank, as_, "ledger.read") as connection:
        wrong = check_ledger(connection)
    if wrong:
        show_table(
            "不符 / wrong",
            ["项目 / what", "账户 / where", "应为 / expected", "实为 / found"],
            [[one.what, one.where, f"{one.expected:,}", f"{one.found:,}"] for one in wrong],
            right=[2, 3],
        )
    else:
        say(Text("账本是平的。", "The ledger is right."))
    finish({"right": not wrong, "wrong": plain(wrong)}, as_json)
    if wrong:
        raise typer.Exit(1)


@group.command("accounts")
@handled
def accounts(
    like: Annotated[str, typer.Option("--begin", help="账户名的开头 / how the account's name begins")] = "",
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """列出账户与余额，最多 200 个。List accounts with their balances, at most 200."""
    from bankloop.kit.plain import plain
    from bankloop.ledger.statements import balances

    with acting_in(bank, as_, "ledger.read") as connection:
        found = balances(connection, like=like)
    show_table(
        "账户 / accounts",
        ["账户 / account", "资产 / asset", "余额 / balance", "冻结 / held", "在途 / coming"],
        [[one.account, one.asset, f"{one.posted:,}", f"{one.held_out:,}", f"{one.held_in:,}"] for one in found],
        right=[2, 3, 4],
    )
    finish({"accounts": plain(found)}, as_json)


@group.command("statement")
@handled
def statement_(account: Name, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """一个账户的分录，最新的在前。One account's entries, the newest first."""
    from bankloop.kit.plain import plain
    from bankloop.ledger.statements import statement

    with acting_in(bank, as_, "ledger.read") as connection:
        found = statement(connection, account)
    show_table(
        account,
        ["时间 / when", "种类 / kind", "对方 / other", "变动 / change", "余额 / balance", "事由 / why"],
        [
            [
                f"{one.recorded_at:%Y-%m-%d %H:%M}",
                one.kind,
                one.other,
                f"{one.change:+,}",
                f"{one.balance:,}",
                one.reason,
            ]
            for one in found
        ],
        right=[3, 4],
    )
    finish({"account": account, "entries": plain(found)}, as_json)


@group.command("close")
@handled
def close(account: Name, bank: Folder = _HERE, as_: Person = "benefit", as_json: AsJson = False) -> None:
    """关闭一个没有余额的账户。Close an account that holds nothing."""
    from bankloop.ledger.accounts import close_account

    with acting_in(bank, as_, "ledger.close") as connection:
        close_account(connection, account)
    say(Text(f"{account} 已关闭。", f"{account} is closed."))
    finish({"account": account, "closed": True}, as_json)
