"""Who a customer is to the sources: their source and channel identities, every identifier, and how they became one."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from bankloop.customer.consent import standing_of
from bankloop.customer.identity import PartyView, open_party
from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page

IDENTITIES: Mapping[str, Text] = {
    "title": Text("身份", "Identities"),
    "lead": Text(
        "这位客户在各来源和渠道里的身份、全部标识，以及怎样合为一人；验证后绑定的渠道身份带来它以前的行为。",
        "The customer's identities in sources and channels, every identifier, and how they became one person; a "
        "channel identity that was bound after verification brings what it did before.",
    ),
    "none": Text(
        "还没有任何来源的登记提到这位客户；登记随装载每天收进来。",
        "No register of a source has named this customer yet; registers come in with each load.",
    ),
    "open": Text("身份：来源、渠道与标识", "Identities: sources, channels, identifiers"),
}
_CHANNEL, _CUSTOMER = Text("渠道身份（用户）", "channel (user)"), Text("客户", "customer")
_UNTIL_NOW = Text("至今", "until now")


def add_identities_page(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/customers/{customer_no}/identities")
    def identities(request: Request, customer_no: str, visitor: Here) -> HTMLResponse:
        require(visitor.principal, "customer.read")
        console, number = console_of(request), customer_no[:64]
        with console.bank.store.begin(visitor.principal) as connection:
            seen = _party(connection, number)
        return page(
            request,
            "identities.html",
            at="customers",
            number=number,
            masked=masked(number),
            texts=IDENTITIES,
            tables=identity_tables(seen, ZoneInfo(console.bank.lake.zone)) if seen else (),
        )


def _party(connection: Connection, number: str) -> PartyView | None:
    """Return who a customer is to the sources; None of one whom no register has named yet."""
    try:
        return open_party(connection, number)
    except NotFoundError:
        # Out of scope is as unknown as ever.
        standing_of(connection, number)
        return None


def identity_tables(seen: PartyView, zone: ZoneInfo) -> tuple[Table, ...]:
    """Return a party's source identities, its identifiers as who asks may see them, and what made it one person."""
    members = tuple(
        (
            Cell(say.same(masked(one.customer_no))),
            Cell(say.same(one.source)),
            Cell(_CHANNEL if one.channel else _CUSTOMER, Tone.ACCENT if one.channel else Tone.PLAIN, tag=True),
            Cell(say.same(f"{one.since.astimezone(zone):%Y-%m-%d}")),
        )
        for one in seen.party.members
    )
    known = tuple(
        (
            Cell(say.same(one.kind)),
            Cell(say.same(one.value)),
            Cell(say.same(masked(one.customer_no))),
            Cell(say.same(f"{one.valid_from.astimezone(zone):%Y-%m-%d}")),
            Cell(say.same(f"{one.valid_to.astimezone(zone):%Y-%m-%d}") if one.valid_to else _UNTIL_NOW),
        )
        for one in seen.identifiers
    )
    history = tuple(
        (
            Cell(say.same(f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}")),
            Cell(Text("合并", "merged") if one.kind == "merge" else Text("拆分", "taken apart")),
            Cell(say.same(", ".join(map(masked, one.moved)))),
            Cell(say.same(one.by)),
            Cell(say.same(one.reason or ", ".join(f"{key}: {value}" for key, value in one.evidence.items()))),
        )
        for one in seen.history
    )
    return (
        Table("members", Text("来源与渠道身份", "Source and channel identities"), _heads(*_MEMBERS), members),
        Table("identifiers", Text("标识", "Identifiers"), _heads(*_IDENTIFIERS), known),
        Table("history", Text("怎样合为一人", "How they became one"), _heads(*_HISTORY), history),
    )


_WHOSE = Text("身份号", "Identity")
_MEMBERS = (_WHOSE, Text("来源", "Source"), Text("是什么", "What"), Text("自", "Since"))
_IDENTIFIERS = (Text("种类", "Kind"), Text("值", "Value"), _WHOSE, Text("自", "From"), Text("至", "Until"))
_HISTORY = (Text("时间", "When"), Text("什么", "What"), _WHOSE, Text("谁", "By"), Text("依据", "Why"))


def _heads(*titles: Text) -> tuple[Column, ...]:
    return tuple(Column(title) for title in titles)
