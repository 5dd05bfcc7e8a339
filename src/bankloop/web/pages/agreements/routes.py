"""The register of sharing agreements (集团内部数据共享): proposed, agreed to by another person, consented to, ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from bankloop.kit.clock import local_moment
from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.grammar import read_day
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.organization.people import BusinessLine
from bankloop.organization.rights import (
    ROLES,
    Agreement,
    GrantState,
    agreements,
    approve_agreement,
    consents_by_agreement,
    end_agreement,
    propose_agreement,
    record_consent,
    require,
)
from bankloop.report.shelf import PRODUCT_LINES
from bankloop.store.database import now_of
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.shell import errors
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

_ASSETS = "aum_fen"
# Longer than a year an agreement is thought over again.
_USUAL = timedelta(days=365)
_PURPOSES = tuple(sorted({purpose for role in ROLES.values() for purpose in role.purposes}))


async def chosen(request: Request) -> list[str]:
    """Return the fields that a form has ticked."""
    return [one for one in (await request.form()).getlist("fields") if isinstance(one, str)]


Chosen = Annotated[list[str], Depends(chosen)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/agreements")
    def register(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "agreement.read")
        return _register(request, visitor)

    @app.post("/agreements")
    def propose(request: Request, form: Form, fields: Chosen, visitor: Acting) -> Response:
        def act(connection: Connection) -> None:
            propose_agreement(
                connection,
                form.get("agreement", "").strip(),
                form.get("owner_line", ""),
                form.get("to_line", ""),
                form.get("purpose", ""),
                fields,
                _until(request, form),
                form.get("reason", "")[:400],
                to_unit=form.get("to_unit", "").strip() or None,
                consent=form.get("consent") == "yes",
            )

        return _acted(request, visitor, form, act)

    @app.post("/agreements/{agreement_id}/{act}")
    def decide(request: Request, agreement_id: str, act: str, form: Form, visitor: Acting) -> Response:
        acts: Mapping[str, Callable[[Connection], object]] = {
            "approve": lambda c: approve_agreement(c, agreement_id[:64], form.get("reason", "")[:400]),
            "end": lambda c: end_agreement(c, agreement_id[:64], form.get("reason", "")[:400]),
            "consent": lambda c: record_consent(
                c, agreement_id[:64], form.get("customer", "").strip()[:64], given=form.get("given") == "yes"
            ),
        }
        if act not in acts:
            raise errors.no_choice("act", act[:32], ", ".join(acts))
        return _acted(request, visitor, form, acts[act])


def _acted(
    request: Request, visitor: Visitor, form: Mapping[str, str], act: Callable[[Connection], object]
) -> Response:
    require(visitor.principal, "agreement.read")
    try:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            act(connection)
    except BankloopError as error:
        return _register(request, visitor, error, form)
    return RedirectResponse("/agreements", 303)


def _until(request: Request, form: Mapping[str, str]) -> datetime:
    try:
        day = read_day(form.get("valid_to", ""))
    except BankloopError:
        raise InputError(
            "agreement.until", Text("请写有效期到哪一天", "say until which day the agreement holds")
        ) from None
    return local_moment(day, 0, 0, console_of(request).bank.lake.zone)


def _register(
    request: Request, visitor: Visitor, error: BankloopError | None = None, form: Mapping[str, str] | None = None
) -> Response:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found, now = agreements(connection), now_of(connection)
        given = consents_by_agreement(connection) if may(visitor, "agreement.consent") else None
    return page(
        request,
        "agreements.html",
        error.http_status if error else 200,
        at="agreements",
        error=error,
        given=form or {},
        table=_table(found, given, now, console.bank.lake.zone),
        found=found,
        lines=[(one.value, PRODUCT_LINES[one.value]) for one in BusinessLine],
        fields=_fields(),
        purposes=_PURPOSES,
        until=(console.today + _USUAL).isoformat(),
        requested=GrantState.REQUESTED,
        ended=GrantState.ENDED,
    )


def _fields() -> list[tuple[str, Text]]:
    columns = [(one.name, one.label) for one in CONTRACTS["customer"].columns if not one.confidential]
    return [(_ASSETS, Text("金融资产", "Assets")), *columns]


def _table(found: list[Agreement], given: Mapping[str, int] | None, now: datetime, zone: str) -> Table:
    titles = dict(_fields())
    rows = []
    for one in found:
        word, tone = _standing(one, now)
        names = [titles.get(name, say.same(name)) for name in one.fields]
        to = PRODUCT_LINES.get(one.to_line, say.same(one.to_line))
        unit = f" · {one.to_unit}" if one.to_unit else ""
        rows.append(
            (
                Cell(say.same(one.agreement_id)),
                Cell(word, tone, tag=True),
                Cell(
                    Text(
                        f"{PRODUCT_LINES[one.owner_line].zh} → {to.zh}{unit}",
                        f"{PRODUCT_LINES[one.owner_line].en} → {to.en}{unit}",
                    )
                ),
                Cell(say.same(one.purpose)),
                Cell(Text("、".join(name.zh for name in names), ", ".join(name.en for name in names))),
                Cell(say.same(f"{one.valid_to.astimezone(ZoneInfo(zone)):%Y-%m-%d}")),
                Cell(_consents(one, given)),
                Cell(say.same(f"{one.made_by}{f' → {one.decided_by}' if one.decided_by else ''}")),
            )
        )
    columns = (
        Column(Text("协议", "Agreement")),
        Column(Text("状态", "State")),
        Column(Text("谁给谁", "From and to")),
        Column(Text("用途", "Purpose")),
        Column(Text("字段", "Fields")),
        Column(Text("有效至", "Until")),
        Column(Text("客户同意", "Consents")),
        Column(Text("经办与批准", "Made and agreed by")),
    )
    return Table("agreements", Text("共享协议登记簿", "Register of sharing agreements"), columns, tuple(rows))


def _standing(one: Agreement, now: datetime) -> tuple[Text, Tone]:
    if one.state is GrantState.REQUESTED:
        return Text("待批准", "proposed"), Tone.WARN
    if one.state is not GrantState.OPEN:
        return Text("已终止", "ended"), Tone.PLAIN
    return (Text("生效中", "in force"), Tone.GOOD) if now < one.valid_to else (Text("已到期", "expired"), Tone.BAD)


def _consents(one: Agreement, given: Mapping[str, int] | None) -> Text:
    if not one.consent:
        return Text("不需要", "not needed")
    return Text("逐户同意", "each customer's") if given is None else say.count(given.get(one.agreement_id, 0))
