"""The shelf at work: changed through approval, effective at its moment, and everything under way screened against it.

A change is asked for as a notice beside its request; it holds from its moment on, not before the last consent. Plans are
made of the shelf as it is; what is queued is screened again where it leaves the house, and open tasks are withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Connection, text

from bankloop.contact.asking import DecisionClass
from bankloop.contact.stops import stop_contacts
from bankloop.kit.errors import InputError, NotFoundError
from bankloop.kit.expression import parse, to_function
from bankloop.kit.ids import digest
from bankloop.kit.located import nearest_said
from bankloop.kit.text import Text
from bankloop.kit.wording import value_reason
from bankloop.loop.bank import Bank
from bankloop.loop.product import Notice, ShelfInForce, WhyNot, in_force, rule_suitability
from bankloop.loop.spec import Availability, Lock, Product, RiskRating, read_lock
from bankloop.organization.approval import Approval, Demand, Effects, Limits, have_effect, submit_approval, terms_of
from bankloop.organization.principals import system
from bankloop.organization.rights import check_named
from bankloop.organization.task import Task, open_tasks, withdraw_tasks
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.database import bank_wide, now_of
from bankloop.store.registry import list_campaigns
from bankloop.store.registry import read_lock as stored_lock
from bankloop.store.shelf import add_notice, read_notices
from bankloop.store.verbs import verb

_DECIDED = text(
    "SELECT decision_id::text, unit_id, lock_digest, attributes, as_of, placement FROM decision "
    "WHERE decision_id = ANY (CAST(:ids AS uuid[]))"
)
# A follow-up has no decision of its own: it was agreed in a task that was agreed in a task that a decision made.
_ROOTS = text(
    "WITH RECURSIVE up (task_id, at, parent_id) AS (SELECT task_id, task_id, parent_id FROM staff_task "
    "WHERE task_id = ANY (CAST(:ids AS uuid[])) UNION SELECT up.task_id, t.task_id, t.parent_id FROM up "
    "JOIN staff_task t ON t.task_id = up.parent_id) SELECT task_id, at FROM up WHERE parent_id IS NULL"
)
# Nobody starts a change of the shelf, so its approval does not lapse for want of a start.
_BEGINS_BY_ITSELF = Demand(limits=Limits(start_days=0))
_QUEUED = text("SELECT payload FROM outbox WHERE topic = 'delivery' AND done_at IS NULL")


@dataclass(frozen=True, slots=True)
class ShelfChange:
    """What is asked for about one product: where it is offered, its ratings, from which moment on (None: once approved)."""

    product: str
    available: Availability = field(default_factory=Availability)
    risk: RiskRating | None = None
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Screened:
    """What screening found: by campaign, tasks withdrawn, and queued contacts that will not go out."""

    tasks: Mapping[str, int]
    queued: Mapping[str, int]


def read_change(product: str, fields: Mapping[str, Any]) -> ShelfChange:
    """Return a change from plain values (on, branches, segments, channels, issuer, seller, effective_at).

    Raises ``InputError`` for what cannot be.
    """
    moment = fields.get("effective_at")
    try:
        where = Availability.model_validate(
            {key: fields[key] for key in ("on", "branches", "segments", "channels") if fields.get(key) is not None}
        )
        risk = None
        if fields.get("issuer") or fields.get("seller"):
            risk = RiskRating.model_validate({"issuer": fields.get("issuer"), "seller": fields.get("seller")})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            "shelf.change",
            Text("货架变更的“{field}”不对：{reason}", "'{field}' of the change is not right: {reason}"),
            field=".".join(str(part) for part in first["loc"]), reason=value_reason(first),
        ) from error  # fmt: skip
    return ShelfChange(product, where, risk, moment)


def shelf_now(bank: Bank, principal: Principal) -> ShelfInForce:
    """Return the shelf as it is at this moment."""
    with bank.store.begin(principal) as connection:
        return shelf_of(connection)


def shelf_of(connection: Connection, at: datetime | None = None) -> ShelfInForce:
    """Return the shelf at a moment, now where none is given."""
    return in_force(granted_notices(connection), at or now_of(connection))


def granted_notices(connection: Connection) -> list[Notice]:
    """Return the notices that were approved, each from its moment on or from its last consent, whichever is later.

    The shelf is the same whoever looks, so it is read bank-wide: the caller asks for the right to see it. An approval that
    ended before its notice began never lets it begin; what has begun holds until another notice replaces it.
    """
    with bank_wide(connection):
        terms, notices = terms_of(connection, "product"), read_notices(connection)
    found = []
    for one in notices:
        term = terms.get(one.approval_id)
        begins = max(one.effective_at, term.since) if term else None
        if term and begins and (term.until is None or begins <= term.until):
            where = Availability.model_validate(one.change["available"])
            risk = RiskRating.model_validate(one.change["risk"]) if one.change.get("risk") else None
            found.append(Notice(one.product, where, risk, begins, one.made_by))
    return found


@verb("product.submit")
def submit_change(bank: Bank, maker: Principal, change: ShelfChange, reason: str = "") -> UUID:
    """Ask for a change of the shelf, to be approved by another person; the same change is asked for once.

    Raises ``NotFoundError`` for a product or a branch that the bank does not have.
    """
    product = known_product(bank, change.product)
    _check(bank, change)
    effect = _touched(bank, product.key)
    with bank.store.begin(maker) as connection:
        for branch in change.available.branches or ():
            check_named(connection, unit_id=branch)
        moment = change.effective_at or now_of(connection)
        content = {
            "available": change.available.model_dump(mode="json"),
            "risk": change.risk.model_dump(mode="json") if change.risk else None,
            "effective_at": moment.isoformat() if change.effective_at else "approval",
        }
        # Two changes that say the same are two all the same once another has held in between.
        held = shelf_of(connection).notices.get(product.key)
        name = digest({**content, "product": product.key, "after": held.since.isoformat() if held else ""})
        request = submit_approval(
            connection,
            "product",
            product.key,
            name,
            demand=_BEGINS_BY_ITSELF,
            effect=effect,
            content=content,
            reason=reason,
        )
        add_notice(connection, request, product.key, content, moment)
        record_audit(connection, "product.submit", "product", product.key, None, {"digest": name}, reason)
    return request


@verb("product.screen")
def screen(bank: Bank, principal: Principal) -> Screened:
    """Screen every running campaign against the shelf: withdraw tasks that may not be done, count what will not be sent."""
    tasks: dict[str, int] = {}
    queued: dict[str, int] = {}
    with bank.store.begin(principal) as connection:
        shelf = shelf_of(connection)
        for product, notice in shelf.notices.items():
            if notice.silent:
                continue
            # A bundle is as its legs are: what speaks for it speaks for each of them.
            speaking = (product, *(one.key for one in bank.spec.products.values() if product in one.legs))
            waiting = [task for key in speaking for task in open_tasks(connection, key)]
            closed = _closed_tasks(connection, shelf, waiting)
            for why in sorted(set(closed.values())):
                ids = [key for key, reason in closed.items() if reason == why]
                withdraw_tasks(connection, ids, f"shelf:{product}:{why}")
                # A follow-up's contact was made: only those of the tasks themselves are stopped.
                own = [str(one.task_id) for one in waiting if one.parent_id is None and closed.get(one.task_id) == why]
                stop_contacts(connection, own, f"shelf:{why}")
            for one in waiting:
                tasks[one.campaign] = tasks.get(one.campaign, 0) + (one.task_id in closed)
        for body in connection.scalars(_QUEUED):
            stopped = closed_contacts(connection, shelf, body["contacts"])
            if stopped:
                queued[body["campaign"]] = queued.get(body["campaign"], 0) + len(stopped)
        found = Screened({name: n for name, n in tasks.items() if n}, queued)
        record_audit(
            connection, "product.screen", "shelf", shelf.digest, None, {"tasks": found.tasks, "queued": found.queued}
        )
    return found


def _closed_tasks(connection: Connection, shelf: ShelfInForce, waiting: Sequence[Task]) -> dict[UUID, WhyNot]:
    """Return why tasks may not be done any more, each by the decision that it goes back to."""
    found = connection.execute(_ROOTS, {"ids": [str(one.task_id) for one in waiting]})
    roots = {task_id: str(root) for task_id, root in found}
    asked = [{"contact": roots[one.task_id], "action": one.action} for one in waiting if one.task_id in roots]
    closed = closed_contacts(connection, shelf, asked)
    return {task_id: closed[root] for task_id, root in roots.items() if root in closed}


def gate(connection: Connection, contacts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the contacts of a queued part that may still be made; the others are stopped for good, with the reason."""
    closed = closed_contacts(connection, shelf_of(connection), contacts)
    for why in sorted(set(closed.values())):
        stop_contacts(connection, [key for key, reason in closed.items() if reason == why], f"shelf:{why}")
    return [one for one in contacts if one["contact"] not in closed]


