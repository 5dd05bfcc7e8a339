"""How far records of different business lines are one customer (跨条线融合), and where they contradict each other.

Counts only: no value of a person leaves here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection, text

from bankloop.customer.identity.intake import records_of
from bankloop.customer.identity.marks import document_of, normal_value
from bankloop.organization.rights import require
from bankloop.store.database import bank_wide, principal_of

FIELDS = ("name", "birth", "gender", "document_no", "phone", "email", "address")
PPM = 1_000_000
_MEMBERS = text(
    "SELECT i.customer_no, i.source, coalesce(p.party_no, i.customer_no) AS party_no FROM identity i "
    "LEFT JOIN party_member p ON p.customer_no = i.customer_no AND p.valid_to IS NULL WHERE NOT i.channel"
)
_LINES = text("SELECT DISTINCT ON (source) source, line FROM identity_file ORDER BY source, taken_at DESC")


@dataclass(frozen=True, slots=True)
class Integration:
    """One register: how many records, and how many of them are one customer with a record of each other line."""

    source: str
    line: str
    records: int
    joined: Mapping[str, int]

    def share(self, line: str) -> int:
        """Return the share that is joined to a line, ppm."""
        return PPM * self.joined.get(line, 0) // self.records if self.records else 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field in which two registers that hold the same customers disagree: of so many compared, so many differ."""

    field: str
    one: str
    other: str
    compared: int
    differ: int


def integration(connection: Connection) -> tuple[Integration, ...]:
    """Return how far each register is joined to the lines; needs ``merge.read``."""
    require(principal_of(connection), "merge.read")
    with bank_wide(connection):
        rows, lines = connection.execute(_MEMBERS).all(), _lines(connection)
    parties: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        parties[row.party_no].add(lines.get(row.source, row.source))
    counts: Counter[str] = Counter(row.source for row in rows)
    joined: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for line in parties[row.party_no] - {lines.get(row.source, row.source)}:
            joined[row.source][line] += 1
    return tuple(Integration(one, lines.get(one, one), counts[one], dict(joined[one])) for one in sorted(counts))


def conflicts(connection: Connection, most: int = 20_000) -> tuple[Conflict, ...]:
    """Return where registers contradict each other about the customers that they share; needs ``merge.read``.

    Looks at the first ``most`` parties of several records.
    """
    require(principal_of(connection), "merge.read")
    with bank_wide(connection):
        members: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in connection.execute(_MEMBERS):
            members[row.party_no].append((row.customer_no, row.source))
        several = [found for _, found in sorted(members.items()) if len(found) > 1][:most]
        records = records_of(connection, [number for found in several for number, _ in found])
    compared: Counter[tuple[str, str, str]] = Counter()
    differ: Counter[tuple[str, str, str]] = Counter()
    for found in several:
        for (a, source), (b, other) in combinations(sorted(found, key=lambda one: one[1]), 2):
            for field in FIELDS if a in records and b in records and source != other else ():
                said = [_plain(field, records[one]) for one in (a, b)]
                if all(said):
                    compared[field, source, other] += 1
                    differ[field, source, other] += said[0] != said[1]
    order = sorted(compared, key=lambda key: (-differ[key], key))
    return tuple(Conflict(*key, compared[key], differ[key]) for key in order if differ[key])


def _lines(connection: Connection) -> dict[str, str]:
    return {row.source: row.line for row in connection.execute(_LINES)}


def _plain(field: str, record: Mapping[str, object]) -> str:
    value = str(record.get(field) or "")
    if field == "birth":
        return "".join(c for c in value if c.isdigit())
    if field == "document_no":
        return document_of(record)
    return normal_value(field, value) if field in ("phone", "email") else "".join(value.split()).casefold()
