"""Reading consent: what stands for one person, the ledger, and what stands for all customers of a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from bankloop.customer.consent.contracts import ANY_CHANNEL, STOPS, THE_BANK, ConsentStanding, Purpose, Record, Word
from bankloop.customer.consent.ledger import consents_of, standing_words
from bankloop.customer.consent.scope import in_scope
from bankloop.customer.identity import numbers_of, party_map
from bankloop.store.database import bank_wide

Bools = NDArray[np.bool_]
# The later of a word for this channel and one for all; of one moment the stricter, as ``rules.holds`` has it.
_RULED = """
WITH word AS (
    SELECT customer_no AS person, channel, purpose, arg_max(stands, 2 * epoch_us(said_at) + (stands = (purpose IN {stops}))::INT) AS stands
    FROM (SELECT w.customer_no, c.channel, w.purpose, w.stands, w.said_at FROM words w JOIN channels c ON w.channel IN ('*', c.channel)
          WHERE w.recipient = '{bank}')
    GROUP BY ALL),
ruled AS (
    SELECT person, channel, coalesce(bool_or(stands) FILTER (WHERE purpose = 'marketing'), false) AS marketing,
        coalesce(bool_or(stands) FILTER (WHERE purpose = 'no_marketing'), false) AS no_marketing,
        coalesce(bool_or(stands) FILTER (WHERE purpose = 'do_not_contact'), false) AS listed,
        coalesce(bool_or(stands) FILTER (WHERE purpose = 'no_personalisation'), false) AS impersonal
    FROM word GROUP BY person, channel)
SELECT coalesce(marketing AND NOT no_marketing, false) AS consents, coalesce(listed, false) AS listed,
    coalesce(impersonal, false) AS impersonal
FROM numbers n LEFT JOIN parties p USING (customer_no)
LEFT JOIN ruled r ON r.person = coalesce(p.party_no, n.customer_no) AND r.channel = ? ORDER BY n.place
"""


@dataclass(frozen=True, slots=True)
class Permits:
    """What stands for each of (n,) customers now.

    ``consents`` to marketing over some channel, ``listed`` as not to be contacted, ``impersonal`` (no personalisation).
    ``channels`` (n,) says who may be reached over a channel of which somebody said something; all others are ``usual``.
    """

    consents: Bools
    listed: Bools
    impersonal: Bools
    usual: Bools
    channels: Mapping[str, Bools]

    def open_to(self, channel: str) -> Bools:
        """Return whom marketing may reach over a channel."""
        return self.channels.get(channel, self.usual)

    def renewed(self, rows: NDArray[np.int64], part: Permits, places: NDArray[np.int64]) -> Permits:
        """Return these with the customers at ``rows`` as ``part`` has them at ``places``."""

        def put(whole: Bools, some: Bools) -> Bools:
            found = whole.copy()
            found[rows] = some[places]
            return found

        channels = {*self.channels, *part.channels}
        return replace(
            self,
            consents=put(self.consents, part.consents),
            listed=put(self.listed, part.listed),
            impersonal=put(self.impersonal, part.impersonal),
            usual=put(self.usual, part.usual),
            channels={name: put(self.open_to(name), part.open_to(name)) for name in channels},
        )

    def applied(self, state: pa.Table) -> pa.Table:
        """Return a state's table with what stands now in the place of what the files of its day said."""
        given = {
            "marketing_consent": self.consents,
            "do_not_contact": self.listed,
            "personalisation_off": self.impersonal,
        }
        for name, values in given.items():
            if name in state.column_names:
                state = state.set_column(state.column_names.index(name), name, pa.array(values))
        return state


def standing_of(connection: Connection, number: str) -> ConsentStanding:
    """Return what stands for the person of a number, under whichever of their numbers it was said.

    Raises ``NotFoundError`` out of scope.
    """
    with in_scope(connection, number) as numbers:
        return standing(connection, numbers)


def ledger_of(connection: Connection, number: str) -> tuple[Record, ...]:
    """Return every word of the person of a number, the latest first; raise ``NotFoundError`` out of scope."""
    with in_scope(connection, number) as numbers:
        found = consents_of(connection, numbers)
    return tuple(Record(**{**row, "purpose": Purpose(row["purpose"])}) for row in found)


def standing_among(connection: Connection, numbers: Sequence[str]) -> dict[str, tuple[Word, ...]]:
    """Return the words that stand for each of some customers, under whichever of their numbers; for the program."""
    return {number: standing(connection, numbers_of(connection, number)).words for number in numbers}


def standing(connection: Connection, numbers: list[str]) -> ConsentStanding:
    """Return what stands for the person of these numbers; for the program, which judged the scope."""
    rows = standing_words(connection, numbers).to_pylist()
    words = [Word(Purpose(r["purpose"]), r["stands"], r["said_at"], r["channel"], r["recipient"]) for r in rows]
    return ConsentStanding(rows[0]["customer_no"] if rows else numbers[0], tuple(words))


def permits(connection: Connection, numbers: pa.Array) -> Permits:
    """Return what stands now for customers in the order of ``numbers``."""
    with bank_wide(connection):
        words, parties = standing_words(connection), party_map(connection)
    return _permits(words, parties, numbers)


def permits_of(connection: Connection, numbers: Sequence[str], persons: Mapping[str, str]) -> Permits:
    """Return what stands now for some people; ``numbers`` are all of theirs, ``persons`` says whose a further one is."""
    own = {number: persons[number] for number in numbers if number in persons}
    with bank_wide(connection):
        words = standing_words(connection, numbers)
    parties = pa.table(
        {"customer_no": pa.array([*own], pa.string()), "party_no": pa.array([*own.values()], pa.string())}
    )
    return _permits(words, parties, pa.array(numbers, pa.string()))


def _permits(words: pa.Table, parties: pa.Table, numbers: pa.Array) -> Permits:
    named = sorted({*words["channel"].unique().to_pylist(), ANY_CHANNEL})
    with duckdb.connect() as engine:
        engine.register("words", words)
        engine.register("parties", parties)
        engine.register("channels", pa.table({"channel": named}))
        engine.register(
            "numbers", pa.table({"customer_no": numbers, "place": pa.array(range(len(numbers)), pa.int64())})
        )
        query = _RULED.format(stops=str(STOPS), bank=THE_BANK)
        found = {name: engine.sql(query, params=[name]).to_arrow_table() for name in named}
    columns = {name: [_bools(table, column) for column in table.column_names] for name, table in found.items()}
    open_ = {name: consents & ~listed for name, (consents, listed, _) in columns.items()}
    _, listed, impersonal = columns[ANY_CHANNEL]
    some = np.logical_or.reduce([consents for consents, _, _ in columns.values()])
    own = {name: mask for name, mask in open_.items() if name != ANY_CHANNEL}
    return Permits(some, listed, impersonal, open_[ANY_CHANNEL], own)


def _bools(table: pa.Table, column: str) -> Bools:
    values: Bools = table[column].to_numpy().astype(bool)
    return values
