"""The ledger of what customers allow and forbid: words with their evidence, appended and never changed.

The latest word about a purpose holds; of two said at one moment the stricter does. A person's word counts under each of
their numbers. What nobody allowed is forbidden. It keeps words and answers the contact gate; who may say what is ruled
beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.customer.consent.contracts import ANY_CHANNEL, STOPS, THE_BANK, Purpose, Word
from bankloop.customer.identity import lock_people
from bankloop.store.copying import copy_in, copy_out, fitted, sole
from bankloop.store.database import principal_of
from bankloop.store.questions import Question, Rows

MARKETING, NO_MARKETING = Purpose.MARKETING.value, Purpose.NO_MARKETING.value
DO_NOT_CONTACT = Purpose.DO_NOT_CONTACT.value

CONSENT_SCHEMA = pa.schema(
    [
        pa.field("customer_no", pa.string(), nullable=False),
        pa.field("purpose", pa.string(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("recipient", pa.string(), nullable=False),
        pa.field("stands", pa.bool_(), nullable=False),
        pa.field("said_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),  # a JSON object
    ]
)
_DEFAULTS = {"channel": ANY_CHANNEL, "recipient": THE_BANK, "evidence": "{}"}
STANDING_SCHEMA = pa.schema(
    [
        pa.field("customer_no", pa.string()),
        pa.field("purpose", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("recipient", pa.string()),
        pa.field("stands", pa.bool_()),
        pa.field("said_at", pa.timestamp("us", tz="UTC")),
    ]
)
# From here on people of several numbers are joined at once and not one by one.
_MANY = 1_000
_LIST = ", ".join(f"'{stop}'" for stop in STOPS)
# The latest first; of one moment the stricter: a stop that stands, a purpose that does not.
LATEST = f"said_at DESC, (stands = (purpose IN ({_LIST}))) DESC, record_no DESC"
_STANDING = f"""
SELECT DISTINCT ON (person, purpose, channel, recipient) person, purpose, channel, recipient, stands, said_at
FROM (SELECT coalesce(p.party_no, c.customer_no) AS person, c.* FROM consent_record c
    LEFT JOIN party_member p ON p.customer_no = c.customer_no AND p.valid_to IS NULL {{where}}) AS word
ORDER BY person, purpose, channel, recipient, {LATEST}
"""
_REFUSED = f"""
WITH asked AS (SELECT DISTINCT i.customer_no, i.channel, coalesce(p.party_no, i.customer_no) AS person FROM {{name}} i
    LEFT JOIN party_member p ON p.customer_no = i.customer_no AND p.valid_to IS NULL),
bearer AS (SELECT DISTINCT person, channel, person AS customer_no FROM asked
    UNION SELECT a.person, a.channel, p.customer_no FROM asked a
    JOIN party_member p ON p.party_no = a.person AND p.valid_to IS NULL),
latest AS (SELECT DISTINCT ON (b.person, b.channel, c.purpose) b.person, b.channel, c.purpose, c.stands
    FROM bearer b CROSS JOIN LATERAL (SELECT * FROM consent_record r WHERE r.customer_no = b.customer_no
        AND r.recipient = '{THE_BANK}' AND r.channel IN ('{ANY_CHANNEL}', b.channel)
        AND r.purpose IN ('{MARKETING}', '{NO_MARKETING}', '{DO_NOT_CONTACT}') OFFSET 0) c
    ORDER BY b.person, b.channel, c.purpose, {LATEST}),
ruled AS (SELECT a.customer_no, a.channel, array_agg(l.purpose) FILTER (WHERE l.stands) AS standing
    FROM asked a LEFT JOIN latest l USING (person, channel) GROUP BY 1, 2)
SELECT customer_no, channel, CASE WHEN '{DO_NOT_CONTACT}' = ANY (standing) THEN '{DO_NOT_CONTACT}'
    WHEN '{NO_MARKETING}' = ANY (standing) THEN '{NO_MARKETING}' ELSE 'no_consent' END
