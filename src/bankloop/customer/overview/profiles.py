"""All that the lake knows of one customer within milliseconds: tables in the order of customers, in one file of this bank.

The file is made of the current versions, and made anew when one of them changes; it can be deleted at any time.
Reading a customer reads a few blocks, however many customers there are.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from bankloop.customer.contracts import State
from bankloop.customer.contribution import YEAR, RateCard, read_cards
from bankloop.customer.overview.ordered import Ordered, write_ordered
from bankloop.customer.servicing import ServicePolicy, read_policy
from bankloop.customer.tier import ASSETS, SnapshotSpan, TierRule, read_tier_rules, spans
from bankloop.kit.ids import digest
from bankloop.lake.service import Lake

# A time line goes back so far; what is older stays in the lake.
EVENT_DAYS = 400
QUARTER = 90
_KEPT_FOLDERS = 2
_TABLES = ("customer", "holding", "event", "tier_month", "servicing", "score")
_KEPT = ("holding", "event", "tier_month", "servicing", "score", "weighed", "earlier")
# What of a table a look shows, and in which order.
_AS_THEY_ARE = (
    ("holding", "product_class, balance_fen, matures_on", "holding_id"),
    ("tier_month", "month, average_fen, tier, watched, months_below, move", "month DESC"),
    ("servicing", "mode, owner_id, backup_id", "mode"),
    ("score", "attribute, model, model_version, scored_on, valid_until", "attribute"),
)
_BATCH = 1 << 17
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class ShownRules:
    """The bank's files by which a customer is shown, as they were when the profiles were opened."""

    tiers: tuple[TierRule, ...]
    cards: tuple[RateCard, ...]
    service: ServicePolicy


class Profiles:
    """One folder of customers, open for reading by any number of threads, with the rules by which they are shown."""

    def __init__(self, path: Path, state: State | None, days: int, rules: ShownRules) -> None:
        self.state, self.days, self.rules = state, days, rules
        self._tables = {table: Ordered(file) for table in _KEPT if (file := path / f"{table}.arrow").exists()}

    def rows(self, table: str, numbers: Sequence[str], most: int | None = None) -> list[dict[str, Any]]:
        """Return the first ``most`` rows of a table about each of these customers; none where it is not there yet."""
        if table not in self._tables:
            return []
        return [row for number in numbers for row in self._tables[table].rows(number, most)]

    def attributes(self, numbers: Sequence[str]) -> Mapping[str, Any]:
        """Return the attributes of the first of a person's numbers that has any."""
        rows = (self.state.row(number) for number in numbers) if self.state else iter(())
        return next((row for row in rows if row), {})

    def close(self) -> None:
        """Close the files."""
        for table in self._tables.values():
            table.close()


def open_profiles(lake: Lake, state: State | None) -> Profiles:
    """Return the customers as the lake knows them now, with the attributes of ``state``; made where they are not there yet."""
    versions = {table: version.version for table in _TABLES if (version := lake.manifest.current(table)) is not None}
    key = digest([versions, lake.today().isoformat()])[:24]
    folder = lake.folder / "data" / "profile"
    path = folder / key
    read = spans(
        lake.manifest.versions("holding"), lake.today() - timedelta(days=YEAR - 1), lake.today() + timedelta(days=1)
    )
    with _guard:
        if not path.exists():
            partial = folder / f"{uuid4().hex}.partial"
            partial.mkdir(parents=True)
            _make(lake, partial, read)
            partial.replace(path)
            _let_go(folder, path)
    rules = ShownRules(read_tier_rules(lake.folder), read_cards(lake.folder), read_policy(lake.folder))
    return Profiles(path, state, sum(one.days for one in read), rules)


def _make(lake: Lake, path: Path, read: Sequence[SnapshotSpan]) -> None:
    with lake.engine() as engine:
        for name, query in _queries(lake, read).items():
            reader = engine.sql(query).to_arrow_reader(_BATCH)
            write_ordered(path / f"{name}.arrow", reader.schema, reader)


def _queries(lake: Lake, read: Sequence[SnapshotSpan]) -> dict[str, str]:
    """Return each table's query, in the order of customers."""
    now = {table: lake.reading(version) for table in _TABLES if (version := lake.manifest.current(table)) is not None}
    classes = ", ".join(f"'{one}'" for one in ASSETS)
    found: dict[str, str] = {}
    for table, columns, order in _AS_THEY_ARE:
        if table in now:
            found[table] = f"SELECT customer_no, {columns} FROM {now[table]} ORDER BY customer_no, {order}"
    if "event" in now:
        since = lake.today() - timedelta(days=EVENT_DAYS)
        found["event"] = (
            f"SELECT customer_no, type, epoch_us(occurred_at) AS occurred_us, channel, amount_fen FROM {now['event']} "
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
        kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_KEPT_FOLDERS]:
            if path != newest:
                shutil.rmtree(path)
