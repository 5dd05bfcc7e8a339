"""Books of customers: who has whom, now; and how a book passes to another by approval, once, from a moment on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, insert, select, text, update

from bankloop.kit.ids import uuid7
from bankloop.kit.later import later
from bankloop.organization.people import errors
from bankloop.organization.people.contracts import BookRow, Transfer
from bankloop.organization.people.staff import person_of
from bankloop.organization.people.tables import book_transfer, customer_book
from bankloop.organization.people.units import valid
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.store.copying import copy_in, copy_out
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.questions import Question, ask

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = later("pyarrow")

_COLUMNS = tuple(book_transfer.c[name] for name in Transfer.__dataclass_fields__)
_WANTED = "staff_id = :staff AND line = :line AND (cardinality(CAST(:customers AS text[])) = 0 OR customer_no = ANY (:customers))"
# A row that begins in the very moment of the transfer is put right in its place; one that begins later stays.
_MEND = text(
    f"UPDATE customer_book SET unit_id = :unit, staff_id = :to WHERE {_WANTED} AND valid_to IS NULL AND "
    "valid_from = :at"
)
_MOVE = text(
    f"WITH ended AS (UPDATE customer_book SET valid_to = :at WHERE {_WANTED} AND valid_to IS NULL AND valid_from < :at "
    "RETURNING customer_no, line, says) "
    "INSERT INTO customer_book (customer_no, line, valid_from, unit_id, staff_id, says) "
    "SELECT customer_no, line, :at, :unit, :to, says FROM ended"
)
# A row that begins this very moment is put right in its place; an older one ends and is followed.
_GIVE = (
    "UPDATE customer_book b SET staff_id = g.staff FROM {name} g WHERE b.customer_no = g.customer_no AND "
    "b.line = :line "
    "AND b.valid_to IS NULL AND b.staff_id IS NULL AND b.valid_from >= :now",
    "WITH ended AS (UPDATE customer_book b SET valid_to = :now FROM {name} g WHERE b.customer_no = g.customer_no "
    "AND b.line = :line AND b.valid_to IS NULL AND b.staff_id IS NULL AND b.valid_from < :now "
    "RETURNING b.customer_no, b.line, b.unit_id, b.says, g.staff) "
    "INSERT INTO customer_book (customer_no, line, valid_from, unit_id, staff_id, says) "
    "SELECT customer_no, line, :now, unit_id, staff, says FROM ended",
)
# The first of each unit, merged: it reads a page a unit, not the units.
_OF_UNITS = text(
    "SELECT b.* FROM unnest(CAST(:units AS text[])) u CROSS JOIN LATERAL (SELECT customer_no, line, unit_id, staff_id "
    "FROM customer_book WHERE unit_id = u AND customer_no > :after AND (:line = '' OR line = :line) AND "
    "valid_from <= :now "
    "AND (valid_to IS NULL OR valid_to > :now) ORDER BY customer_no LIMIT :limit) b ORDER BY customer_no LIMIT :limit"
)
_NUMBERS = (
    "SELECT customer_no FROM customer_book WHERE {whose} AND valid_from <= %(now)s "
    "AND (valid_to IS NULL OR valid_to > %(now)s) ORDER BY customer_no"
)
_KEPT_BY = (
    b"SELECT customer_no, line, unit_id, staff_id FROM customer_book WHERE customer_no = ANY (%(numbers)s) "
    b"AND valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s) ORDER BY customer_no, line"
)
_COUNT = text(f"SELECT count(*) FROM customer_book WHERE {_WANTED} AND valid_to IS NULL")


def book_of(
    connection: Connection, staff_id: str, after: str = "", limit: int = 1_000, line: str = ""
) -> list[BookRow]:
    """Return a page of the customers of a member of staff now, in order of their numbers, as far as they may be seen.

    Those of one business line where one is named.
    """
    t = customer_book.c
    query = (
        select(t.customer_no, t.line, t.unit_id, t.staff_id)
        .where(t.staff_id == staff_id, valid(t, now_of(connection)), t.customer_no > after, *_of_line(line))
        .order_by(t.customer_no)
        .limit(limit)
    )
    return [BookRow(*row) for row in connection.execute(query)]


def customers_of_units(
    connection: Connection, units: Sequence[str], after: str = "", limit: int = 1_000, line: str = ""
) -> list[BookRow]:
    """Return a page of the customers of units now, in order of their numbers, as far as they may be seen.

    Those of one business line where one is named.
    """
    values = {"units": sorted(set(units)), "now": now_of(connection), "after": after, "limit": limit, "line": line}
    return [BookRow(*row) for row in connection.execute(_OF_UNITS, values)]


def _of_line(line: str) -> list[ColumnElement[bool]]:
    return [customer_book.c.line == line] if line else []


def numbers_kept(connection: Connection, staff_id: str, units: Sequence[str]) -> pa.Array:
    """Return the numbers of the customers of a member of staff, or of units where none is named, as far as they may be seen.

    In order. A column and not rows: a branch has a hundred thousand.
    """
    whose = "staff_id = %(staff)s" if staff_id else "unit_id = ANY (%(units)s)"
    values = {"staff": staff_id, "units": sorted(set(units)), "now": now_of(connection)}
    number = pa.schema([("customer_no", pa.string())])
    return copy_out(connection, _NUMBERS.format(whose=whose), number, values)["customer_no"].combine_chunks()


def customer_counts(connection: Connection, units: Sequence[str]) -> dict[str, int]:
    """Return how many customers each unit has now, as far as they may be seen."""
    t = customer_book.c
    query = (
        select(t.unit_id, func.count())
        .where(t.unit_id == func.any(list(units)), valid(t, now_of(connection)))
        .group_by(t.unit_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def give_managers(connection: Connection, given: Mapping[str, str], line: str = "retail") -> int:
    """Let customers of a line whom no manager keeps be kept by these from now on; return how many. Verbs judged it.

    What the source says of them stays, so that only a new word of the source changes it again.
    """
    rows = pa.table({"customer_no": list(given), "staff": list(given.values())})
    name, values = copy_in(connection, rows), {"now": now_of(connection), "line": line}
    return sum(connection.execute(text(statement.format(name=name)), values).rowcount for statement in _GIVE)


def keeper_of(connection: Connection, *numbers: str) -> list[BookRow]:
    """Return the rows of the book now of a customer, or of all numbers of a person, as far as they may be seen.

    A number has one a line; none means out of scope.
    """
    values = {"numbers": list(numbers), "now": now_of(connection)}
    return ask(connection, Question(_KEPT_BY, lambda rows: [BookRow(*row) for row in rows], values))


def keep_transfer(
    connection: Connection,
    from_staff: str,
    to_staff: str,
    reason: str,
    customers: Sequence[str],
    line: str,
    effective_at: datetime | None,
) -> tuple[Transfer, int]:
    """Keep what is asked for and return it with the number of customers it would move; nothing moves yet."""
    now, actor = now_of(connection), principal_of(connection)
    giver, taker = person_of(connection, from_staff), person_of(connection, to_staff)
    if giver.unit_id is None or taker.unit_id is None:
        raise errors.no_post(from_staff if giver.unit_id is None else to_staff)
    named = sorted(set(customers))
    size = connection.scalar(_COUNT, {"staff": from_staff, "line": line, "customers": named}) or 0
    if not size:
        raise errors.empty_book(from_staff)
    made = uuid7(int(now.timestamp() * 1000))
    values = {
        "transfer_id": made,
        "from_staff": from_staff,
        "to_staff": to_staff,
        "to_unit": taker.unit_id,
        "unit_id": giver.unit_id,
        "line": line,
        "customers": named,
        "effective_at": max(effective_at or now, now),
        "state": "requested",
        "reason": reason,
        "made_by": actor.id,
    }
    connection.execute(insert(book_transfer).values(**values))
    after = {"from": from_staff, "to": to_staff, "customers": len(named), "at": values["effective_at"]}
    record_audit(connection, "transfer.submit", "transfer", str(made), None, after, reason)
    return transfer_of(connection, made), size


def pass_book(connection: Connection, transfer_id: UUID, reason: str) -> None:
    """Let a transfer that was approved take effect, once; who approves answers for the taker's unit too."""
    found, actor = _waiting(connection, transfer_id), principal_of(connection)
    _answers_for(actor, found)
    moment = max(found.effective_at, now_of(connection))
    values = {
        "staff": found.from_staff,
        "line": found.line,
        "customers": list(found.customers),
        "at": moment,
        "unit": found.to_unit,
        "to": found.to_staff,
    }
    with bank_wide(connection):
        moved = connection.execute(_MEND, values).rowcount + connection.execute(_MOVE, values).rowcount
    if not moved:
        raise errors.empty_book(found.from_staff)
    _decide(connection, found, "open", "transfer.approve", reason, moved)


