"""The API, version 1: every verb as JSON, errors as problems in both languages, writes that can be sent again.

It decides nothing: rights are asked at the verbs' doors and in the database, and each answer says what was done.
"""

from fastapi import FastAPI

from bankloop.web.api import (
    account_plans,
    approvals,
    benefits,
    calendar,
    campaigns,
    channels,
    codes,
    collaborations,
    consents,
    credits,
    customers,
    daily,
    decisions,
    events,
    holds,
    interactions,
    jobs,
    journeys,
    ledgers,
    lists,
    machines,
    messages,
    parties,
    people,
    points,
    products,
    regular,
    schema,
    segments,
    targets,
    tasks,
    trail,
    triggers,
    units,
)
from bankloop.web.api.problems import note_refusal, problem

_PARTS = (
    campaigns, products, approvals, customers, consents, channels, decisions, events, interactions, parties, segments,
    tasks, daily, targets, journeys, credits, points, benefits, ledgers, codes, lists, collaborations, units, people,
    machines, messages, jobs,
    holds, regular, trail, account_plans, triggers, calendar,
)  # fmt: skip


def add_api(app: FastAPI) -> None:
    """Add the routes."""
    for part in _PARTS:
        app.include_router(part.router)
    schema.add_schema(app)


__all__ = ["add_api", "note_refusal", "problem"]
