"""Points: what the bank owes, one customer's wallet, and the forms that give, spend, give back and take back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from bankloop.benefit.points import (
    PointsProgramme,
    earn_points,
    give_back,
    last_owed,
    read_number,
    read_points,
    spend_points,
    take_back,
    wallet,
)
from bankloop.kit.errors import BankloopError, InputError
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.web.pages.points.page import (
    lots_table,
    months_picture,
    months_table,
    owed_answer,
    owed_figures,
    rules_table,
    spends_table,
    wallet_figures,
    wrong_table,
)
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

POINTS: Mapping[str, Text] = {
    "title": Text("积分", "Points"),
    "customer": Text("客户号", "Customer number"),
    "open": Text("看客户的积分", "Show a customer's points"),
    "mine": Text(
        "输入客户号，看该客户的可用积分、到期与每一笔；只看得到自己范围内的客户。",
        "Give a customer's number to see what may be spent, what ends when, and each entry; only your own customers.",
    ),
    "first": Text(
        "还没有积分的日报：明早的例行工作会做，现在就要请运行 bankloop points night。",
        "There is no report of points yet: tomorrow's daily work makes it; bankloop points night makes it now.",
    ),
    "none": Text("这位客户还没有积分。", "This customer has no points yet."),
    "nothing": Text("还没有人有积分。规则写在 points.yaml。", "Nobody has points yet. The rules are in points.yaml."),
    "back_to": Text("回到客户", "Back to the customer"),
    "key": Text("编号（同一编号只做一次）", "Key (the same one is done once)"),
    "of": Text("哪一笔的编号", "Key of the entry"),
    "points": Text("积分", "Points"),
    "reason": Text("事由", "Why"),
    "partner": Text("合作方（留空为本行）", "Partner (empty: the bank)"),
    "give": Text("发放", "Give"),
    "spend": Text("消费", "Spend"),
    "give_back": Text("退回一笔消费", "Give a spending back"),
    "take_back": Text("收回一笔入账", "Take an earning back"),
}
# What each form asks for, and the right that opens it.
FORMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "give": ("points.adjust", ("points", "reason", "partner", "key")),
    "spend": ("points.spend", ("points", "reason", "key")),
    "give_back": ("points.give_back", ("of", "points", "reason", "key")),
    "take_back": ("points.take_back", ("of", "reason")),
}
Act = Callable[[Connection, PointsProgramme, str, Mapping[str, str], date], object]
_ACTS: Mapping[str, Act] = {
    "give": lambda connection, programme, number, form, today: earn_points(
        connection, programme, form["key"], number, _points(form), form["reason"], today, form["partner"]
    ),
    "spend": lambda connection, programme, number, form, today: spend_points(
        connection, form["key"], number, _points(form), form["reason"], today
    ),
    "give_back": lambda connection, programme, number, form, today: give_back(
        connection, programme, form["key"], form["of"], _points(form), form["reason"], today, number
    ),
    "take_back": lambda connection, programme, number, form, today: take_back(
        connection, programme, form["of"], form["reason"], today, number
    ),
}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/points")
    def overview(request: Request, visitor: Here, customer: Annotated[str, Query(max_length=64)] = "") -> Response:
        require(visitor.principal, "points.read")
        if customer.strip():
            return RedirectResponse(f"/customers/{customer.strip()}/points", 303)
        console, kept, leads = console_of(request), None, "ledger.read" in visitor.principal.rights
        programme = read_points(console.bank.folder)
        if leads:
            with console.bank.store.begin(visitor.principal) as connection:
                kept = last_owed(connection)
        found = kept[0] if kept else None
        return page(
            request,
            "points.html",
            at="points",
            said=POINTS,
            answer=owed_answer(*kept, console.bank.lake.zone) if kept else POINTS["first" if leads else "mine"],
            figures=owed_figures(found) if found else (),
            picture=months_picture(found) if found else None,
            tables=[
                one
                for one in (wrong_table(found), months_table(found), rules_table(programme, found))
                if one and one.rows
            ]
            if found
            else [],
        )

    @app.get("/customers/{customer_no}/points")
    def one(request: Request, customer_no: str, visitor: Here) -> Response:
        return _wallet(request, visitor, customer_no[:64])

    @app.post("/customers/{customer_no}/points/{what}")
    def act(request: Request, customer_no: str, what: str, form: Form, visitor: Acting) -> Response:
        number = customer_no[:64]
        if what not in FORMS:
            raise InputError(
                "points.form",
                Text("没有这种操作；请从页面上的表单提交", "there is no such form; use one of the page's"),
            )
        right, fields = FORMS[what]
        require(visitor.principal, right)
        console = console_of(request)
        try:
            asked = {name: form.get(name, "").strip()[:200] for name in fields}
            with console.bank.store.begin(visitor.principal) as connection:
                wallet(connection, number, console.today)  # out of scope there is nobody, whatever is asked
                _ACTS[what](connection, read_points(console.bank.folder), number, asked, console.today)
        except BankloopError as error:
            return _wallet(request, visitor, number, what, form, error)
        return RedirectResponse(f"/customers/{number}/points", 303)


def _wallet(
    request: Request,
    visitor: Visitor,
    number: str,
    what: str = "",
    form: Mapping[str, str] | None = None,
    error: BankloopError | None = None,
) -> Response:
    for right in ("points.read", "customer.read"):
        require(visitor.principal, right)
    console = console_of(request)
    programme = read_points(console.bank.folder)
    with console.bank.store.begin(visitor.principal) as connection:
        found = wallet(connection, number, console.today)
    rights = visitor.principal.rights
    return page(
        request,
        "wallet.html",
        error.http_status if error else 200,
        at="points",
        said=POINTS,
        number=number,
        masked=masked(number),
        figures=wallet_figures(found),
        tables=[one for one in (lots_table(found, programme), spends_table(found)) if one.rows],
        forms={name: fields for name, (right, fields) in FORMS.items() if right in rights},
        given=form or {},
        at_form=what,
        error=error,
    )


def _points(form: Mapping[str, str]) -> int:
    return read_number(form["points"])
