"""How an attribute is computed, as its entry in a file says: from a fact, a window, a rule, a run of days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bankloop.customer.contracts import (
    ADDED_UP,
    OF_THE_ROW,
    AttributeKind,
    Band,
    Body,
    Case,
    EventWindow,
    Fact,
    Lasting,
    Measure,
    Operation,
    Rule,
)
from bankloop.customer.errors import attribute_spec, unknown
from bankloop.kit.errors import ExpressionError, InputError
from bankloop.kit.expression import BOOL, DATE, INT, MONEY, STRING, TYPES, Expression, Kind, Type, parse
from bankloop.kit.located import Located
from bankloop.kit.money import parse_money
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType

LONGEST_WINDOW = 3660
# A run of days is told from the state of each of them.
LONGEST_RUN = 366
_WINDOW_KEYS = ("events", "days", "measure", "scenes", "channels", "at_least", "where", "properties")
# What a window may ask of an event beside what the bank's own columns say of it.
_OF_AN_EVENT: Mapping[str, Type] = {"type": STRING, "channel": STRING, "scene": STRING, "amount_fen": MONEY}


def column_types(table: str) -> dict[str, Type]:
    """Return the expression types of a conformed table's columns; columns in fen are money."""
    plain = {ColumnType.STR: STRING, ColumnType.INT: INT, ColumnType.BOOL: BOOL, ColumnType.DATE: DATE}
    return {
        c.name: MONEY if c.name.endswith("_fen") else plain[c.type] for c in CONTRACTS[table].columns if c.type in plain
    }


