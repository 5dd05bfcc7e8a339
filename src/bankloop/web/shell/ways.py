"""What opens each page: no link leads where its reader may not go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from bankloop.organization.rights import allowed
from bankloop.web.shell.visitor import Visitor

# By address as the routes write it: every permission that a page takes. What is not named is for whoever is signed in.
OPENED_BY: Mapping[str, tuple[str, ...]] = {
    "/agreements": ("agreement.read",),
    "/approvals": ("approval.read",),
    "/approvals/{approval_id}": ("approval.read",),
    "/attributes": ("segment.read",),
    "/attributes/{name}": ("segment.read",),
    "/audiences": ("segment.read",),
    "/audit": ("audit.read",),
    "/begin": ("segment.read",),
    "/benefits": ("ledger.read",),
    "/board": ("round.read", "customer.list"),
    "/board/{campaign}/{round_}": ("round.read", "customer.list"),
    "/board/{campaign}/{round_}/rows": ("round.read", "customer.list"),
    "/book": ("task.log", "customer.list"),
    "/bring": ("lake.load",),
    "/bundles": ("bundle.read", "product.read"),
    "/bundles/{key}": ("bundle.read", "product.read"),
    "/calendar": ("campaign.read",),
    "/campaigns/{name}": ("campaign.read",),
    "/campaigns/{name}/edit": ("campaign.edit",),
    "/channels": ("contact.read", "event.read"),
    "/codes": ("channel_code.read",),
    "/codes/{code}": ("channel_code.read",),
    "/codes/poster.{ending}": ("channel_code.read",),
    "/collaboration": ("collaboration.read",),
    "/collaboration/{request_id}": ("collaboration.read",),
    "/credits": ("credit.read",),
    "/credits/{staff_id}": ("credit.read",),
    "/customers": ("customer.list",),
    "/customers/{customer_no}": ("customer.read", "consent.read"),
    "/customers/{customer_no}/needs": ("customer.read", "consent.read", "product.read"),
    "/customers/{customer_no}/identities": ("customer.read",),
    "/customers/{customer_no}/plan": ("customer.read", "account_plan.read"),
    "/customers/{customer_no}/points": ("points.read", "customer.read"),
    "/customers/{customer_no}/proposal": ("customer.read", "consent.read", "product.read"),
    "/customers/{customer_no}/way": ("relation.read",),
    "/daily": ("daily.read",),
    "/daily/{unit_id}": ("daily.read",),
    "/data": ("quality.read",),
    "/data/{table}": ("quality.read",),
    "/data/{table}/row": ("quality.read",),
    "/demo": ("demo.day",),
    "/escalations": ("task.read",),
    "/events": ("event.read",),
    "/falls": ("care.read",),
    "/falls/{product}": ("care.read",),
    "/gaps": ("product.read", "segment.read"),
    "/holds": ("hold.read",),
    "/journeys": ("round.read",),
    "/lineage": ("quality.read",),
    "/lists": ("worklist.read",),
    "/maturities": ("care.read",),
    "/merges": ("merge.read",),
    "/merges/{candidate_id}": ("merge.decide",),
    "/models": ("model.read",),
    "/models/{name}": ("model.read",),
    "/people": ("unit.read",),
    "/people/{staff_id}": ("staff.read",),
    "/plan": ("plan.read",),
    "/plan/{plan_id}": ("plan.read",),
    "/plan/{plan_id}/rows": ("plan.read", "customer.list"),
    "/plays": ("round.read",),
    "/points": ("points.read",),
    "/products": ("product.read",),
    "/products/{key}": ("product.read",),
    "/programme": ("round.read",),
    "/remote": ("servicing.read",),
    "/results": ("round.read",),
    "/results/{campaign}/{rounds}/by/{dimension}": ("round.read",),
    "/results/{campaign}/{rounds}/rows": ("round.read", "customer.list"),
    "/rounds": ("plan.read",),
    "/save/{what}.{kind}": ("round.read",),
    "/scorecard": ("round.read",),
    "/segments/{name}": ("segment.read",),
    "/slots": ("decision.read",),
    "/solutions/{key}": ("product.read",),
    "/targets": ("target.read",),
    "/targets/{target_id}": ("target.read",),
    "/tasks": ("task.read",),
    "/tiers": ("tier_rule.read",),
    "/trace": ("decision.read", "customer.list"),
    "/triggers": ("trigger.read",),
    "/triggers/rules": ("trigger.edit", "trigger.read"),
    "/triggers/rules/{name}": ("trigger.edit", "trigger.read"),
    "/warroom": ("task.assign",),
    "/warroom/{unit_id}": ("task.assign",),
    "/workbench": ("task.log",),
    "/workbench/{task_id}": ("task.read",),
}
_READER: ContextVar[Visitor | None] = ContextVar("reader", default=None)


def may(visitor: Visitor | None, permission: str) -> bool:
    """Return whether somebody signed in has a permission; '' is what everybody signed in has."""
    if visitor is None:
        return False
    kind, _, verb = permission.partition(".")
    return not permission or allowed(visitor.principal, verb, kind)


def may_open(visitor: Visitor | None, address: str) -> bool:
    """Return whether somebody may open a page; whether there is such a row is for the page to say."""
    return visitor is not None and all(may(visitor, one) for one in _takes(address.partition("?")[0].partition("#")[0]))


@contextmanager
def read_by(visitor: Visitor | None) -> Iterator[None]:
    """Let ``opens`` answer for somebody while a page is written."""
    token = _READER.set(visitor)
    try:
        yield
    finally:
        _READER.reset(token)


def opens(address: str) -> bool:
    """Return whether the reader of the page being written may open an address: what templates ask before they link."""
    return may_open(_READER.get(), address)


@cache
def _kinds() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), takes) for path, takes in OPENED_BY.items())


def _takes(path: str) -> tuple[str, ...]:
    named = OPENED_BY.get(path)
    if named is not None:
        return named
    return next((takes for kind, takes in _kinds() if kind.fullmatch(path)), ())