def closed_contacts(
    connection: Connection, shelf: ShelfInForce, contacts: Iterable[Mapping[str, Any]]
) -> dict[str, WhyNot]:
    """Return why contacts (``contact``: decision id, ``action``) may not be made any more; who is not named may.

    Only products with a notice are looked at. A customer is judged by what his decision read and by today's ratings.
    """
    touched = {key for key, notice in shelf.notices.items() if not notice.silent}
    asked = {one["contact"]: one["action"].split("|") for one in contacts}
    if not touched or not asked:
        return {}
    locks: dict[str, Lock] = {}
    found: dict[str, WhyNot] = {}
    today = now_of(connection).date()
    for decision, unit, lock_digest, attributes, as_of, placement in connection.execute(_DECIDED, {"ids": list(asked)}):
        key, channel = asked[decision][0], asked[decision][-1]
        if not lock_digest:
            sells = placement.startswith(f"{DecisionClass.MARKETING}/")
            why = _why_not_offered(shelf.notices.get(key), channel, unit) if sells else WhyNot.OPEN
        else:
            if lock_digest not in locks:
                locks[lock_digest] = shelf.on(read_lock(stored_lock(connection, lock_digest)))
            why = _why_closed(locks[lock_digest], key, channel, unit, attributes, as_of, today, touched)
        if why is not WhyNot.OPEN:
            found[decision] = why
    return found


