"""The verbs of collaboration: referred, asked, taken, answered, passed on, added to, withdrawn; each once, each on a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.kit.clock import local_day
from bankloop.kit.ids import digest, uuid7
from bankloop.kit.worktime import WorkTime
from bankloop.organization.collaboration import errors
from bankloop.organization.collaboration.contracts import Collaboration, Conversation, Inbox, RequestKind, Topic
from bankloop.organization.collaboration.repository import add, hands, move, of_task, request_of, seen
from bankloop.organization.collaboration.rules import AT_BRANCH, answer_of, topic_of
from bankloop.organization.people import BookRow, OrgUnit, keeper_of, named_backups, person_of, units
from bankloop.organization.rights import allowed
from bankloop.organization.task import (
    OPEN,
    NewTask,
    TaskKind,
    call_back,
    events_of,
    put_back,
    raise_task,
    say,
    settle,
    take_over,
)
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_LINE, EVERY_UNIT, Principal
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.verbs import verb

_KIND = {RequestKind.REFERRAL: TaskKind.REFERRAL, RequestKind.SUPPORT: TaskKind.SUPPORT}
# The newest that an inbox shows.
_SHOWN = 200
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:key))")


@verb("collaboration.refer")
def refer(
    connection: Connection,
    topic: str,
    about_no: str,
    need: str,
    *,
    customer_no: str = "",
    company: str = "",
    agreed: bool = False,
    hours: WorkTime | None = None,
) -> Collaboration:
    """Refer a customer of one's own to another line (转介), once a day for the same matter, and return the request.

    ``customer_no`` is whom the other line is to serve, if they are its customer already: the task goes to who keeps them
    there. A number that it does not have counts as a name, so that nobody learns which numbers there are. Raises
    ``NotFoundError`` for who is not one's own, ``InputError`` without a name, the customer's word or the matter.
    """
    asked = topic_of(topic, RequestKind.REFERRAL)
    need, company, customer_no = need.strip(), company.strip(), customer_no.strip()
    if not need:
        raise errors.no_words()
    if not (customer_no or company):
        raise errors.no_company()
    if not agreed:
        raise errors.not_agreed()
    own = _own(connection, about_no, asked.desk)
    with bank_wide(connection):
        known = [row for row in keeper_of(connection, customer_no) if row.line == asked.desk] if customer_no else []
    place = known[0] if known else None
    to_unit, staff = _receiver(connection, asked.desk, place, own.unit_id)
    values = {
        "about_no": about_no, "customer_no": place.customer_no if place else "", "company": company or ("" if place else customer_no),
        "from_unit": own.unit_id, "from_line": own.line, "to_unit": to_unit, "to_line": asked.desk, "need": need,
    }  # fmt: skip
    return _made(connection, asked, values, staff, hours or WorkTime())


@verb("collaboration.ask")
def ask_support(
    connection: Connection, topic: str, need: str, *, about_no: str = "", hours: WorkTime | None = None
) -> Collaboration:
    """Ask the desk of a topic for support, once a day in the same words, and return the request.

    Raises ``NotFoundError`` for a customer who is not one's own, ``InputError`` without words.
    """
    asked, need, about_no = topic_of(topic, RequestKind.SUPPORT), need.strip(), about_no.strip()
    if not need:
        raise errors.no_words()
    if about_no and not keeper_of(connection, about_no):
        raise errors.no_customer(about_no)
    home = _home(connection)
    values = {
        "about_no": about_no, "customer_no": about_no, "company": "", "from_unit": home, "from_line": "",
        "to_unit": _place_of(units(connection), asked.desk, home), "to_line": "", "need": need,
    }  # fmt: skip
    return _made(connection, asked, values, None, hours or WorkTime())


@verb("collaboration.take")
def take(connection: Connection, request_id: UUID) -> Collaboration:
    """Take a request on: it is one's own to answer, and the clock of the first response stops."""
    found = _to_answer(connection, request_id)
    with bank_wide(connection):
        task = take_over(connection, found.task.task_id)
    record_audit(connection, "collaboration.take", "collaboration", str(request_id), {"state": found.task.state}, {"state": task.state})  # fmt: skip
    return replace(found, task=task)