FROM ruled WHERE standing IS DISTINCT FROM ARRAY['{MARKETING}']
"""
_EVERY_WORD = 2**62
_HEARING = (
    b"SELECT coalesce(max(record_no), %(low)s), count(*) FILTER (WHERE record_no <= %(high)s), "
    b"count(*) FILTER (WHERE record_no > %(high)s), array_agg(DISTINCT customer_no) FILTER (WHERE record_no > %(high)s), "
    b"pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint "
    b"FROM consent_record WHERE record_no > %(low)s"
)
_OF = text(
    "SELECT record_no, customer_no, purpose, channel, recipient, stands, said_at, origin, evidence, made_by, recorded_at "
    "FROM consent_record WHERE customer_no = ANY (:numbers) ORDER BY said_at DESC, record_no DESC LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """How far the ledger was read: all of it up to ``low`` for good, and ``count`` words after that up to ``high``.

    A word may be committed after one with a higher number was read, until the transactions that began before number
    ``running`` are over.
    """

    low: int
    high: int
    count: int
    running: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was said since: how far the ledger is read now, of how many customers, and whether something older came late."""

    heard: Heard
    customers: frozenset[str]
    late: bool


def hearing_asked(since: Heard | None) -> Question[Hearing]:
    """Return the question of what was said ``since``; nothing is new to who begins to listen."""
    known = since or Heard(0, _EVERY_WORD, 0, 0)

    def read(rows: Rows) -> Hearing:
        highest, still, new, customers, over, running = rows[0]
        if since is None:
            return Hearing(Heard(0, highest, still, running), frozenset(), late=False)
        late = still != since.count
        settled = over >= since.running
        heard = Heard(since.high, highest, new, running) if settled else Heard(since.low, highest, still + new, running)
        return Hearing(heard, frozenset(customers or ()), late)

    return Question(_HEARING, read, {"low": known.low, "high": known.high})


def append_consents(connection: Connection, table: pa.Table) -> int:
    """Append words (``CONSENT_SCHEMA``) in the name of who acts and return how many.

    Whoever is at the gate with people who forbid something now is waited for, and waits: it holds from the commit on.
    """
    rows = fitted("consents", table, CONSENT_SCHEMA, _DEFAULTS)
    if not rows.num_rows:
        return 0
    name = copy_in(connection, rows)
    lock_people(connection, name, f"WHERE stands = (purpose IN ({_LIST}))")
    columns = ", ".join(CONSENT_SCHEMA.names)
    values = columns.replace("evidence", "evidence::jsonb")
    by = principal_of(connection).id.replace("'", "''")
    return sole(
        connection,
        f"INSERT INTO consent_record ({columns}, made_by) SELECT {values}, '{by}' FROM {name} ORDER BY customer_no, said_at",
    )


def consents_of(connection: Connection, numbers: Sequence[str], limit: int = 1_000) -> list[dict[str, Any]]:
    """Return the words recorded under numbers, the latest first, each with its evidence."""
    rows = connection.execute(_OF, {"numbers": list(numbers), "limit": limit})
    return [dict(row) for row in rows.mappings()]


def standing_words(connection: Connection, numbers: Sequence[str] | None = None) -> pa.Table:
    """Return the word that holds for each person, purpose, channel and recipient (``STANDING_SCHEMA``).

    ``customer_no`` is the person's first number. Of everybody, or of the people who have ``numbers``.
    """
    where, values = "", {}
    if numbers is not None:
        where, values = "WHERE c.customer_no = ANY (%(numbers)s)", {"numbers": list(numbers)}
    return copy_out(connection, _STANDING.format(where=where), STANDING_SCHEMA, values)


def words_asked(numbers: Sequence[str]) -> Question[tuple[Word, ...]]:
    """Return the question for the words that hold of the person who has ``numbers``, which are all of theirs."""
    statement = _STANDING.format(where="WHERE c.customer_no = ANY (%(numbers)s)")

    def read(rows: Rows) -> tuple[Word, ...]:
        return tuple(Word(Purpose(row[1]), row[4], row[5], row[2], row[3]) for row in rows)

    return Question(statement.encode(), read, {"numbers": list(numbers)})


def refused_contacts(connection: Connection, asked: str) -> dict[tuple[str, str], str]:
    """Return why a marketing contact is refused by (customer, channel), for those of the copied table ``asked``.

    Whoever is not in it may be contacted: consent stands for that channel, and no stop does.
    """
    # The planner takes what it has no statistics of for a few hundred people, and pairs every row with every other one.
    many = (connection.scalar(text(f"SELECT count(*) FROM {asked}")) or 0) > _MANY
    if many:
        connection.execute(text("SET LOCAL enable_nestloop = off"))
    rows = connection.execute(text(_REFUSED.format(name=asked))).all()
    if many:
        connection.execute(text("SET LOCAL enable_nestloop = on"))
    return {(row[0], row[1]): f"consent:{row[2]}" for row in rows}
