"""Commands of signing in at a terminal, and of accounts and machines' credentials."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, one_language, show_table
from bankloop.cli.who import acting, keep_token, permit, signed_in
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.store.contracts import Principal
    from bankloop.store.database import Store

_HERE = Path()
Whom = Annotated[str, typer.Argument(help="用户号 / person")]
Machine = Annotated[str, typer.Argument(help="接入编号 / machine")]
Reason = Annotated[str, typer.Option("--reason", help="原因 / why")]

group = typer.Typer(
    help="账号与接入凭据。Accounts and machines' credentials.", no_args_is_help=True, rich_markup_mode=None
)


def signin(
    person: Whom,
    bank: Folder = _HERE,
    password_stdin: Annotated[
        bool, typer.Option("--stdin", help="从标准输入读，一行一项 / read answers from stdin, one a line")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """在本终端登录。Sign in at this terminal; its session is kept under your own state, readable by you alone."""
    from bankloop.organization import account
    from bankloop.store.database import open_store

    def ask(what: str) -> str:
        return (
            sys.stdin.readline().rstrip("\n")
            if password_stdin
            else typer.prompt(one_language(what), hide_input=True, err=True)
        )

    settings = account.read_settings(bank)
    with open_store(bank, bank_clock(bank)) as store:
        opened = account.sign_in(store, settings, person, ask("密码 / password"))
        while opened.session.step is not account.SignInStep.FULL:
            match opened.session.step:
                case account.SignInStep.CODE:
                    opened = account.give_code(store, settings, opened.session, ask("验证码 / code"))
                case account.SignInStep.CHANGE:
                    opened = account.change_password(
                        store, settings, opened.session, None, ask("新密码 / new password")
                    )
                case _:
                    print(account.begin_factor(store, settings, opened.session, "", ""))
                    opened = account.confirm_factor(store, settings, opened.session, ask("验证码 / code"))
    keep_token(bank, opened.token)
    show_table("✓", ["", ""], [[person, opened.session.until.strftime("%Y-%m-%d %H:%M UTC")]])
    finish({"person": person, "until": opened.session.until.isoformat()}, as_json)


def signout(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """退出本终端的登录。Sign out at this terminal; the session ends for whoever holds its token."""
    from bankloop.organization import account
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        person = signed_in(store)
        with store.begin(account.SIGN_IN) as connection:
            for one in account.sessions_of(connection, person):
                account.end_session(connection, one.session_id, "signed out at a terminal")
    keep_token(bank, None)
    show_table("✓", [""], [[person]])
    finish({"person": person, "signed_in": False}, as_json)


@group.command("open")
@handled
def open_(whom: Whom, bank: Folder = _HERE, as_: Person = "sysadmin", as_json: AsJson = False) -> None:
    """开立账号，打印一次性首登码。Open an account; the code for the first sign-in is printed once, valid for a day."""
    from bankloop.organization import account
    from bankloop.organization.beginning import Opener, opener_of
    from bankloop.organization.rights import require
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        with store.begin(account.SIGN_IN) as connection:
            opener = opener_of(connection, whom)
        match opener:
            case Opener.ANYBODY:
                principal = account.SIGN_IN
            case Opener.SECURITY:
                require(acting(store, as_, "administration"), "account.reset")
                principal = account.SIGN_IN
            case Opener.SYSTEM:
                principal = acting(store, as_, "administration")
        with store.begin(principal) as connection:
            code = account.open_account(connection, whom)
    show_table(whom, ["首登码 / first code"], [[code]])
    finish({"person": whom, "code": code}, as_json)


@group.command("reset")
@handled
def reset(
    whom: Whom, reason: Reason = "", bank: Folder = _HERE, as_: Person = "secadmin", as_json: AsJson = False
) -> None:
    """重置账号：新首登码，双因素作废。Give an account a new first code; its second factor is gone."""
    from bankloop.organization import account

    code = _do(bank, as_, lambda connection: account.reset_account(connection, whom, reason))
    show_table(whom, ["首登码 / first code"], [[code]])
    finish({"person": whom, "code": code}, as_json)


@group.command("lock")
@handled
def lock(whom: Whom, reason: Reason, bank: Folder = _HERE, as_: Person = "secadmin", as_json: AsJson = False) -> None:
    """锁定账号，会话立即结束。Lock an account; its sessions end at once."""
    from bankloop.organization import account

    _do(bank, as_, lambda connection: account.lock_account(connection, whom, reason))
    _said(whom, "locked", as_json)


@group.command("unlock")
@handled
def unlock(
    whom: Whom, reason: Reason = "", bank: Folder = _HERE, as_: Person = "secadmin", as_json: AsJson = False
) -> None:
    """解锁账号。Unlock an account."""
    from bankloop.organization import account

    _do(bank, as_, lambda connection: account.unlock_account(connection, whom, reason))
    _said(whom, "unlocked", as_json)


@group.command("close")
@handled
def close(
    whom: Whom, reason: Reason = "", bank: Folder = _HERE, as_: Person = "sysadmin", as_json: AsJson = False
) -> None:
    """停用账号，会话立即结束。Close an account; its sessions end at once."""
    from bankloop.organization import account

    _do(bank, as_, lambda connection: account.close_account(connection, whom, reason))
    _said(whom, "closed", as_json)


@group.command("bind")
@handled
def bind(
    whom: Whom,
    subject: Annotated[str, typer.Argument(help="统一认证的标识 / the provider's subject")],
    bank: Folder = _HERE,
    as_: Person = "sysadmin",
    as_json: AsJson = False,
) -> None:
    """绑定统一认证身份。Say which subject of the identity provider a person is."""
    from bankloop.organization import account

    _do(bank, as_, lambda connection: account.bind_subject(connection, whom, subject))
    _said(whom, "bound", as_json)


@group.command("list")
@handled
def list_(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """列出账号。List the accounts: who may sign in, and how."""
    from bankloop.organization import account

    found = _read(bank, "account.read", account.accounts)
    rows = [
        [one.person_id, "✓" if one.active else "—", "✓" if one.totp else "—", one.locked_until or ""] for one in found
    ]
    show_table(
        "账号 / accounts", ["用户号 / person", "有效 / active", "双因素 / second factor", "锁定到 / locked until"], rows
    )
    finish(
        {"accounts": [{"person": one.person_id, "active": one.active, "second_factor": one.totp} for one in found]},
        as_json,
    )


@group.command("key")
@handled
def key(
    whom: Whom,
    title: Annotated[str, typer.Option(help="用途 / what for")],
    scope: Annotated[list[str], typer.Option(help="范围，可多次 / scope, repeatable")],
    kind: Annotated[str, typer.Option(help="key 或 client / key or client")] = "key",
    bank: Folder = _HERE,
    as_: Person = "secadmin",
    as_json: AsJson = False,
) -> None:
    """发放接入凭据，密钥只显示一次。Make an API key or an OAuth2 client; its secret is shown once."""
    from bankloop.organization import account

    made, secret = _do(bank, as_, lambda connection: account.make_machine(connection, kind, whom, title, scope))
    show_table(made.machine_id, ["密钥 / secret", "到期 / until"], [[secret, made.until.date()]])
    finish({"machine": made.machine_id, "secret": secret, "scopes": list(made.scopes)}, as_json)


@group.command("keys")
@handled
def keys(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """列出接入凭据。List the machines' credentials; no secret is among them."""
    from bankloop.organization import account

    found = _read(bank, "machine.read", account.machines)
    rows = [
        [one.machine_id, one.kind, one.person_id, ",".join(one.scopes), one.until.date(), "✗" if one.revoked_at else ""]
        for one in found
    ]
    show_table(
        "接入 / machines",
        ["编号 / id", "类型 / kind", "代表 / for", "范围 / scopes", "到期 / until", "吊销 / revoked"],
        rows,
    )
    finish({"machines": [row[0] for row in rows]}, as_json)