@verb("collaboration.answer")
def answer(connection: Connection, request_id: UUID, outcome: str, words: str) -> Collaboration:
    """Answer a request; it returns to who asked, and is over where the answer ends it.

    Raises ``InputError`` without words, ``DeniedError`` for who is not asked, ``ConflictError`` where it is over.
    """
    found = _to_answer(connection, request_id)
    answer_of(found.kind, outcome)
    if not words.strip():
        raise errors.no_words()
    with bank_wide(connection):
        task = settle(connection, found.task.task_id, outcome, words.strip())
    after = {"outcome": outcome, "state": task.state}
    record_audit(connection, "collaboration.answer", "collaboration", str(request_id), {"state": found.task.state}, after)  # fmt: skip
    return replace(found, task=task)


@verb("collaboration.pass")
def pass_on(connection: Connection, request_id: UUID, topic: str, words: str) -> Collaboration:
    """Pass a request for support on to the desk of another topic (前台到中台到后台); the clock goes on.

    Raises as ``answer`` does.
    """
    found, asked = _to_answer(connection, request_id), topic_of(topic, RequestKind.SUPPORT)
    if found.kind is not RequestKind.SUPPORT:
        raise errors.no_topic(topic, [])
    if not words.strip():
        raise errors.no_words()
    place = _place_of(units(connection), asked.desk, found.from_unit)
    with bank_wide(connection):
        move(connection, request_id, topic=asked.key, desk=asked.desk, to_unit=place)
        put_back(connection, found.task.task_id, place, words.strip())
        passed = request_of(connection, request_id)
    before, after = {"desk": found.desk}, {"desk": asked.desk, "topic": asked.key}
    record_audit(connection, "collaboration.pass", "collaboration", str(request_id), before, after, words)
    return passed


@verb("collaboration.add")
def add_words(connection: Connection, request_id: UUID, words: str) -> None:
    """Add what was missing to one's own request while it is open."""
    found = _own_request(connection, request_id)
    if not words.strip():
        raise errors.no_words()
    with bank_wide(connection):
        say(connection, found.task.task_id, words.strip())
    record_audit(connection, "collaboration.add", "collaboration", str(request_id), None, {"words": len(words)})


@verb("collaboration.withdraw")
def withdraw(connection: Connection, request_id: UUID, reason: str) -> None:
    """Take one's own request back while it is open."""
    found = _own_request(connection, request_id)
    if not reason.strip():
        raise errors.no_words()
    with bank_wide(connection):
        call_back(connection, found.task.task_id, reason.strip())
    record_audit(connection, "collaboration.withdraw", "collaboration", str(request_id), {"state": found.task.state}, {"state": "RECALLED"}, reason)  # fmt: skip


def inbox(connection: Connection) -> Inbox:
    """Return both sides of who asks: what waits for them, what they asked, what their units did; open ones first."""
    principal = principal_of(connection)
    found = sorted(seen(connection, _SHOWN), key=lambda one: (one.task.state not in OPEN, -one.task.escalated))
    received = [one for one in found if _receives(principal, one)]
    asked = [one for one in found if one.asked_by == principal.id]
    rest = [one for one in found if one not in received and one not in asked]
    return Inbox(tuple(received), tuple(asked), tuple(rest))


def conversation(connection: Connection, request_id: UUID) -> Conversation:
    """Return a request that who asks may see, with what was done and said; raise ``NotFoundError`` otherwise."""
    found, principal = request_of(connection, request_id), principal_of(connection)
    with bank_wide(connection):
        events = events_of(connection, [found.task.task_id])
    is_open = found.task.state in OPEN
    mine = is_open and _receives(principal, found) and allowed(principal, "answer", "collaboration")
    return Conversation(
        found, tuple(events), mine,
        mine and found.kind is RequestKind.SUPPORT and allowed(principal, "pass", "collaboration"),
        is_open and found.asked_by == principal.id,
    )  # fmt: skip


def request_behind(connection: Connection, task_id: UUID) -> Collaboration | None:
    """Return the request that a task came from, as far as who asks may see it."""
    return of_task(connection, task_id)


