"""Commands on sharing agreements: the register, a proposal, its approval, a customer's consent, its end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankloop.cli.customers import Reason, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, show_table
from bankloop.kit.clock import local_moment
from bankloop.kit.plain import plain

if TYPE_CHECKING:
    from bankloop.organization.rights import Agreement

_HERE = Path()
_LINES = "retail、corporate、interbank、subsidiary"
Number = Annotated[str, typer.Argument(help="协议号 / id of the agreement")]
group = typer.Typer(
    help="共享协议：提出、批准、客户同意、终止。Sharing agreements: proposed, agreed to, consented to, ended.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list")
@handled
def listed(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """共享协议登记簿。Show the register of sharing agreements."""
    from bankloop.organization.rights import agreements

    with opened_in(bank, as_, "agreement.read") as (_, connection):
        found = agreements(connection)
    _show(found)
    finish({"agreements": plain(found)}, as_json)


@group.command("propose")
@handled
def propose(
    agreement: Number,
    reason: Reason,
    owner_line: Annotated[str, typer.Option("--from", help=f"谁的客户：{_LINES} / whose customers")],
    to_line: Annotated[str, typer.Option("--to", help="共享给哪条线 / with which line")],
    field: Annotated[list[str], typer.Option("--field", help="共享的字段，可重复 / a field shared, repeatable")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="有效至 / holds until")],
    purpose: Annotated[str, typer.Option("--purpose", help="用途，如 service / purpose")] = "service",
    unit: Annotated[str, typer.Option("--unit", help="只给这个机构 / with this unit alone")] = "",
    without_consent: Annotated[
        bool, typer.Option("--without-consent", help="不需要客户逐户同意 / customers need not consent")
    ] = False,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """提出共享协议，由他人批准。Propose that a line's customers be shared; another person agrees to it."""
    from bankloop.organization.rights import propose_agreement

    with opened_in(bank, as_, "agreement.submit") as (opened, connection):
        end = local_moment(until.date(), 0, 0, opened.lake.zone)
        found = propose_agreement(
            connection,
            agreement,
            owner_line,
            to_line,
            purpose,
            field,
            end,
            reason,
            to_unit=unit or None,
            consent=not without_consent,
        )
    _said(found, as_json)


@group.command("approve")
@handled
def approve(agreement: Number, bank: Folder = _HERE, as_: Person = "checker", as_json: AsJson = False) -> None:
    """批准共享协议。Agree to a proposal as another person than its maker."""
    from bankloop.organization.rights import approve_agreement

    with opened_in(bank, as_, "agreement.approve") as (_, connection):
        found = approve_agreement(connection, agreement)
    _said(found, as_json)


@group.command("consent")
@handled
def consent(
    agreement: Number,
    customer: Annotated[str, typer.Argument(help="客户号 / customer")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="不再同意 / no longer")] = False,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """登记客户同意或不再同意共享。Record that a customer agrees to what is shared, or no longer does."""
    from bankloop.organization.rights import agreement_of, record_consent

    with opened_in(bank, as_, "agreement.consent") as (_, connection):
        record_consent(connection, agreement, customer, given=not withdraw)
        found = agreement_of(connection, agreement)
    _said(found, as_json)


@group.command("end")
@handled
def end(
    agreement: Number, reason: Reason, bank: Folder = _HERE, as_: Person = "checker", as_json: AsJson = False
) -> None:
    """终止共享协议，从此不再共享。End an agreement: from now on nothing is shared by it."""
    from bankloop.organization.rights import end_agreement

    with opened_in(bank, as_, "agreement.end") as (_, connection):
        found = end_agreement(connection, agreement, reason)
    _said(found, as_json)


def _said(found: Agreement, as_json: bool) -> None:
    _show([found])
    finish({"agreement": plain(found)}, as_json)


def _show(found: list[Agreement]) -> None:
    rows = [
        [
            one.agreement_id,
            one.state,
            f"{one.owner_line} → {one.to_line} {one.to_unit or ''}",
            one.purpose,
            ", ".join(one.fields),
            one.valid_to,
        ]
        for one in found
    ]
    show_table(
        "",
        [
            "协议 / agreement",
            "状态 / state",
            "谁给谁 / from and to",
            "用途 / purpose",
            "字段 / fields",
            "有效至 / until",
        ],
        rows,
    )