@group.command("rotate")
@handled
def rotate(machine: Machine, bank: Folder = _HERE, as_: Person = "secadmin", as_json: AsJson = False) -> None:
    """轮换密钥：旧的再用一天。Make a new secret; the old one works for a day yet."""
    from bankloop.organization import account

    secret = _do(bank, as_, lambda connection: account.rotate_secret(connection, machine))
    show_table(machine, ["密钥 / secret"], [[secret]])
    finish({"machine": machine, "secret": secret}, as_json)


@group.command("revoke")
@handled
def revoke(
    machine: Machine, reason: Reason = "", bank: Folder = _HERE, as_: Person = "secadmin", as_json: AsJson = False
) -> None:
    """吊销凭据，立即失效。Revoke a credential: worth nothing from the next request on."""
    from bankloop.organization import account

    _do(bank, as_, lambda connection: account.revoke_machine(connection, machine, reason))
    _said(machine, "revoked", as_json)


def _read(bank: Path, permission: str, read: Any) -> Any:
    from bankloop.organization.account import SIGN_IN
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        permit(store, permission)
        with store.begin(SIGN_IN) as connection:
            return read(connection)


def _do(bank: Path, person: str, work: Any) -> Any:
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store, store.begin(_administrator(store, person)) as connection:
        return work(connection)


def _administrator(store: Store, person: str) -> Principal:
    return acting(store, person, "administration")


def _said(whom: str, state: str, as_json: bool) -> None:
    show_table(whom, ["✓"], [[state]])
    finish({"name": whom, "state": state}, as_json)


COMMANDS = {"signin": signin, "signout": signout}