def _made(
    connection: Connection, topic: Topic, values: dict[str, Any], staff: str | None, hours: WorkTime
) -> Collaboration:
    person, now = principal_of(connection).id, now_of(connection)
    day = local_day(now, hours.zone)
    same = digest(
        [topic.key, person, day.isoformat(), *(values[k] for k in ("about_no", "customer_no", "company", "need"))]
    )
    key = f"{topic.kind}/{same[:32]}"
    connection.execute(_LOCK, {"key": key})
    due = hours.later(now, topic.service.resolution)
    wanted = NewTask(
        key, _KIND[topic.kind], values["customer_no"], values["to_unit"], values["need"], now, due, staff, topic.key,
    )  # fmt: skip
    with bank_wide(connection):
        task, known = raise_task(connection, wanted, hours.zone)
        before = of_task(connection, task.task_id) if known else None
    if before is not None:
        return before
    made = uuid7(int(now.timestamp() * 1000))
    own = {"request_id": made, "kind": topic.kind, "topic": topic.key, "asked_by": person, "desk": topic.desk}
    add(connection, {**own, **values, "task_id": task.task_id, "made_at": now})
    act = "collaboration.refer" if topic.kind is RequestKind.REFERRAL else "collaboration.ask"
    after = {"topic": topic.key, "to": topic.desk, "unit": values["to_unit"], "staff": staff, "due": due}
    record_audit(connection, act, "collaboration", str(made), None, after, subject=values["about_no"] or None)
    return request_of(connection, made)


def _own(connection: Connection, about_no: str, to_line: str) -> BookRow:
    rows = keeper_of(connection, about_no)
    if not rows:
        raise errors.no_customer(about_no)
    others = [row for row in rows if row.line != to_line]
    if not others:
        raise errors.same_line(to_line)
    return others[0]


def _receiver(connection: Connection, line: str, kept: BookRow | None, from_unit: str) -> tuple[str, str | None]:
    """Return the unit and the person to whom a referral goes: the keeper, the backup, who is at work, or nobody yet.

    Where the unit has nobody of the line, those above it are asked, up to head office.
    """
    day = now_of(connection).date()
    with bank_wide(connection):
        if kept is not None and kept.staff_id:
            pair = (kept.staff_id, *named_backups(connection).get(kept.staff_id, ()))
            present = next((one for one in pair if not person_of(connection, one, day).absent), None)
            if present is not None:
                return kept.unit_id, present
        parents = {one.unit_id: one.parent_id for one in units(connection)}
        place: str | None = kept.unit_id if kept is not None else from_unit
        home = place or from_unit
        while place is not None:
            found = hands(connection, place, line, day)
            if found is not None:
                return place, found
            place = parents.get(place)
    return home, None


def _place_of(tree: Sequence[OrgUnit], role: str, home: str) -> str:
    """Return where a desk stands: the asker's own branch, or head office."""
    parents = {one.unit_id: one.parent_id for one in tree}
    kinds = {one.unit_id: one.kind for one in tree}
    place: str | None = home
    while place is not None and not (role in AT_BRANCH and kinds.get(place) == "branch"):
        if parents.get(place) is None:
            return place
        place = parents[place]
    return place or home


def _home(connection: Connection) -> str:
    """Return the unit that somebody asks from: that of their post, else the top of their scope, else head office."""
    person = principal_of(connection)
    mine = set(person.units)
    tree = units(connection)
    if EVERY_UNIT in mine or not mine:
        return next((one.unit_id for one in tree if one.kind == "head_office"), "")
    parents = {one.unit_id: one.parent_id for one in tree}
    return min((unit for unit in mine if parents.get(unit) not in mine), default="")


def _receives(principal: Principal, one: Collaboration) -> bool:
    if one.asked_by == principal.id:
        return False
    here = EVERY_UNIT in principal.units or one.to_unit in principal.units
    if one.kind is RequestKind.SUPPORT:
        return here and one.desk in principal.roles
    front = allowed(principal, "refer", "collaboration") or allowed(principal, "watch", "collaboration")
    in_line = front and (EVERY_LINE in principal.lines or one.to_line in principal.lines)
    # A manager answers what is theirs or nobody's yet; who leads the unit answers for all of it.
    own = not principal.book or one.task.staff_id in (None, principal.id)
    return (here and in_line and own) or one.task.staff_id == principal.id


def _to_answer(connection: Connection, request_id: UUID) -> Collaboration:
    found, principal = request_of(connection, request_id), principal_of(connection)
    if not _receives(principal, found):
        raise errors.not_yours(principal.id)
    if found.task.state not in OPEN:
        raise errors.over(found.task.state)
    return found


def _own_request(connection: Connection, request_id: UUID) -> Collaboration:
    found, principal = request_of(connection, request_id), principal_of(connection)
    if found.asked_by != principal.id:
        raise errors.not_yours(principal.id)
    if found.task.state not in OPEN:
        raise errors.over(found.task.state)
    return found
