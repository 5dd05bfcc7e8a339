"""What the bank has as data (数据资产): tables and fields with owner, class and a masked sample; deliveries and what passed; use.

It counts and describes; values of a person are masked here as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import DataClass, Scope
from bankloop.lake.expectations import Dimension
from bankloop.lake.service import Lake, contract_of
from bankloop.lake.sources import Source, read_sources
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store

PPM = 1_000_000
_READER = Principal("system:usage", frozenset({"auditor"}), ("*",), "audit")
# An access names the fields that were shown; a list of customers names what it listed.
_SEEN = (
    "(SELECT principal, json_array_elements_text(CASE WHEN json_typeof(after->'shown') = 'array' THEN after->'shown' "
    "WHEN json_typeof(after->'fields') = 'array' THEN after->'fields' ELSE '[]'::json END) AS field "
    "FROM audit WHERE class = 'access' AND recorded_at >= :since AND after IS NOT NULL) AS seen"
)
_USED = text(f"SELECT field, count(*) AS times, count(DISTINCT principal) AS people FROM {_SEEN} GROUP BY field")
_WHO = text(
    f"SELECT field, principal, count(*) AS times FROM {_SEEN} GROUP BY field, principal "
    "ORDER BY field, times DESC, principal"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One table: what it is, who answers for it, how much is there and of which day; nothing where none was loaded."""

    table: str
    label: Text
    owner: str
    fields: int
    classified: int
    rows: int
    as_of: date | None
    version: str


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """One field: type, class, a masked sample, and how often it was shown plain to how many people since a day."""

    name: str
    label: Text
    type: str
    data_class: DataClass
    confidential: bool
    nullable: bool
    sample: str
    times: int
    people: int


@dataclass(frozen=True, slots=True)
class WatchedQuality:
    """One dimension of a source over its deliveries, the oldest first: values in the dimension's unit, the limit of the last."""

    source: str
    dimension: Dimension
    days: tuple[str, ...]
    values: tuple[int, ...]
    limit: int
    passed: bool
    column: str
    checked: int


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What one source delivered of one day, and how much of it passed its contract, ppm."""

    source: str
    day: date | None
    files: int
    rows: int
    quarantined: int

    @property
    def passed(self) -> int:
        """Return the share that passed, ppm, rounded down; all of nothing."""
        return PPM * (self.rows - self.quarantined) // self.rows if self.rows else PPM


def assets(lake: Lake) -> tuple[Asset, ...]:
    """Return every table of the catalogue."""
    found = []
    for name, contract in CONTRACTS.items():
        version = lake.manifest.current(name)
        classified = sum(column.data_class is DataClass.C2 or column.confidential for column in contract.columns)
        rows, as_of, at = (version.rows, version.as_of, version.version) if version else (0, None, "")
        found.append(Asset(name, contract.label, contract.owner, len(contract.columns), classified, rows, as_of, at))
    return tuple(found)


def fields_of(lake: Lake, table: str, used: Mapping[str, tuple[int, int]]) -> tuple[FieldRecord, ...]:
    """Return a table's fields; ``used`` says of a field how often and by how many people it was seen plain."""
    contract = contract_of(table)
    rows = lake.table(table, Scope.whole_bank("catalogue")).limit(1).to_pyarrow().to_pylist()
    sample = rows[0] if rows else {}
    return tuple(
        FieldRecord(
            column.name, column.label, column.type.value, column.data_class, column.confidential, column.nullable,
            _said(sample.get(column.name), hidden=column.data_class is DataClass.C2 or column.confidential),
            *used.get(column.name, (0, 0)),
        )
        for column in contract.columns
    )  # fmt: skip


def deliveries(lake: Lake) -> tuple[DeliveryRecord, ...]:
    """Return what every source delivered by day, the latest first."""
    version = lake.manifest.current("loaded_file")
    if version is None:
        return ()
    with lake.engine() as engine:
        rows = engine.sql(
            # Every file of a delivery carries the counts of the whole delivery.
            f"SELECT source, day, sum(files)::BIGINT, sum(rows)::BIGINT, sum(bad)::BIGINT FROM (SELECT source, day, load_id, "
            f"count(*) AS files, max(rows_read) AS rows, max(quarantined) AS bad FROM (FROM {lake.reading(version)} "
            "QUALIFY row_number() OVER (PARTITION BY source, file, digest ORDER BY load_id DESC) = 1) GROUP BY ALL) "
            "GROUP BY ALL ORDER BY day DESC NULLS LAST, source"
        ).fetchall()
    return tuple(DeliveryRecord(*row) for row in rows)


def mapped_sources(lake: Lake) -> tuple[Source, ...]:
    """Return the sources that the bank's file names, in the order of loading; none where there is no such file."""
    return read_sources(lake.folder) if (lake.folder / "bank.yaml").exists() else ()


def watched(lake: Lake, most: int = 30) -> tuple[WatchedQuality, ...]:
    """Return every dimension of every source over its last deliveries; what failed its limit first."""
    version = lake.manifest.current("quality")
    if version is None:
        return ()
    with lake.engine() as engine:
        rows = (
            engine.sql(f"SELECT * FROM {lake.reading(version)} ORDER BY recorded_at, delivered")
            .to_arrow_table()
            .to_pylist()
        )
    series: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        series.setdefault((row["source"], row["dimension"]), []).append(row)
    found = []
    for (source, dimension), measures in series.items():
        last, shown = measures[-1], measures[-most:]
        days, values = tuple(m["delivered"] for m in shown), tuple(m["value"] for m in shown)
        one = WatchedQuality(
            source,
            Dimension(dimension),
            days,
            values,
            last["bound"],
            last["passed"],
            last["column_name"],
            last["checked"],
        )
        found.append(one)
    order = list(Dimension)
    return tuple(sorted(found, key=lambda one: (one.passed, one.source, order.index(one.dimension))))


def fields_used(store: Store, since: datetime) -> dict[str, tuple[int, int]]:
    """Return by field how often it was shown plain and to how many people since a moment: counts of the trail, no names."""
    with store.begin(_READER, Role.AUDITOR) as connection:
        return {row.field: (row.times, row.people) for row in connection.execute(_USED, {"since": since})}


def field_users(store: Store, reader: Principal, since: datetime) -> dict[str, list[tuple[str, int]]]:
    """Return by field who was shown it plain since a moment and how often, as ``reader`` reads the trail."""
    found: dict[str, list[tuple[str, int]]] = {}
    with store.begin(reader, Role.AUDITOR) as connection:
        for row in connection.execute(_WHO, {"since": since}):
            found.setdefault(row.field, []).append((row.principal, row.times))
    return found


def _said(value: object, *, hidden: bool) -> str:
    if value is None:
        return "***" if hidden else ""
    return str(value)[:40]
