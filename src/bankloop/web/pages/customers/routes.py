"""One customer: what they allow and forbid, every word of it, and a form to write down what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from bankloop.care.account_plan import plans_of_customer
from bankloop.contact.declined import offers_declined
from bankloop.customer.consent import (
    ANY_CHANNEL,
    ORIGINS,
    TITLES,
    ConsentStanding,
    Content,
    Purpose,
    Record,
    content_for,
    holds,
    ledger_of,
    may_contact,
    record_word,
    standing_of,
    title_of,
)
from bankloop.customer.consent import Word as Said
from bankloop.customer.event import read_event_types
from bankloop.customer.overview import open_overview
from bankloop.customer.relation import also_served, open_circle, open_relations
from bankloop.customer.segment import segments
from bankloop.kit.errors import BankloopError, NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.membership.members import memberships
from bankloop.loop.offering.offers import next_offers
from bankloop.loop.offering.slots import slot_of
from bankloop.organization.people import units
from bankloop.organization.rights import require, unmask
from bankloop.report.models import offers_table, slot_table
from bankloop.store.audit import record_access
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.pages.attributes.cards import attributes_table, cards_of
from bankloop.web.pages.audiences.segments import groups_table
from bankloop.web.pages.customers.customer_page import declined_table, glance, ties_table
from bankloop.web.pages.customers.identities import IDENTITIES, add_identities_page
from bankloop.web.pages.customers.plans import PLANS, add_plan_pages, plans_table
from bankloop.web.pages.customers.relations import drawn
from bankloop.web.pages.customers.shared import served_table, shared_page
from bankloop.web.pages.customers.way import WAY, add_way_page
from bankloop.web.pages.points.routes import POINTS
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may
from bankloop.web.shell.words import MORE_WORDS

_ON_PAGE = 50
# What the page shows masked opens together with the money.
_OPENED = ("aum_fen",)
_CONTENT: Mapping[Content, Text] = {
    Content.PERSONAL: Text("个性化内容", "Chosen for them"),
    Content.GENERIC: Text("通用内容，人人相同", "The same for everybody"),
    Content.NONE: Text("不推送", "Nothing"),
}
_ORIGINS: Mapping[str, Text] = {
    "counter": Text("柜面", "Counter"),
    "app": Text("手机银行", "App"),
    "manager": Text("客户经理", "Manager"),
    "call": Text("电话", "Call"),
    "message": Text("短信回复", "Answer to a message"),
    "letter": Text("书面", "Letter"),
    "file": Text("源系统文件", "File of a source"),
    "approval": Text("审批", "Approval"),
    "erasure": Text("清除", "Erasure"),
}
_YES, _NO = Text("同意", "allowed"), Text("不允许", "not allowed")
_SET, _FREE = Text("已设置", "set"), Text("未设置", "not set")

_MORE = {"plan": PLANS["open"], "identities": IDENTITIES["open"], "way": WAY["open"], "points": POINTS["title"]}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""
    add_way_page(app)
    add_identities_page(app)
    add_plan_pages(app)

    @app.get("/customers/{customer_no}")
    def shown(request: Request, customer_no: str, visitor: Here) -> HTMLResponse:
        for right in ("customer.read", "consent.read"):
            require(visitor.principal, right)
        try:
            return _own_page(request, customer_no, visitor)
        except NotFoundError:
            found = shared_page(console_of(request), visitor.principal, customer_no[:64])
            return page(
                request,
                "shared.html",
                at="customers",
                number=customer_no[:64],
                masked=masked(customer_no[:64]),
                page=found,
            )

    @app.post("/customers/{customer_no}/unmask")
    def opened(request: Request, customer_no: str, form: Form, visitor: Acting) -> RedirectResponse:
        with console_of(request).bank.store.begin(visitor.principal) as connection:
            unmask(connection, customer_no[:64], _OPENED, form.get("reason", "")[:400], form.get("ticket", "")[:64])
        return RedirectResponse(f"/customers/{customer_no}", 303)

    @app.post("/customers/{customer_no}/consents")
    def record(request: Request, customer_no: str, form: Form, visitor: Acting) -> RedirectResponse:
        evidence = {name: form[name].strip() for name in ("form", "proof", "guardian") if form.get(name, "").strip()}
        bank = console_of(request).bank
        with bank.store.begin(visitor.principal) as connection:
            record_word(
                connection, customer_no[:64], form.get("purpose", ""), form.get("says", "") == "yes",
                origin=form.get("origin", ""), evidence=evidence, channel=form.get("channel") or ANY_CHANNEL,
                lake=bank.lake,
            )  # fmt: skip
        return RedirectResponse(f"/customers/{customer_no}#consents", 303)


def _own_page(request: Request, customer_no: str, visitor: Visitor) -> HTMLResponse:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        found, ledger = standing_of(connection, customer_no[:64]), ledger_of(connection, customer_no[:64])
        record_access(connection, "customer", [customer_no[:64]], ["consents"])
        ties = open_relations(connection, console.bank.lake, customer_no[:64]) if may(visitor, "relation.read") else ()
        circle = drawn(open_circle(connection, console.bank.lake, customer_no[:64])) if ties else None
        bank = console.bank
        profiles = bank.profiles(connection)
        seen = open_overview(connection, bank.lake, profiles, bank.catalogue, customer_no[:64])
        kept = plans_of_customer(connection, customer_no[:64]) if may(visitor, "account_plan.read") else []
        groups = segments(connection, active=True) if may(visitor, "segment.read") else []
        served = also_served(connection, bank.lake, seen.numbers)
        places = {one.unit_id: one for one in units(connection)} if served else {}
        declined = offers_declined(connection, customer_no[:64])
    plans = plans_table([one for one in kept if one.ended_at is None], console.today)
    row = profiles.attributes(seen.numbers)
    own = memberships(groups, row, bank.catalogue, profiles.state.as_of) if profiles.state else []
    ruling, zone = may_contact(found.words, ANY_CHANNEL), ZoneInfo(console.bank.lake.zone)
    answer = Text("可以营销触达。", "Marketing may reach this customer.")
    if not ruling.allowed:
        answer = Text(
            f"不可营销触达：{ruling.reason.zh}。", f"Marketing may not reach this customer: {ruling.reason.en}."
        )
    channels = sorted(console.bank.spec.policies.channels)
    glanced = glance(seen, console.titles(), bank.lake.zone, read_event_types(console.folder))
    unwanted = declined_table(declined, console.titles(), bank.lake.zone)
    return page(
        request, "customer.html", at="customers", number=customer_no[:64], masked=masked(customer_no[:64]), masked_number=masked, answer=answer,
        figures=_figures(found), glance=glanced, declined=unwanted, ties=ties_table(ties),
        more_pages=_MORE, circle=circle, shut=seen.masked and may(visitor, "customer.unmask"), groups=groups_table(own),
        served=served_table(served, places), plans=plans, cards=cards_of(seen), attributes=attributes_table(seen),
        consents=_consents(found, ledger, zone), ledger=_ledger(ledger, zone), channels=channels,
        offers=_offers(console, visitor, customer_no[:64]), purposes=TITLES, origins={name: _ORIGINS[name] for name in ORIGINS},
    )  # fmt: skip


def _offers(console: Console, visitor: Visitor, customer_no: str) -> tuple[Table, ...]:
    """Return the next best offers of a customer of one's own and what the app shows them; who may not open them sees none."""
    if not may(visitor, "product.read"):
        return ()
    try:
        found = next_offers(console.bank, visitor.principal, customer_no)
        return offers_table(found), slot_table(slot_of(console.bank, found))
    except BankloopError:
        return ()


