"""The verb of credit, and how it is read: a deal once for its number, shares that the database holds at the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError

from bankloop.kit.ids import uuid7
from bankloop.kit.money import MAX_FEN
from bankloop.organization.people import person_of
from bankloop.organization.rights import check_named
from bankloop.performance.credit import errors
from bankloop.performance.credit.contracts import Credited, Deal, Share
from bankloop.performance.credit.tables import credit_deal, credit_share
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb

_CARDS = text(
    "SELECT s.staff_id, s.unit_id, count(*) AS deals, sum(s.share_ppm)::bigint AS share_ppm, "
    "sum(div(d.amount_fen::numeric * s.share_ppm, 1000000))::bigint AS amount_fen "
    "FROM credit_share s JOIN credit_deal d USING (deal_id) WHERE d.happened_on BETWEEN :since AND :until "
    "GROUP BY 1, 2 ORDER BY amount_fen DESC, 1"
)
_MINE = text(
    "SELECT d.*, s.line, s.share_ppm, s.task_id AS own_task FROM credit_share s JOIN credit_deal d USING (deal_id) "
    "WHERE s.staff_id = :staff AND d.happened_on BETWEEN :since AND :until ORDER BY d.happened_on DESC, d.deal_id"
)

_SINCE = text(
    "SELECT d.*, array_remove(array_agg(s.task_id) || d.task_id, NULL) AS tasks FROM credit_deal d "
    "LEFT JOIN credit_share s USING (deal_id) WHERE d.happened_on >= :since GROUP BY d.deal_id"
)


@verb("credit.record")
def record_deal(
    connection: Connection,
    key: str,
    customer_no: str,
    unit_id: str,
    what: str,
    amount_fen: int,
    happened_on: date,
    shares: Sequence[Share],
    task_id: UUID | None = None,
) -> Deal:
    """Record a deal once for its ``key`` and give shares of it; asked again, more shares are added to the same deal.

    Raises ``ConflictError`` where all shares together, whoever gives them and when, would be more than the whole,
    ``NotFoundError`` for a customer, a unit or a person that nobody knows.
    """
    if not key.strip() or not what.strip() or not 0 <= amount_fen <= MAX_FEN:
        raise errors.bad_deal()
    check_named(connection, customer_no=customer_no, unit_id=unit_id)
    deal = _deal(connection, key) or _made(
        connection, key, customer_no, unit_id, what, amount_fen, happened_on, task_id
    )
    rows = [
        {
            "deal_id": deal.deal_id, "staff_id": one.staff_id, "line": one.line, "share_ppm": one.share_ppm,
            "unit_id": person_of(connection, one.staff_id).unit_id or unit_id, "task_id": one.task_id,
        }
        for one in shares
    ]  # fmt: skip
    try:
        with connection.begin_nested():
            connection.execute(insert(credit_share), rows)
    except IntegrityError as error:
        given = sum(one.share_ppm for one in shares)
        held = _deal(connection, key)
        raise errors.above_whole(given + (held.credited_ppm if held else 0)) from error
    after = {"key": key, "shares": {one.staff_id: one.share_ppm for one in shares}}
    record_audit(connection, "credit.record", "deal", str(deal.deal_id), None, after)
    found = _deal(connection, key)
    assert found is not None
    return found


def scorecards(connection: Connection, since: date, until: date) -> tuple[Credited, ...]:
    """Return what each person was credited with, as far as it may be seen, the most first."""
    rows = connection.execute(_CARDS, {"since": since, "until": until})
    return tuple(Credited(row.staff_id, row.unit_id, row.deals, row.share_ppm, row.amount_fen) for row in rows)


def credits_of(connection: Connection, staff_id: str, since: date, until: date) -> tuple[tuple[Deal, Share], ...]:
    """Return the deals behind a person's figures, the latest first, with their share of each."""
    rows = connection.execute(_MINE, {"staff": staff_id, "since": since, "until": until}).mappings()
    return tuple(
        (
            Deal(**{name: row[name] for name in Deal.__dataclass_fields__}),
            Share(staff_id, row["line"], row["share_ppm"], row["own_task"] or row["task_id"]),
        )
        for row in rows
    )


def deals_of(connection: Connection, deal_id: UUID) -> tuple[Share, ...]:
    """Return the shares of a deal that may be seen."""
    t = credit_share.c
    query = select(t.staff_id, t.line, t.share_ppm, t.task_id).where(t.deal_id == deal_id).order_by(t.staff_id)
    return tuple(Share(*row) for row in connection.execute(query))


def deals_since(connection: Connection, since: date) -> tuple[tuple[Deal, tuple[UUID, ...]], ...]:
    """Return the deals that happened from a day on, as far as they may be seen, each with the tasks that show it."""
    rows = connection.execute(_SINCE, {"since": since}).mappings()
    return tuple((Deal(**{name: row[name] for name in Deal.__dataclass_fields__}), tuple(row["tasks"])) for row in rows)


def _made(
    connection: Connection, key: str, customer_no: str, unit_id: str, what: str, amount_fen: int, day: date, task: UUID | None
) -> Deal:  # fmt: skip
    now = now_of(connection)
    made = Deal(
        uuid7(int(now.timestamp() * 1000)), key, customer_no, unit_id, what, amount_fen, day, task, 0,
        principal_of(connection).id, now,
    )  # fmt: skip
    values = {name: getattr(made, name) for name in Deal.__dataclass_fields__}
    connection.execute(insert(credit_deal).values(**values))
    return made


def _deal(connection: Connection, key: str) -> Deal | None:
    row = connection.execute(select(credit_deal).where(credit_deal.c.source_key == key)).mappings().first()
    return None if row is None else Deal(**row)
