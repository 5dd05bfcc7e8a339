"""The verbs of consent: a word written down, what the bank's files say taken in, a removal from the list by approval.

A word holds from its commit on, everywhere: at the contact gate, in the next plan, for what waits to be delivered, and
for the marketing tasks of staff, which it calls off in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from bankloop.customer.ages import GUARDED, age_of
from bankloop.customer.consent import errors, rules
from bankloop.customer.consent.contracts import (
    ANY_CHANNEL,
    THE_BANK,
    ConsentReport,
    ConsentStanding,
    Purpose,
    Recorded,
    Word,
)
from bankloop.customer.consent.ledger import CONSENT_SCHEMA, append_consents
from bankloop.customer.consent.queries import permits, standing, standing_of
from bankloop.customer.consent.scope import by_task_only
from bankloop.customer.identity import numbers_of, people_of
from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.ids import canonical_json, digest
from bankloop.kit.text import Text
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.organization.approval import (
    Approval,
    ApprovalState,
    Effects,
    approval_of,
    close_request,
    have_effect,
    hold_in_force,
    start_request,
    submit_approval,
)
from bankloop.organization.task import call_off_tasks
from bankloop.store.audit import record_audit
from bankloop.store.copying import copy_in, copy_out
from bankloop.store.database import Store, bank_wide, now_of
from bankloop.store.verbs import verb

KIND = "dnc_removal"
_FILE = "file"
_SAID = pa.schema([("customer_no", pa.string()), ("purpose", pa.string()), ("stood", pa.bool_())])
_MARKETING, _IMPERSONAL = Purpose.MARKETING.value, Purpose.NO_PERSONALISATION.value
# Of the people whom a load names, the numbers under which staff have something to do; a statement names so many at most.
_BUSY = (
    "SELECT DISTINCT t.customer_no FROM numbers JOIN staff_task t USING (customer_no) "
    "WHERE t.state IN ('CREATED', 'ALLOTTED', 'ASSIGNED', 'ACCEPTED', 'IN_PROGRESS') ORDER BY 1"
)
_AT_ONCE = 10_000
_SAID_BEFORE = """
SELECT DISTINCT ON (customer_no, purpose) customer_no, purpose, stands FROM consent_record
WHERE origin = 'file' ORDER BY customer_no, purpose, record_no DESC
"""
# What the files say otherwise than they last did; nothing said before is no. A day alone is known of it: what loosens
# counts from the beginning of that day and what tightens from its end, so that a refusal of that day stands. A file
# knows of no guardian: for a child it says no.
_NEW = """
WITH said AS (
    SELECT customer_no, 'marketing' AS purpose,
        marketing_consent AND coalesce(birth_date <= CAST(? AS DATE) - INTERVAL {guarded} YEAR, true) AS stands
    FROM customer UNION ALL
    SELECT customer_no, 'no_personalisation', personalisation_off FROM customer UNION ALL
    SELECT customer_no, 'do_not_contact', do_not_contact FROM customer)