@dataclass(frozen=True, slots=True)
class DefinitionReader:
    """Reads how one attribute is computed; ``properties`` are the types of the bank's own columns about events."""

    file: Located
    name: str
    types: Mapping[str, Type]
    properties: Mapping[str, Type]

    @property
    def type(self) -> Type:
        """Return the type that the attribute states."""
        return self.types[self.name]

    def read(self, kind: AttributeKind, entry: Any) -> Body | None:
        """Return how the attribute is computed; raise ``SpecError`` with file and line."""
        match kind:
            case AttributeKind.FACT:
                return self._fact(entry)
            case AttributeKind.WINDOW:
                return self._window(entry)
            case AttributeKind.RULE:
                return Rule(self._expression("rule", str(entry), self.types, self.type))
            case AttributeKind.BAND:
                return self._band(entry)
            case AttributeKind.CASE:
                return self._case(entry)
            case AttributeKind.LASTING:
                return self._lasting(entry)
            case AttributeKind.SCORE:
                self._must_be("score", TYPES["score"])
                return None

    def _place(self, *route: str) -> str:
        return self.file.place("attributes", self.name, *route)

    def _must_be(self, key: str, *wanted: Type) -> None:
        if self.type not in wanted:
            names = " / ".join(str(w) for w in wanted)
            raise attribute_spec(
                self._place("type"),
                self.name,
                f"类型写成 {self.type}，但 {key} 给出 {names}；请改 type",
                f"typed {self.type}, but {key} gives {names}; correct its type",
            )

    def _fact(self, entry: Any) -> Fact:
        if isinstance(entry, str):
            entry = {"column": entry}
        keys = (*Operation, "where", "by", "of")
        if not isinstance(entry, dict):
            raise attribute_spec(self._place("fact"), self.name, "fact 应为映射", "fact must be a mapping")
        for key in entry:
            if key not in keys:
                raise unknown(self._place("fact", key), self.name, "key", key, keys)
        operations = [operation for operation in Operation if operation in entry]
        if len(operations) != 1:
            raise attribute_spec(
                self._place("fact"), self.name, "应写且只写一种取数方式", f"write exactly one of {', '.join(Operation)}"
            )
        operation = operations[0]
        of = str(entry.get("of", ADDED_UP[0]))
        if of not in ADDED_UP:
            raise unknown(self._place("fact", "of"), self.name, "table", of, ADDED_UP)
        columns = column_types("customer" if operation in OF_THE_ROW else of)
        column = str(entry[operation])
        free = operation in (Operation.COUNT, Operation.ANY)
        if not free and column not in columns:
            raise unknown(self._place("fact", operation), self.name, "column", column, columns)
        by = entry.get("by")
        if operation is Operation.FIRST and by not in columns:
            raise unknown(self._place("fact", "by"), self.name, "column", by, columns)
        where = entry.get("where")
        if operation in OF_THE_ROW and (extra := [key for key in ("where", "of") if key in entry]):
            key = extra[0]
            raise attribute_spec(
                self._place("fact", key), self.name, f"{key} 只用于汇总", f"{key} is for what is added up"
            )
        condition = None if where is None else self._expression("where", str(where), columns, BOOL, "fact")
        self._fits(operation, None if free else columns[column])
        return Fact(operation, column, condition, by, of)

    def _fits(self, operation: Operation, column: Type | None) -> None:
        match operation:
            case Operation.PRESENT | Operation.ANY:
                self._must_be(operation, BOOL)
            case Operation.COUNT | Operation.DISTINCT:
                self._must_be(operation, INT)
            case Operation.YEARS_SINCE | Operation.DAYS_SINCE | Operation.DAYS_UNTIL | Operation.NEXT_DAYS:
                self._must_be(operation, INT)
                if column != DATE:
                    raise attribute_spec(
                        self._place("fact", operation), self.name, "需要日期字段", f"{operation} needs a date column"
                    )
            case _:
                assert column is not None
                self._must_be(operation, column)

    def _window(self, entry: Any) -> EventWindow:
        if not isinstance(entry, dict):
            raise attribute_spec(self._place("window"), self.name, "window 应为映射", "window must be a mapping")
        for key in entry:
            if key not in _WINDOW_KEYS:
                raise unknown(self._place("window", key), self.name, "key", key, _WINDOW_KEYS)
        if entry.get("measure") not in tuple(Measure):
            raise unknown(self._place("window", "measure"), self.name, "measure", entry.get("measure"), Measure)
        measure = Measure(entry["measure"])
        self._must_be(measure, _MEASURED.get(measure, INT))
        days = entry.get("days")
        if not _is_days(days, LONGEST_WINDOW) and not (days is None and measure in (Measure.DAYS_SINCE, Measure.LAST)):
            raise attribute_spec(
                self._place("window", "days"),
                self.name,
                f"days 应为 1 到 {LONGEST_WINDOW}",
                f"days is 1 to {LONGEST_WINDOW}",
            )
        if not entry.get("events"):
            raise attribute_spec(self._place("window"), self.name, "缺少 events", "events is missing; name event types")
        return EventWindow(
            _texts(entry["events"]),
            measure,
            days,
            _texts(entry.get("scenes", ())),
            _texts(entry.get("channels", ())),
            None if entry.get("at_least") is None else self._money("window", entry["at_least"]),
            *self._chosen(entry),
        )

    def _chosen(self, entry: Mapping[str, Any]) -> tuple[Expression | None, tuple[tuple[str, Type], ...]]:
        """Return the condition on each event, and those of the bank's own columns that it reads with their types."""
        if "where" not in entry:
            return None, ()
        given = entry.get("properties", {})
        own = {name: TYPES[str(type_)] for name, type_ in given.items()} if given else self.properties
        where = self._expression("where", str(entry["where"]), {**_OF_AN_EVENT, **own}, BOOL, "window")
        if where.reads_today:
            raise attribute_spec(
                self._place("window", "where"),
                self.name,
                "where 说的是每个事件，不能用 today；请用 days 限定时间",
                "where is about each event and has no today; bound the time by days",
            )
        return where, tuple((name, own[name]) for name in where.names if name in own)

    def _lasting(self, entry: Any) -> Lasting:
        """Read a condition and over how many days at most it is followed back."""
        if not isinstance(entry, dict) or set(entry) != {"when", "days"}:
            raise attribute_spec(
                self._place("lasting"), self.name, "lasting 应写且只写 when 和 days", "lasting has when and days"
            )
        self._must_be("lasting", INT)
        if not _is_days(entry["days"], LONGEST_RUN):
            raise attribute_spec(
                self._place("lasting", "days"),
                self.name,
                f"days 应为 1 到 {LONGEST_RUN}",
                f"days is 1 to {LONGEST_RUN}",
            )
        return Lasting(self._expression("when", str(entry["when"]), self.types, BOOL, "lasting"), int(entry["days"]))

    def _band(self, entry: Any) -> Band:
        if not isinstance(entry, dict) or not isinstance(entry.get("cuts"), list) or "of" not in entry:
            raise attribute_spec(self._place("band"), self.name, "需要 of 和 cuts", "band needs of and a list of cuts")
        self._must_be("band", INT)
        of = str(entry["of"])
        if of not in self.types:
            raise unknown(self._place("band", "of"), self.name, "attribute", of, self.types)
        if self.types[of].kind is not Kind.NUMBER:
            raise attribute_spec(self._place("band", "of"), self.name, f"{of} 不是数值", f"{of} is not a number")
        money = self.types[of] == MONEY
        cuts = [self._money("band", cut) if money else int(cut) * 10 ** self.types[of].scale for cut in entry["cuts"]]
        if not cuts or cuts != sorted(set(cuts)):
            raise attribute_spec(self._place("band", "cuts"), self.name, "cuts 应递增", "cuts must rise")
        return Band(of, tuple(cuts))

    def _case(self, entry: Any) -> Case:
        self._must_be("case", STRING, INT)
        if not isinstance(entry, list) or not all(isinstance(one, dict) for one in entry):
            raise attribute_spec(self._place("case"), self.name, "case 应为列表", "case is a list of {when, then}")
        last = entry[-1] if entry and set(entry[-1]) == {"else"} else {}
        branches = []
        for one in entry[: -1 if last else None]:
            if set(one) != {"when", "then"}:
                raise attribute_spec(
                    self._place("case"),
                    self.name,
                    "每项写 when 和 then，最后一项可写 else",
                    "each has when and then; the last may be else",
                )
            branches.append((self._expression("case", str(one["when"]), self.types, BOOL), self._value(one["then"])))
        if not branches:
            raise attribute_spec(self._place("case"), self.name, "case 至少有一项 when", "case has at least one when")
        return Case(tuple(branches), self._value(last["else"]) if last else None)

    def _value(self, written: Any) -> str | int:
        kind: type[str | int] = str if self.type == STRING else int
        if not isinstance(written, kind) or isinstance(written, bool):
            raise attribute_spec(
                self._place("case"), self.name, f"{written} 不是 {self.type}", f"{written} is no {self.type}"
            )
        return written

    def _money(self, key: str, amount: Any) -> int:
        try:
            return parse_money(amount).fen
        except InputError as error:
            raise attribute_spec(self._place(key), self.name, error.message.zh, error.message.en) from error

    def _expression(
        self, key: str, text: str, types: Mapping[str, Type], wants: Type, inside: str | None = None
    ) -> Expression:
        try:
            return parse(text, types, wants=wants)
        except ExpressionError as error:
            place = self._place(*((inside, key) if inside else (key,)))
            raise attribute_spec(place, self.name, error.message.zh, error.message.en) from error


_MEASURED: Mapping[Measure, Type] = {Measure.SUM: MONEY, Measure.LAST: DATE}


def _is_days(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