def _figures(found: ConsentStanding) -> tuple[Figure, ...]:
    def stop(purpose: Purpose) -> Figure:
        return Figure(TITLES[purpose], _SET if holds(found.words, purpose) else _FREE)

    consent = _YES if holds(found.words, Purpose.MARKETING) else _NO
    return (
        Figure(TITLES[Purpose.MARKETING], consent),
        *(stop(purpose) for purpose in Purpose if purpose.stop),
        Figure(Text("可以展示", "May be shown"), _CONTENT[content_for(found.words)]),
    )


def _consents(found: ConsentStanding, ledger: Sequence[Record], zone: ZoneInfo) -> Table:
    """Return one row a purpose for all channels, and one for each channel or recipient of which something was said."""
    usual = {(purpose, ANY_CHANNEL, "bank") for purpose in Purpose if purpose is not Purpose.SHARING}
    keys = usual | {(w.purpose, w.channel, w.recipient) for w in found.words}
    order = list(Purpose)
    rows = []
    for purpose, channel, recipient in sorted(keys, key=lambda key: (order.index(key[0]), *key[1:])):
        stands = holds(found.words, purpose, channel, recipient)
        last = next((r for r in ledger if (r.purpose, r.channel, r.recipient) == (purpose, channel, recipient)), None)
        good = stands is not purpose.stop
        word = (_SET if stands else _FREE) if purpose.stop else (_YES if stands else _NO)
        title = title_of(Said(purpose, stands, last.said_at, channel, recipient)) if last else TITLES[purpose]
        rows.append((
            Cell(title), Cell(word, Tone.GOOD if good else Tone.WARN, tag=True),
            Cell(say.same(_local(last, zone)) if last else Text("从未说过", "never said")),
            Cell(_ORIGINS.get(last.origin, say.same(last.origin)) if last else say.same("—")),
        ))  # fmt: skip
    columns = (
        Column(Text("用途或停止", "Purpose or stop")), Column(Text("现在", "Now")), Column(Text("何时说的", "Said at")),
        Column(Text("在哪里", "Where")),
    )  # fmt: skip
    return Table("consents", Text("现在算数的", "What stands now"), columns, tuple(rows), MORE_WORDS["consents_note"])


def _ledger(found: Sequence[Record], zone: ZoneInfo) -> Table:
    rows = tuple(
        (
            Cell(say.same(_local(one, zone))),
            Cell(title_of(Said(one.purpose, one.stands, one.said_at, one.channel, one.recipient))),
            Cell(Text("是", "yes") if one.stands else Text("否", "no")),
            Cell(_ORIGINS.get(one.origin, say.same(one.origin))),
            Cell(say.same(" · ".join(f"{k} {v}" for k, v in one.evidence.items()) or "—")),
            Cell(say.same(one.made_by)),
        )
        for one in found[:_ON_PAGE]
    )
    columns = (
        Column(Text("何时", "When")), Column(Text("关于", "About")), Column(Text("说", "Said")),
        Column(Text("在哪里", "Where")), Column(Text("凭证", "Evidence")), Column(Text("记录人", "Written by")),
    )  # fmt: skip
    return Table("ledger", MORE_WORDS["ledger"], columns, rows)


def _local(one: Record, zone: ZoneInfo) -> str:
    return f"{one.said_at.astimezone(zone):%Y-%m-%d %H:%M}"