SELECT s.customer_no, s.purpose, s.stands, CASE WHEN s.stands = (s.purpose = 'marketing') THEN ? ELSE ? END AS said_at
FROM said s LEFT JOIN before b USING (customer_no, purpose) WHERE s.stands <> coalesce(b.stood, false) ORDER BY ALL
"""


@verb("consent.record")
def record_word(
    connection: Connection,
    customer_no: str,
    purpose: str,
    stands: bool,
    *,
    origin: str,
    evidence: Mapping[str, str] | None = None,
    channel: str = ANY_CHANNEL,
    recipient: str = THE_BANK,
    said_at: datetime | None = None,
    lake: Lake | None = None,
) -> Recorded:
    """Write down what a customer allows, withdraws or stops, with where it was said and how it is proven.

    ``lake`` tells the customer's age, where a word may loosen something: under fourteen a guardian consents.
    Raises ``NotFoundError`` out of scope, ``InputError`` for what may not be written down so: a consent without
    evidence, or taken by who meets the customer by a task alone; a removal from the do-not-contact list.
    """
    if purpose not in set(Purpose):
        raise errors.unknown_purpose(purpose)
    now, given = now_of(connection), dict(evidence or {})
    word = Word(Purpose(purpose), stands, said_at or now, channel, recipient)
    stops_only = by_task_only(connection, customer_no)
    age = None if lake is None else age_of(lake, _all_numbers(connection, customer_no), local_day(now, lake.zone))
    ruling = rules.may_say(word, origin, given, now, stops_only=stops_only, age=age)
    if not ruling.allowed:
        raise errors.may_not_say(ruling)
    with bank_wide(connection):
        return _written(connection, customer_no, word, origin, given, "consent.record")


def _all_numbers(connection: Connection, customer_no: str) -> list[str]:
    with bank_wide(connection):
        return numbers_of(connection, customer_no)


def ask_removal(connection: Connection, customer_no: str, evidence: Mapping[str, str], reason: str) -> UUID:
    """Ask that a customer leave the do-not-contact list, by their own wish; consumer protection and others approve it.

    Raises ``ConflictError`` for who is not on it, ``InputError`` without evidence of the customer's wish.
    """
    found = standing_of(connection, customer_no)
    if not rules.holds(found.words, Purpose.DO_NOT_CONTACT):
        raise errors.not_listed(customer_no)
    wish = Word(Purpose.MARKETING, True, now_of(connection))
    ruling = rules.may_say(wish, "letter", evidence, now_of(connection), stops_only=False)
    if not ruling.allowed:
        raise errors.may_not_say(ruling)
    what = {"customer": customer_no, "evidence": dict(evidence), "reason": reason}
    made: UUID = submit_approval(connection, KIND, customer_no, digest(what), content=what, reason=reason)
    return made


@verb("dnc_removal.run")
def remove_from_list(connection: Connection, customer_no: str) -> Recorded:
    """Take a customer off the do-not-contact list as it was approved, once; ``ConflictError`` without an approval in force."""
    with bank_wide(connection):
        request = approval_of(connection, KIND, customer_no)
        held = hold_in_force(connection, KIND, customer_no, request.digest if request else "")
        start_request(connection, held.approval_id, "dnc_removal.run")
        evidence = {**(held.content or {}).get("evidence", {}), "approval": str(held.approval_id)}
        word = Word(Purpose.DO_NOT_CONTACT, False, now_of(connection))
        done = _written(connection, customer_no, word, "approval", evidence, "dnc_removal.run")
        close_request(connection, held.approval_id, "", "dnc_removal.run")
    return done


@verb("consent.load")
def load_consents(connection: Connection, lake: Lake) -> ConsentReport:
    """Take in what the bank's files say otherwise than they last did, with the version of the table as its origin.

    A withdrawal made here stands, whatever a file of an earlier day or an unchanged one says; a file adds to the
    do-not-contact list and never removes. Whom it silences has no marketing task any more.
    """
    version = lake.manifest.current("customer")
    if version is None:
        return ConsentReport(0, 0)
    before = copy_out(connection, _SAID_BEFORE, _SAID)
    begins = local_moment(version.as_of, 0, 0, lake.zone)
    midnight = local_moment(version.as_of + timedelta(days=1), 0, 0, lake.zone)
    ends = min(midnight - timedelta(microseconds=1), now_of(connection))
    with lake.connection(Scope.whole_bank("consent")) as engine:
        engine.register("before", before)
        found = engine.sql(
            _NEW.format(guarded=GUARDED), params=[lake.today(), min(begins, ends), ends]
        ).to_arrow_table()
        engine.register("found", found)
        words = engine.sql("FROM found WHERE stands OR purpose <> 'do_not_contact'").to_arrow_table()
    evidence = canonical_json({"table": "customer", "version": version.version})
    added = append_consents(connection, _filled(words, evidence))
    report = ConsentReport(added, found.num_rows - added, _call_off(connection, words))
    if report != ConsentReport(0, 0):
        after = {"words": report.words, "kept": report.kept, "tasks": report.tasks, "version": version.version}
        record_audit(connection, "consent.load", "consent", version.version, None, after)
    return report


def take_consents(store: Store, lake: Lake) -> ConsentReport:
    """Take in what the bank's files say of consents, as the program, in one transaction."""
    from bankloop.organization.principals import system

    with store.begin(system("consent", "load")) as connection:
        return load_consents(connection, lake)


