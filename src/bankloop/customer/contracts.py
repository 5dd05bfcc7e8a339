"""What crosses the door: attributes with their definitions, the catalogue, the state of all customers on a day."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

import pyarrow as pa

from bankloop.customer.errors import no_attribute
from bankloop.kit.expression import Expression, Type
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.lake.contracts import DataClass


class AttributeKind(StrEnum):
    """Where an attribute's value comes from."""

    FACT = "fact"
    WINDOW = "window"
    RULE = "rule"
    BAND = "band"
    CASE = "case"
    LASTING = "lasting"
    SCORE = "score"


class Operation(StrEnum):
    """How a fact is read: the first five from the customer's row, the others over the customer's holdings."""

    COLUMN = "column"
    PRESENT = "present"
    YEARS_SINCE = "years_since"
    DAYS_SINCE = "days_since"
    DAYS_UNTIL = "days_until"
    SUM = "sum"
    COUNT = "count"
    DISTINCT = "distinct"
    ANY = "any"
    MIN = "min"
    MAX = "max"
    NEXT_DAYS = "next_days"
    FIRST = "first"


OF_THE_ROW = (
    Operation.COLUMN,
    Operation.PRESENT,
    Operation.YEARS_SINCE,
    Operation.DAYS_SINCE,
    Operation.DAYS_UNTIL,
)
# Whose rows a fact may add up for a customer; the first where it names none.
ADDED_UP = ("holding", "standing_order", "customer_extra")
# Columns of the bank's own about events, by which a window may choose among these.
PROPERTIES = "event_extra"


class Measure(StrEnum):
    """What a window counts."""

    COUNT = "count"
    SUM = "sum"
    DAYS = "days"
    DAYS_SINCE = "days_since"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Fact:
    """A column of the customer, or an aggregate of rows ``of`` a table ``where`` a condition holds; ``by`` orders ``first``."""

    operation: Operation
    column: str
    where: Expression | None = None
    by: str | None = None
    of: str = ADDED_UP[0]

    @property
    def table(self) -> str:
        """Return the table that it is read from."""
        return "customer" if self.operation in OF_THE_ROW else self.of


@dataclass(frozen=True, slots=True)
class EventWindow:
    """A measure of events of ``events`` in the last ``days`` bank-local days, the as-of day included (None: ever).

    ``where`` holds of each event that counts; ``properties`` are the bank's own columns about events that it reads.
    """

    events: tuple[str, ...]
    measure: Measure
    days: int | None
    scenes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    at_least_fen: int | None = None
    where: Expression | None = None
    properties: tuple[tuple[str, Type], ...] = ()

    @property
    def kind(self) -> tuple[object, ...]:
        """Return what windows share that count the same events."""
        text = None if self.where is None else self.where.text
        return (self.events, self.scenes, self.channels, self.at_least_fen, text)


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression over other attributes."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Band:
    """The 1-based band of attribute ``of`` between rising ``cuts``: 1 below the first cut, n + 1 from the last on."""

    of: str
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first condition over other attributes that holds, else ``otherwise``; unknown does not hold."""

    branches: tuple[tuple[Expression, str | int], ...]
    otherwise: str | int | None


@dataclass(frozen=True, slots=True)
class Lasting:
    """On how many days in a row up to the as-of day a condition over other attributes held, counted up to ``days``."""

    condition: Expression
    days: int


Body = Fact | EventWindow | Rule | Band | Case | Lasting


@dataclass(frozen=True)
class Attribute:
    """One attribute: its type, texts, owner and class, and how it is computed. ``source`` is what the file says.

    ``freshness`` is after how many days without new data it is stale.
    """

    name: str
    type: Type
    label: Text
    owner: str
    data_class: DataClass
    definition: Text
    kind: AttributeKind
    body: Body | None
    place: str
    source: Mapping[str, Any]
    confidential: bool = False
    freshness: int = 1

    @cached_property
    def digest(self) -> str:
        """Return the sha256 of what the file says: the same words, the same digest."""
        return digest([self.name, self.source])

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return the attributes that this one is computed from."""
        match self.body:
            case Rule(expression):
                return frozenset(expression.names)
            case Band(of, _):
                return frozenset({of})
            case Case(branches, _):
                return frozenset(name for expression, _ in branches for name in expression.names)
            case Lasting(condition, _):
                return frozenset(condition.names)
        return frozenset()


@dataclass(frozen=True)
class Catalogue:
    """All attributes by name, in the order in which they can be computed."""

    attributes: Mapping[str, Attribute]

    def __getitem__(self, name: str) -> Attribute:
        """Return the attribute ``name``; raise ``NotFoundError`` with the nearest name."""
        if name not in self.attributes:
            raise no_attribute(name, self.attributes)
        return self.attributes[name]

    def __contains__(self, name: object) -> bool:
        """Return whether the catalogue has an attribute of that name."""
        return name in self.attributes

    @property
    def types(self) -> dict[str, Type]:
        """Return name → type, as ``kit.expression.parse`` takes it."""
        return {name: attribute.type for name, attribute in self.attributes.items()}

    @property
    def open_types(self) -> dict[str, Type]:
        """Return the types of what a bank's files may ask of people: nothing confidential, and nothing made of it."""
        return {n: t for n, t in self.types.items() if not any(self[one].confidential for one in self.closure([n]))}

    @property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """Return name → what the file says, as a lock keeps it."""
        return {name: dict(attribute.source) for name, attribute in self.attributes.items()}

    def closure(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return ``names`` and every attribute they are computed from, in catalogue order."""
        wanted: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting.extend(self[name].reads)
        return tuple(name for name in self.attributes if name in wanted)

    def only(self, names: Iterable[str]) -> Catalogue:
        """Return the catalogue of ``names`` and what they need."""
        return Catalogue({name: self.attributes[name] for name in self.closure(names)})

    @cached_property
    def digest(self) -> str:
        """Return the sha256 over all definitions."""
        return digest({name: attribute.digest for name, attribute in self.attributes.items()})


@dataclass(frozen=True)
class State:
    """Every customer's attributes on a day.

    ``table`` has one row a customer, ordered by ``customer_no``, one column an attribute; numbers are int64 at the
    attribute's scale (money in fen, scores in ppm). ``digest`` is over the values; ``versions`` are the lake's.
    """

    table: pa.Table
    as_of: date
    catalogue_digest: str
    versions: Mapping[str, str]
    digest: str

    def row(self, customer_no: str) -> dict[str, Any]:
        """Return one customer's number and attributes; nothing for who is not among them."""
        numbers, count = self.table["customer_no"], self.table.num_rows
        at = bisect_left(range(count), customer_no, key=lambda place: numbers[place].as_py())
        found: list[dict[str, Any]] = self.table.slice(at, 1).to_pylist() if at < count else []
        return found[0] if found and found[0]["customer_no"] == customer_no else {}
