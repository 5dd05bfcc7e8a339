"""Commands on people and rights: who works where, who holds which role, who may do what; each in a person's own name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from bankloop.cli.names import role_names
from bankloop.cli.screen import AsJson, Folder, finish, handled, language, say_next, show_table
from bankloop.cli.who import acting
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bankloop.organization.people import Transfer
    from bankloop.organization.rights import Grant

_HERE = Path()
_HAS_ACCOUNT = Text("（已有账号，密码照旧）", "(has an account; its password stays)")

people_group = typer.Typer(
    help="机构与人员：名单、管户划转。Staff and books of customers.", no_args_is_help=True, rich_markup_mode=None
)
rights_group = typer.Typer(
    help="角色与权限：授权、撤销、解除脱敏、权限矩阵。Roles, grants, unmasking, the matrix.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Who = Annotated[str, typer.Option("--as", help="以谁的名义（须已授权）/ in whose name; the person must hold a role")]
Number = Annotated[UUID, typer.Argument(help="编号 / the number that list shows")]
Reason = Annotated[str, typer.Option("--reason", help="原因 / why")]
Optionally = Annotated[str, typer.Option("--reason", help="意见 / what to say about it")]
PersonArgument = Annotated[str, typer.Argument(help="人员 / person")]


@people_group.command("list")
@handled
def list_people(
    as_: Who,
    bank: Folder = _HERE,
    unit: Annotated[str | None, typer.Option("--unit", help="机构及其下级 / a unit and those below it")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多行数 / most rows")] = 200,
    as_json: AsJson = False,
) -> None:
    """列出本人范围内的员工、岗位与资格。List the staff within one's units with post, licences and roles."""
    from bankloop.organization.people import below, licences_of, people
    from bankloop.organization.rights import grants_of
    from bankloop.store.contracts import EVERY_UNIT
    from bankloop.store.database import principal_of

    with acting_in(bank, as_, "staff.read") as connection:
        own = principal_of(connection).units
        units = below(connection, [unit]) if unit else None
        if own and EVERY_UNIT not in own:
            units = own if units is None else tuple(sorted({*units} & {*own}))
        found = [
            {
                "staff": one.staff_id,
                "name": one.name,
                "unit": one.unit_id,
                "post": one.post,
                "absent": one.absent,
                "licences": [f"{x.kind} → {x.expires_on}" for x in licences_of(connection, one.staff_id)],
                "roles": [grant.role for grant in grants_of(connection, one.staff_id)],
            }
            for one in people(connection, units, limit=limit)
        ]
    columns = [
        "工号 / staff",
        "姓名 / name",
        "机构 / unit",
        "岗位 / post",
        "休假 / absent",
        "资格 / licences",
        "角色 / roles",
    ]
    show_table(f"{len(found)}", columns, [[_cell(value) for value in row.values()] for row in found])
    finish({"people": found}, as_json)


