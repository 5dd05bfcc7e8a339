"""All that the lake knows of one customer within milliseconds: tables in the order of customers, in one file of this bank.

The file is made of the current versions and the state of a day, and made anew when one of them changes; it can be deleted
at any time. Reading a customer reads a few blocks, however many customers there are.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from bankloop.customer.contracts import State
from bankloop.customer.contribution import YEAR, RateCard, read_cards
from bankloop.customer.servicing import ServicePolicy, read_policy
from bankloop.customer.tier import ASSETS, Span, TierRule, read_tier_rules, spans
from bankloop.kit import digest
from bankloop.lake import Lake

# A time line goes back so far; what is older stays in the lake.
EVENT_DAYS = 400
QUARTER = 90
_KEPT_FILES = 2
_TABLES = ("customer", "holding", "event", "tier_month", "servicing", "score")
# Rows whose least and greatest customer are known: a look reads the few of these that hold its customer.
_BLOCK = 16_384
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rules:
    """The bank's files by which a customer is shown, as they were when the profiles were opened."""

    tiers: tuple[TierRule, ...]
    cards: tuple[RateCard, ...]
    service: ServicePolicy


class Profiles:
    """One file of customers, open for reading by any number of threads, with the rules by which they are shown."""

    def __init__(self, path: Path, state: State | None, days: int, rules: Rules) -> None:
        self.state, self.days, self.rules = state, days, rules
        self._connection = duckdb.connect(str(path), read_only=True)
        # A look at one customer is done before a second thread has begun.
        self._connection.execute("SET threads = 1").fetchall()
        rows = self._connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        self._tables = {row[0] for row in rows}

    def rows(self, table: str, numbers: Sequence[str], order: str = "") -> list[dict[str, Any]]:
        """Return the rows of a table about these customers; none where the table is not there yet."""
        if table not in self._tables:
            return []
        found: list[dict[str, Any]] = []
        cursor = self._connection.cursor()
        for number in numbers:
            cursor.execute(f"SELECT * FROM {table} WHERE customer_no = ? {order}", [number])
            names = [column[0] for column in cursor.description or ()]
            found += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.close()
        return found

    def attributes(self, numbers: Sequence[str]) -> Mapping[str, Any]:
        """Return the attributes of the first of a person's numbers that has any."""
        rows = (self.state.row(number) for number in numbers) if self.state else iter(())
        return next((row for row in rows if row), {})

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def open_profiles(lake: Lake, state: State | None) -> Profiles:
    """Return the customers as the lake knows them now, with the attributes of ``state``; made where they are not there yet."""
    versions = {table: version.version for table in _TABLES if (version := lake.manifest.current(table)) is not None}
    key = digest([versions, state.digest if state else "", lake.today().isoformat()])[:24]
    folder = lake.folder / "data" / "profile"
    path = folder / f"{key}.duckdb"
    read = spans(
        lake.manifest.versions("holding"), lake.today() - timedelta(days=YEAR - 1), lake.today() + timedelta(days=1)
    )
    with _guard:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / f"{uuid4().hex}.partial"
            _make(lake, partial, read)
            partial.replace(path)
            _let_go(folder, path)
    rules = Rules(read_tier_rules(lake.folder), read_cards(lake.folder), read_policy(lake.folder))
    return Profiles(path, state, sum(one.days for one in read), rules)


def _make(lake: Lake, path: Path, read: Sequence[Span]) -> None:
    quoted = str(path).replace("'", "''")
    with lake.engine() as engine:
        engine.execute(f"ATTACH '{quoted}' AS p (ROW_GROUP_SIZE {_BLOCK})").fetchall()
        for name, query in _queries(lake, read).items():
            engine.execute(f"CREATE TABLE p.{name} AS {query}").fetchall()
        engine.execute("DETACH p").fetchall()


def _queries(lake: Lake, read: Sequence[Span]) -> dict[str, str]:
    """Return each table's query, in the order of customers."""
    now = {table: lake.reading(version) for table in _TABLES if (version := lake.manifest.current(table)) is not None}
    classes = ", ".join(f"'{one}'" for one in ASSETS)
    found: dict[str, str] = {}
    for table in ("holding", "tier_month", "servicing", "score"):
        if table in now:
            found[table] = f"SELECT * FROM {now[table]} ORDER BY customer_no"
    if "event" in now:
        since = lake.today() - timedelta(days=EVENT_DAYS)
        found["event"] = (
            f"SELECT customer_no, type, epoch_us(occurred_at) AS occurred_us, channel, scene, amount_fen FROM {now['event']} "
            f"WHERE occurred_at >= '{since}' ORDER BY customer_no, occurred_at DESC"
        )
    if read:
        parts = " UNION ALL ".join(
            f"SELECT customer_no, product_class, product_id, balance_fen::HUGEINT * {one.days} AS weighed, {one.days} AS held "
            f"FROM {lake.reading(one.version)}"
            for one in read
        )
        found["weighed"] = (
            f"SELECT customer_no, product_class, product_id, sum(weighed)::BIGINT AS weighed, sum(held)::BIGINT AS held FROM ({parts}) "
            "GROUP BY ALL ORDER BY ALL"
        )
    since = lake.today() - timedelta(days=QUARTER)
    before = next((v for v in reversed(lake.manifest.versions("holding")) if v.as_of <= since), None)
    if before is not None:
        found["earlier"] = (
            f"SELECT customer_no, product_class, sum(balance_fen)::BIGINT AS balance_fen, DATE '{before.as_of}' AS day "
            f"FROM {lake.reading(before)} WHERE product_class IN ({classes}) GROUP BY ALL ORDER BY 1"
        )
    return found


def _let_go(folder: Path, newest: Path) -> None:
    with suppress(OSError):
        kept = sorted(folder.glob("*.duckdb"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_KEPT_FILES]:
            if path != newest:
                path.unlink(missing_ok=True)
