"""Models: cards, the registry, champion and candidates, drift, the top of a list with reasons; the way back by approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.loop.learning.forecasts import forecasts_of
from bankloop.loop.learning.training import roll_back
from bankloop.loop.offering.offers import said_of, top_of
from bankloop.loop.spec import amount_of
from bankloop.organization.approval import approval_of
from bankloop.organization.rights import require
from bankloop.report.models import (
    AMOUNT,
    CAUSAL,
    FORECAST,
    NOT_CAUSAL,
    alerts_table,
    calibration_table,
    learners_table,
    lift_picture,
    made_table,
    top_table,
    versions_table,
)
from bankloop.report.segments import segments_table
from bankloop.report.story import card_table
from bankloop.store.contracts import ModelVersion
from bankloop.store.registry import list_campaigns, read_models, read_steps
from bankloop.view import format as say
from bankloop.view.figures import Figure, Table
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

_SHOWN = 50


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/models")
    def listed(request: Request, visitor: Here) -> Response:
        require(visitor.principal, "model.read")
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            models = read_models(connection)
        champions = [one for one in models if one.state == "champion"]
        titles, alerts = _titles(console), _alerts(console, visitor)
        cards = card_table({one.campaign: one.card for one in champions}, titles)
        return page(
            request, "models.html", at="models", answer=_answer(champions, alerts), figures=_figures(models, champions, alerts),
            picture=lift_picture(champions, titles), cards=cards if champions else None, alerts=alerts_table(alerts, titles),
            names=[(name, titles.get(name, say.same(name))) for name in dict.fromkeys(one.campaign for one in models)],
        )  # fmt: skip

    @app.get("/models/{name}")
    def one(request: Request, name: str, visitor: Here) -> Response:
        require(visitor.principal, "model.read")
        return _model_page(request, visitor, name)

    @app.post("/models/{name}/rollback")
    def back(request: Request, name: str, form: Form, visitor: Acting) -> Response:
        console = console_of(request)
        number = form.get("version", "")
        try:
            if not number.isdigit():
                raise errors.unreadable("version", Text(f"“{number[:16]}”不是版本号", f"'{number[:16]}' is no version"))
            roll_back(console.bank, visitor.principal, name, int(number), form.get("reason", ""))
        except BankloopError as error:
            return _model_page(request, visitor, name, error)
        return RedirectResponse(f"/models/{name}", 303)


def _model_page(request: Request, visitor: Visitor, name: str, error: BankloopError | None = None) -> Response:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        versions = read_models(connection, name[:64])
        waiting = approval_of(connection, "model", name[:64]) if may(visitor, "approval.read") else None
    if not versions:
        raise errors.no_campaign(name[:64])
    titles = _titles(console)
    now = next((one for one in versions if one.state == "champion"), versions[0])
    return page(
        request, "model.html", error.http_status if error else 200, at="models", name=name, title=titles.get(name, say.same(name)),
        error=error, standing=_standing(now.card), card=card_table({name: now.card}, titles),
        versions=versions_table(versions), made=made_table(versions), learners=learners_table(now.card), calibration=calibration_table(now.card), top=_top(console, visitor, name),
        segments=segments_table(now.card, console.bank.catalogue.definitions),
        older=[one.version for one in versions if one.state != "champion"],
        request_id=waiting.approval_id if waiting is not None and waiting.open else None,
    )  # fmt: skip


def _titles(console: Console) -> dict[str, Text]:
    """Return what models are called: by their campaign, or what they forecast."""
    campaigns = console.titles()
    amounts = {amount_of(key): Text(f"{one.zh}：金额", f"{one.en}: amount") for key, one in campaigns.items()}
    return {**campaigns, **amounts, **{key: one.title.text for key, one in forecasts_of(console.bank).items()}}


def _standing(card: Mapping[str, Any]) -> Text:
    if card["kind"] == "forecast":
        why = card.get("why") or {}
        return Text(f"{FORECAST.zh}{why.get('zh', '')}", f"{FORECAST.en} {why.get('en', '')}")
    if card["kind"] == "amount":
        return AMOUNT
    return CAUSAL if card["causal"] else NOT_CAUSAL


def _top(console: Console, visitor: Visitor, name: str) -> Table | None:
    """Return the top tenth as far as the visitor sees its customers; nothing without the right or without a champion."""
    if not may(visitor, "customer.list"):
        return None
    try:
        found = console.readings.get(
            ("top", name, console.today), lambda: top_of(console.bank, console.principal, name)
        )
    except BankloopError:
        return None
    seen = console.seen_by(visitor.principal)
    known = None if seen is None else set(seen.to_pylist())
    ranked = [one for one in found.ranked if known is None or one.customer_no in known][:_SHOWN]
    mask = {one.customer_no: masked(one.customer_no) for one in ranked}
    return top_table(ranked, {one.customer_no: said_of(console.bank, one.why) for one in ranked}, mask)


def _alerts(console: Console, visitor: Visitor) -> dict[str, Mapping[str, Any]]:
    found = {}
    with console.bank.store.begin(visitor.principal) as connection:
        for row in list_campaigns(connection):
            step = read_steps(connection, row.name, max(row.round, 1)).get("optimize")
            if step is not None and step.detail.get("alerts"):
                found[row.name] = step.detail["alerts"]
    return found


def _answer(champions: list[ModelVersion], alerts: Mapping[str, object]) -> Text:
    causal = sum(bool(one.card["causal"]) for one in champions)
    return Text(
        f"{len(champions)} 个现任模型，其中 {causal} 个的提升由随机轮次学出；{len(alerts)} 个有漂移告警。",
        f"{len(champions)} champions, {causal} of them with an uplift learned from randomised rounds; {len(alerts)} have a drift alert.",
    )


def _figures(
    models: list[ModelVersion], champions: list[ModelVersion], alerts: Mapping[str, object]
) -> tuple[Figure, ...]:
    waiting = sum(one.state == "draft" for one in models)
    return (
        Figure(Text("现任", "Champions"), say.count(len(champions))),
        Figure(Text("登记版本", "Versions registered"), say.count(len(models))),
        Figure(Text("候选", "Candidates"), say.count(waiting), Text("等比较或审批", "wait for comparison or approval")),
        Figure(Text("漂移告警", "Drift alerts"), say.count(len(alerts))),
    )