def _why_not_offered(notice: Notice | None, channel: str, unit: str) -> WhyNot:
    """Return why a product is not open to a programme's contact, which has no lock and read nothing of its customer.

    Where a product is for some segments alone, or was given a new rating, nobody is known to be one of those it is for.
    """
    if notice is None or notice.silent:
        return WhyNot.OPEN
    where = notice.available
    if not where.on:
        return WhyNot.OFF_SHELF
    if (
        (where.channels is not None and channel not in where.channels)
        or (where.branches is not None and unit not in where.branches)
        or where.segments is not None
    ):
        return WhyNot.NOT_HERE
    return WhyNot.OPEN if notice.risk is None else rule_suitability(None, None, notice.risk.level, None).reason


def _why_closed(
    lock: Lock, key: str, channel: str, unit: str, attributes: Mapping[str, Any], as_of: date, today: date, touched: set[str]
) -> WhyNot:  # fmt: skip
    """Return why a product is not open to a decision's customer now; a bundle is as its first closed leg."""
    named = {product.key: product for product in lock.products}
    for one in (named[key], *(named[leg] for leg in named[key].legs)):
        if one.key in touched or touched.intersection(one.legs):
            why = _why_not(lock, one, channel, unit, attributes, as_of, today)
            if why is not WhyNot.OPEN:
                return why
    return WhyNot.OPEN