@people_group.command("transfer")
@handled
def transfer(
    from_staff: Annotated[str, typer.Argument(help="原客户经理 / from")],
    to_staff: Annotated[str, typer.Argument(help="新客户经理 / to")],
    as_: Who,
    reason: Reason,
    customer: Annotated[
        list[str] | None, typer.Option("--customer", help="只划转这些客户，可多次 / only these, repeatable")
    ] = None,
    at: Annotated[datetime | None, typer.Option("--at", help="生效时间（UTC）/ when it takes effect, UTC")] = None,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """申请划转管户，由他人审批。Ask that a book of customers pass to another manager; another person approves."""
    from bankloop.organization.granting import submit_transfer

    moment = at.replace(tzinfo=UTC) if at else None
    with acting_in(bank, as_, "transfer.submit") as connection:
        found = submit_transfer(connection, from_staff, to_staff, reason, customers=customer or (), effective_at=moment)
    _show_transfers([found], as_json)


@people_group.command("approve")
@handled
def approve_transfer(
    number: Number, as_: Who, reason: Optionally = "", bank: Folder = _HERE, as_json: AsJson = False
) -> None:
    """批准划转，只生效一次。Approve a transfer: it takes effect once, from its moment on."""
    from bankloop.organization import granting

    with acting_in(bank, as_, "transfer.approve") as connection:
        found = granting.approve_transfer(connection, number, reason)
    _show_transfers([found], as_json)


@people_group.command("transfers")
@handled
def list_transfers(as_: Who, bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """列出划转申请。List the transfers within one's units."""
    from bankloop.organization.people import transfers

    with acting_in(bank, as_, "transfer.read") as connection:
        found = transfers(connection)
    _show_transfers(found, as_json)


@rights_group.command("begin")
@handled
def begin(
    first: PersonArgument,
    second: Annotated[str, typer.Argument(help="第二人 / the second")],
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """指定头两位安全管理员并为其开立账号；此后各人登录。Name the first two security administrators and open their accounts."""
    from bankloop.organization.beginning import begin as begin_bank
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        begun = begin_bank(opened.store, first, second)
    rows = [[one, begun.codes.get(one, _HAS_ACCOUNT.say(language()))] for one in (first, second)]
    show_table(
        "安全管理员 / security administrators",
        ["人员 / person", "首登码（一天内有效）/ first code, valid for a day"],
        rows,
    )
    say_next(
        (f"bankloop signin {first}", Text("以首登码登录，设自己的密码", "sign in with the code, set a password")),
        ("bankloop rights grant PERSON ROLE", Text("申请授予角色，由另一人批准", "ask for a role; the other approves")),
        (
            "bankloop account open PERSON",
            Text("为头一位系统管理员开立账号", "open the first system administrator's account"),
        ),
    )
    grants = [
        {"grant": str(one.grant_id), "person": one.person_id, "role": one.role, "state": str(one.state)}
        for one in begun.grants
    ]
    finish({"grants": grants, "codes": dict(begun.codes)}, as_json)


@rights_group.command("list")
@handled
def list_grants(
    as_: Who,
    person: Annotated[str | None, typer.Option("--person", help="只看此人 / of this person")] = None,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """列出授权与申请。List the grants and what is asked for."""
    from bankloop.organization.rights import grants

    with acting_in(bank, as_, "grant.read") as connection:
        found = grants(connection, person_id=person)
    _show_grants(found, as_json)


@rights_group.command("grant")
@handled
def grant(
    person: PersonArgument,
    role: Annotated[str, typer.Argument(help="角色 / role", autocompletion=role_names)],
    as_: Who,
    reason: Reason,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", help="机构（含下级），可多次；不写则随岗位 / units, else those of the post"),
    ] = None,
    line: Annotated[list[str] | None, typer.Option("--line", help="条线，可多次 / business lines, repeatable")] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="截止日 / until the day")
    ] = None,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """申请授予角色，由另一安全管理员批准。Ask that a role be given; another security administrator approves."""
    from bankloop.organization.granting import ask_grant
    from bankloop.store.contracts import EVERY_LINE

    with acting_in(bank, as_, "grant.submit") as connection:
        end = until.replace(tzinfo=UTC) if until else None
        found = ask_grant(connection, person, role, reason, units=unit or (), lines=line or (EVERY_LINE,), valid_to=end)
    _show_grants([found], as_json)


@rights_group.command("approve")
@handled
def approve_grant(
    number: Number, as_: Who, reason: Optionally = "", bank: Folder = _HERE, as_json: AsJson = False
) -> None:
    """批准授权。Approve a grant that another asked for."""
    from bankloop.organization import granting

    with acting_in(bank, as_, "grant.approve") as connection:
        found = granting.approve_grant(connection, number, reason)
    _show_grants([found], as_json)


@rights_group.command("revoke")
@handled
def revoke(number: Number, as_: Who, reason: Reason, bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """立即撤销授权。Revoke a grant at once: the person's next request is refused."""
    from bankloop.organization.granting import revoke_grant

    with acting_in(bank, as_, "grant.revoke") as connection:
        found = revoke_grant(connection, number, reason)
    _show_grants([found], as_json)


@rights_group.command("unmask")
@handled
def unmask(
    customer: Annotated[str, typer.Argument(help="客户号 / customer number")],
    field: Annotated[list[str], typer.Argument(help="字段 / fields")],
    as_: Who,
    reason: Reason,
    ticket: Annotated[str, typer.Option("--ticket", help="工单号 / ticket")],
    minutes: Annotated[int, typer.Option(help="分钟数 / for how long")] = 30,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """限时解除脱敏，须写原因和工单，审计可见。Open masked fields of one's own customer for a while; auditors see it."""
    from bankloop.organization import rights

    with acting_in(bank, as_, "customer.unmask") as connection:
        found = rights.unmask(connection, customer, field, reason, ticket, minutes)
    columns = ["客户 / customer", "字段 / fields", "至 / until"]
    show_table("✓", columns, [[found.customer_no, ", ".join(found.fields), found.valid_to.isoformat()]])
    finish({"unmasking": str(found.unmasking_id), "fields": found.fields, "until": found.valid_to}, as_json)


@rights_group.command("matrix")
@handled
def matrix(
    role: Annotated[str | None, typer.Option("--role", help="只看此角色 / of this role")] = None,
    as_json: AsJson = False,
) -> None:
    """权限矩阵：角色 × 对象 × 动作。The matrix role × object × verb, as the catalogue has it; no bank is needed."""
    from bankloop.organization.rights import MATRIX, OBJECTS, ROLES, holders_of, role_of

    speaks = language()
    shown = [one for name, one in ROLES.items() if role in (None, name)]
    if role is not None:
        role_of(role)
    rows = [
        [kind.title.say(speaks), verb, ", ".join(r.title.say(speaks) for r in holders_of(f"{kind.name}.{verb}") if r in shown)]
        for kind in OBJECTS.values()
        for verb in kind.verbs
    ]  # fmt: skip
    show_table("权限矩阵 / matrix", ["对象 / object", "动作 / verb", "角色 / roles"], rows)
    cells = [
        {"role": c.role, "object": c.object_kind, "verb": c.verb, "allowed": c.allowed}
        for c in MATRIX
        if role in (None, c.role)
    ]
    finish({"cells": cells}, as_json)


@contextmanager
def acting_in(bank: Path, person: str, permission: str) -> Iterator[Connection]:
    """Open the bank as who is at this terminal, for the purpose of the first of their roles that has the permission."""
    from bankloop.organization import rights
    from bankloop.organization.principals import system
    from bankloop.organization.rights import grants_of, require
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        with opened.store.begin(system("cli")) as connection:
            held = [rights.ROLES[one.role] for one in grants_of(connection, person)]
        fit = next((one for one in held if permission in one.rights), held[0] if held else None)
        purpose = min(fit.purposes) if fit else "administration"
        principal = acting(opened.store, person, purpose)
        require(principal, permission)
        with opened.store.begin(principal) as connection:
            yield connection


def _show_grants(found: list[Grant], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "grant": str(one.grant_id),
            "person": one.person_id,
            "role": one.role,
            "units": list(one.units),
            "lines": list(one.lines),
            "state": str(one.state),
            "until": one.valid_to.isoformat() if one.valid_to else None,
            "asked_by": one.made_by,
            "decided_by": one.decided_by,
        }
        for one in found
    ]
    columns = ["编号 / grant", "人员 / person", "角色 / role", "机构 / units", "条线 / lines", "状态 / state", "至 / until",
               "申请 / asked by", "批准 / decided by"]  # fmt: skip
    show_table(f"{len(rows)}", columns, [[_cell(value) for value in row.values()] for row in rows])
    finish({"grants": rows}, as_json)


def _show_transfers(found: list[Transfer], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "transfer": str(one.transfer_id),
            "from": one.from_staff,
            "to": one.to_staff,
            "customers": list(one.customers),
            "at": one.effective_at.isoformat(),
            "state": one.state,
            "moved": one.moved,
        }
        for one in found
    ]
    columns = [
        "编号 / transfer",
        "自 / from",
        "至 / to",
        "客户 / customers",
        "生效 / at",
        "状态 / state",
        "户数 / moved",
    ]
    show_table(f"{len(rows)}", columns, [[_cell(value) for value in row.values()] for row in rows])
    finish({"transfers": rows}, as_json)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else "✓" if value is True else "" if value is False else value