def end_transfer(connection: Connection, transfer_id: UUID, reason: str) -> None:
    """Let a transfer end without effect: taken back by its maker, or refused."""
    found = transfer_of(connection, transfer_id)
    if found.state == "requested":
        own = found.made_by == principal_of(connection).id
        _decide(connection, found, "ended" if own else "refused", f"transfer.{'recall' if own else 'reject'}", reason)


def transfers(connection: Connection, state: str | None = None, limit: int = 1_000) -> list[Transfer]:
    """Return the transfers that may be seen, the latest first, of a state where given."""
    query = select(*_COLUMNS).order_by(book_transfer.c.recorded_at.desc(), book_transfer.c.transfer_id.desc())
    if state is not None:
        query = query.where(book_transfer.c.state == state)
    return [_transfer(row) for row in connection.execute(query.limit(limit)).mappings()]


def transfer_of(connection: Connection, transfer_id: UUID) -> Transfer:
    """Return a transfer; raise ``NotFoundError`` where there is none within the principal's units."""
    query = select(*_COLUMNS).where(book_transfer.c.transfer_id == transfer_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise errors.missing("transfer", str(transfer_id))
    return _transfer(row)


def _waiting(connection: Connection, transfer_id: UUID) -> Transfer:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"transfer:{transfer_id}"})
    found = transfer_of(connection, transfer_id)
    if found.state != "requested":
        raise errors.not_requested(str(transfer_id), found.state)
    return found


def _answers_for(actor: Principal, found: Transfer) -> None:
    if EVERY_UNIT not in actor.units and found.to_unit not in actor.units:
        raise errors.out_of_scope(actor.id, found.to_unit)


def _decide(
    connection: Connection, found: Transfer, state: str, name: str, reason: str, moved: int | None = None
) -> None:
    actor = principal_of(connection).id
    decided = None if actor == found.made_by else actor
    t = book_transfer
    connection.execute(
        update(t).where(t.c.transfer_id == found.transfer_id).values(state=state, decided_by=decided, moved=moved)
    )
    before, after = {"state": found.state}, {"state": state, "moved": moved}
    record_audit(connection, name, "transfer", str(found.transfer_id), before, after, reason)


def _transfer(row: Any) -> Transfer:
    return Transfer(**{**row, "customers": tuple(row["customers"])})