def _why_not(
    lock: Lock, one: Product, channel: str, unit: str, attributes: Mapping[str, Any], as_of: date, today: date
) -> WhyNot:
    where = one.available
    if not where.on:
        return WhyNot.OFF_SHELF
    if (where.channels is not None and channel not in where.channels) or (
        where.branches is not None and unit not in where.branches
    ):
        return WhyNot.NOT_HERE
    if where.segments is not None and not any(_member(lock, key, attributes, as_of) for key in where.segments):
        return WhyNot.NOT_HERE
    if not one.is_investment or one.risk is None:
        return WhyNot.OPEN
    days = attributes.get("days_since_risk_assessment")
    since = None if days is None else days + max(0, (today - as_of).days)
    return rule_suitability(attributes.get("risk_tolerance"), since, one.risk.level, attributes.get("age")).reason


def _member(lock: Lock, segment: str, attributes: Mapping[str, Any], as_of: date) -> bool:
    """Return whether what a decision read puts its customer into a segment; what cannot be known does not."""
    found = lock.policies.segments.get(segment)
    return found is not None and to_function(parse(found.where, lock.types))({**attributes, "today": as_of}) is True


def known_product(bank: Bank, key: str) -> Product:
    """Return a product of the bank's files; raise ``NotFoundError`` with the nearest key."""
    products = bank.spec.products
    if key not in products:
        raise NotFoundError(
            "shelf.unknown",
            Text("货架上没有“{key}”；{cure}", "there is no product '{key}' on the shelf; {cure}"),
            key=key[:64],
            cure=nearest_said(key, products, Text("请先写入 products.yaml", "write it into products.yaml first")),
        )
    return products[key]


def _check(bank: Bank, change: ShelfChange) -> None:
    policies = bank.spec.policies
    known = (("channels", change.available.channels, policies.channels), ("segments", change.available.segments, policies.segments))  # fmt: skip
    for kind, named, there in known:
        unknown = [one for one in named or () if one not in there]
        if unknown:
            raise InputError(
                "shelf.name",
                Text("policies.yaml 的 {field} 里没有“{name}”；可选 {known}", "policies.yaml has no '{name}' under {field}; it has {known}"),
                field=kind, name=unknown[0][:64], known=", ".join(there) or "—",
            )  # fmt: skip
    product = bank.spec.products[change.product]
    if change.risk is not None and product.risk is None:
        raise InputError(
            "shelf.not_rated",
            Text("“{key}”不是有风险等级的产品；评级只用于投资类", "'{key}' carries no rating; only investments are rated"),
            key=product.key,
        )  # fmt: skip


def _touched(bank: Bank, product: str) -> dict[str, Any]:
    """What a change touches, as its checker sees it: counted by the program, for its maker may not see tasks."""
    with bank.store.begin(system("shelf")) as connection:
        names = [name for name, lock in _running(connection) if any(p.key == product for p in lock.products)]
        tasks = len(open_tasks(connection, product))
    return {
        "campaigns": {"zh": "受影响的战役", "en": "campaigns it touches", "value": ", ".join(sorted(names)) or "—"},
        "tasks": {"zh": "未完成的任务", "en": "open tasks", "value": f"{tasks:,}"},
    }


def _running(connection: Connection) -> Iterable[tuple[str, Lock]]:
    for row in list_campaigns(connection):
        if row.lock_digest and row.state in ("approved", "scheduled", "running", "paused"):
            yield row.name, read_lock(stored_lock(connection, row.lock_digest))


def _screen_later(bank: Bank, connection: Connection, request: Approval) -> None:
    screen(bank, system("shelf"))


have_effect(
    "product",
    Effects(
        Text(
            "货架到约定的时刻改变，在途的触达随即复核",
            "the shelf changes at its moment, and what is under way is screened at once",
        ),
        later=_screen_later,
    ),
)