def restrict(connection: Connection, customer_no: str, origin: str, evidence: Mapping[str, str]) -> int:
    """Set every stop for a person, as an erasure does, and return how many were not set before; for the program."""
    stops = [purpose for purpose in Purpose if purpose.stop]
    with bank_wide(connection):
        done = [
            _written(connection, customer_no, Word(stop, True, now_of(connection)), origin, evidence, "consent.record")
            for stop in stops
        ]
    return sum(one.changed for one in done)


def _written(
    connection: Connection, customer_no: str, word: Word, origin: str, evidence: Mapping[str, str], name: str
) -> Recorded:
    numbers = numbers_of(connection, customer_no)
    before = standing(connection, numbers)
    row = {
        "customer_no": customer_no, "purpose": word.purpose.value, "channel": word.channel, "recipient": word.recipient,
        "stands": word.stands, "said_at": word.said_at, "origin": origin, "evidence": canonical_json(evidence),
    }  # fmt: skip
    append_consents(connection, pa.Table.from_pylist([row], CONSENT_SCHEMA))
    after = standing(connection, numbers)
    tasks = call_off_tasks(connection, numbers, word.purpose.value) if _silenced(after) else 0
    changed = _said(before, word) is not _said(after, word)
    said = {**row, "said_at": word.said_at.isoformat(), "evidence": dict(evidence), "changed": changed, "tasks": tasks}
    record_audit(connection, name, "consent", customer_no, None, said, subject=customer_no)
    return Recorded(after, changed, tasks)


def _call_off(connection: Connection, words: pa.Table) -> int:
    """Call off the open marketing tasks of everybody whom these words silence, and return how many."""
    tighter = pc.and_(
        pc.invert(pc.equal(words["purpose"], _IMPERSONAL)),
        pc.equal(words["stands"], pc.not_equal(words["purpose"], _MARKETING)),
    )
    refused = words.filter(tighter).select(["customer_no"])
    if not refused.num_rows:
        return 0
    people = people_of(copy_in(connection, refused))
    numbers = connection.scalars(text(f"{people} {_BUSY}")).all()
    silenced = ~permits(connection, pa.array(numbers, pa.string())).usual
    called = [number for number, silent in zip(numbers, silenced.tolist(), strict=True) if silent]
    parts = [called[at : at + _AT_ONCE] for at in range(0, len(called), _AT_ONCE)]
    return sum(call_off_tasks(connection, part, _MARKETING) for part in parts)


def _said(found: ConsentStanding, word: Word) -> bool:
    return rules.holds(found.words, word.purpose, word.channel, word.recipient)


def _silenced(found: ConsentStanding) -> bool:
    """Return whether staff, who call, may no longer reach the person for marketing at all."""
    return not rules.may_contact(found.words, ANY_CHANNEL).allowed


def _filled(words: pa.Table, evidence: str) -> pa.Table:
    count = words.num_rows
    fixed = {"channel": ANY_CHANNEL, "recipient": THE_BANK, "origin": _FILE, "evidence": evidence}
    for name, value in fixed.items():
        words = words.append_column(name, pa.array([value] * count, pa.string()))
    return words.select(CONSENT_SCHEMA.names)


def _remove_later(bank: Any, connection: Connection, request: Approval) -> None:
    if request.state is not ApprovalState.CLOSED:
        remove_from_list(connection, request.object_id)


have_effect(
    KIND,
    Effects(Text("随后由程序移出禁拨名单", "the program takes the customer off the list next"), later=_remove_later),
)
