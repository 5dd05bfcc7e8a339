"""What crosses the door of the lake: table contracts, scopes, load reports. Frozen, and free of any engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bankloop.kit.errors import DeniedError, InputError
from bankloop.kit.text import Text


class ColumnType(StrEnum):
    """The types a conformed column can have; money is ``INT`` in fen, timestamps are UTC."""

    STR = "str"
    INT = "int"
    BOOL = "bool"
    DATE = "date"
    TIMESTAMP = "timestamp"


class DataClass(StrEnum):
    """The data class of JR/T 0171: C1 internal, C2 identifies or describes a person, C3 secrets: never stored here."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """One column of a table contract; ``minimum`` and ``maximum`` are SQL literals' values, both inclusive."""

    name: str
    type: ColumnType
    label: Text
    nullable: bool = False
    data_class: DataClass = DataClass.C1
    confidential: bool = False
    allowed: tuple[str, ...] = ()
    minimum: int | date | None = None
    maximum: int | date | None = None
    not_future: bool = False
    references: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.data_class is DataClass.C3:
            raise InputError(
                "lake.class_c3",
                Text(
                    "字段 {name} 属于 C3（鉴别信息），数据湖不保存；请在源头删除或换成令牌",
                    "column {name} is class C3 (authentication secrets), which the lake never holds; "
                    "drop it at the source or replace it by a token",
                ),
                name=self.name,
            )


@dataclass(frozen=True, slots=True)
class TableContract:
    """What a conformed table promises: its columns, its key, who answers for it and how its files arrive.

    ``mode`` is the default of a source: ``replace`` (a full snapshot each day), ``append`` (new rows, the same key
    stored once) or ``upsert`` (changed rows by key).
    """

    name: str
    label: Text
    owner: str
    key: tuple[str, ...]
    columns: tuple[ContractColumn, ...]
    mode: str = "replace"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ContractColumn:
        """Return the column called ``name``; ``KeyError`` when there is none."""
        return next((c for c in self.columns if c.name == name), None) or _missing(name)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see: the units, for which purpose, and which masked columns open.

    ``units`` None means the whole bank; an empty set means nothing and is refused, as is an empty purpose.
    ``customers`` narrows what is about customers to those numbers, of whichever unit. ``fields`` names the only columns
    shown plain: what one line shares with another.
    """

    purpose: str
    units: frozenset[str] | None
    unmask: frozenset[str] = frozenset()
    customers: frozenset[str] | None = None
    fields: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not self.purpose.strip():
            raise DeniedError(
                "lake.no_purpose",
                Text("读取数据要写明用途；请给出 purpose", "reading data needs a stated purpose; give one"),
            )
        if self.units is not None and not self.units and self.customers is None:
            raise DeniedError(
                "lake.no_units",
                Text(
                    "没有任何机构的数据权限；请向管理员申请", "no unit's data is in your rights; ask your administrator"
                ),
            )

    @classmethod
    def whole_bank(cls, purpose: str, unmask: frozenset[str] = frozenset()) -> Scope:
        """Return a scope over every unit, masked columns still masked unless named."""
        return cls(purpose, None, unmask)

    @property
    def whole(self) -> bool:
        """Return whether every row is in it."""
        return self.units is None and self.customers is None

    def hides(self, column: ContractColumn, key: tuple[str, ...]) -> bool:
        """Return whether a column is masked for this reader; a table's key never is where it is no personal value."""
        if column.name in self.unmask:
            return False
        if self.fields is not None and column.name not in self.fields:
            return column.name not in key
        plain = self.fields is not None and not column.confidential
        return not plain and (column.data_class is DataClass.C2 or column.confidential)


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many rows one rule put into quarantine, by its first broken rule: counts of a source add up."""

    rule: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one source brought in one day's folder; read = loaded + already_known + quarantined."""

    source: str
    table: str
    day: date | None
    files: tuple[str, ...]
    rows_read: int
    loaded: int
    already_known: int
    quarantined: int
    rules: tuple[RuleCount, ...] = ()
    report: str | None = None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did: per source, the versions it published, and what was left waiting or known already.

    ``remapped`` are files known already that were loaded by another mapping, ``unread`` those that no source reads.
    """

    load_id: str
    sources: tuple[SourceReport, ...]
    versions: dict[str, str] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    already_loaded: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()
    remapped: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Return whether any table has a new version."""
        return bool(self.versions)

    @property
    def quarantined(self) -> int:
        """Return the rows in quarantine over all sources."""
        return sum(source.quarantined for source in self.sources)


def _missing(name: str) -> ContractColumn:
    raise KeyError(name)
