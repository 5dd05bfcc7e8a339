"""Reads attribute files into a typed catalogue: the built-in one and the bank's own on top of it.

A file under ``attributes/`` holds ``attributes:`` (name → definition). The value comes from one of six keys:

```yaml
attributes:
  term_maturing_60d:
    {type: money, zh: 60天内到期定存, en: Term deposits maturing in 60 days, owner: retail, data_class: C2,
     fact: {sum: balance_fen, where: "product_class = 'term_deposit' and days_between(today, matures_on) between 0 and 60"}}
  logins_30d: {type: int, …, window: {events: [login], days: 30, measure: count}}
  affluent:   {type: bool, …, rule: aum >= 200000}
  tier:       {type: int, …, band: {of: aum, cuts: [50000, 200000]}}
  stage:      {type: string, …, case: [{when: tenure_days <= 30, then: new}, {else: mature}]}
  churn:      {type: score, …, score: true}
```
A fact is ``column``, ``present``, ``years_since``, ``days_since`` or ``days_until`` of a customer column, or ``sum``,
``count``, ``distinct``, ``any``, ``min``, ``max``, ``next_days`` or ``first`` (with ``by``) over holdings ``where``, or over
rows ``of: standing_order``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bankloop.customer.contracts import (
    ADDED_UP,
    OF_THE_ROW,
    Attribute,
    AttributeKind,
    Band,
    Case,
    Catalogue,
    EventWindow,
    Fact,
    Measure,
    Operation,
    Rule,
)
from bankloop.customer.errors import attribute_spec, unknown
from bankloop.kit.errors import ExpressionError, InputError
from bankloop.kit.expression import BOOL, DATE, INT, MONEY, STRING, TYPES, Expression, Kind, Type, parse
from bankloop.kit.located import Located, read_located
from bankloop.kit.money import parse_money
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType, DataClass

BUILT_IN = Path(__file__).with_name("catalogue.yaml")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DECIMAL = re.compile(r"decimal\((\d{1,2})\)")
_KEYS = ("type", "zh", "en", "owner", "data_class", "definition", "confidential", "freshness", *AttributeKind)
_WINDOW_KEYS = ("events", "days", "measure", "scenes", "channels", "at_least")
_LONGEST_WINDOW = 3660


def column_types(table: str) -> dict[str, Type]:
    """Return the expression types of a conformed table's columns; columns in fen are money."""
    plain = {ColumnType.STR: STRING, ColumnType.INT: INT, ColumnType.BOOL: BOOL, ColumnType.DATE: DATE}
    return {
        c.name: MONEY if c.name.endswith("_fen") else plain[c.type] for c in CONTRACTS[table].columns if c.type in plain
    }


def read_catalogue(folder: Path | None = None) -> Catalogue:
    """Return the built-in attributes and those of ``folder``/attributes/*.yaml, which may redefine built-in ones.

    Raises ``SpecError`` with file, line and name for an unknown key, column or name, a wrong type, a doubled name or a
    cycle.
    """
    files = [BUILT_IN, *(sorted((folder / "attributes").glob("*.yaml")) if folder else ())]
    written = [(path, read_located(path)) for path in files]
    entries: dict[str, tuple[Located, Mapping[str, Any]]] = {}
    own: set[str] = set()
    for path, file in written:
        for name, entry in _entries(file).items():
            if name in own:
                first = entries[name][0].place("attributes", name)
                raise attribute_spec(
                    file.place("attributes", name),
                    name,
                    f"已在 {first} 定义；请删去其中一个",
                    f"defined already at {first}; remove one of the two",
                )
            entries[name] = (file, entry)
            if path is not BUILT_IN:
                own.add(name)
    return _catalogue(entries)


def frozen_catalogue(definitions: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """Return the catalogue of definitions that a lock froze (``Catalogue.definitions``); files play no part."""
    file = Located(Path("lock"), {"attributes": dict(definitions)}, {})
    return _catalogue({name: (file, entry) for name, entry in _entries(file).items()})


def _catalogue(entries: Mapping[str, tuple[Located, Mapping[str, Any]]]) -> Catalogue:
    types = {name: _type(file, name, entry) for name, (file, entry) in entries.items()}
    found = {name: _attribute(file, name, entry, types) for name, (file, entry) in entries.items()}
    return Catalogue(_ordered(found))


def _entries(file: Located) -> dict[str, Any]:
    content = file.content or {}
    entries = content.get("attributes", {}) if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise attribute_spec(file.place("attributes"), "", "attributes 应为映射", "attributes must be a mapping")
    for name, entry in entries.items():
        place = file.place("attributes", name)
        if not _NAME.fullmatch(str(name)) or name == "today":
            raise attribute_spec(
                place, name, "名称应为小写字母、数字和下划线", "a name is small letters, digits and underscores"
            )
        if not isinstance(entry, dict):
            raise attribute_spec(place, name, "定义应为映射", "a definition is a mapping")
    return entries


def _type(file: Located, name: str, entry: Mapping[str, Any]) -> Type:
    for key in entry:
        if key not in _KEYS:
            raise unknown(file.place("attributes", name, key), name, "key", key, _KEYS)
    for key in ("type", "zh", "en", "owner"):
        if key not in entry:
            raise attribute_spec(
                file.place("attributes", name), name, f"缺少 {key}；请补上", f"{key} is missing; add it"
            )
    written = str(entry["type"])
    if match := _DECIMAL.fullmatch(written):
        return Type(Kind.NUMBER, int(match[1]))
    if written not in TYPES:
        raise unknown(file.place("attributes", name, "type"), name, "type", written, [*TYPES, "decimal(n)"])
    return TYPES[written]


def _attribute(file: Located, name: str, entry: Mapping[str, Any], types: Mapping[str, Type]) -> Attribute:
    place = file.place("attributes", name)
    kinds = [kind for kind in AttributeKind if kind in entry]
    if len(kinds) != 1:
        options = ", ".join(AttributeKind)
        raise attribute_spec(place, name, f"应写且只写一个：{options}", f"write exactly one of {options}")
    kind = kinds[0]
    data_class = str(entry.get("data_class", "C1"))
    if data_class not in ("C1", "C2"):
        raise unknown(file.place("attributes", name, "data_class"), name, "data_class", data_class, ("C1", "C2"))
    body = _Reader(file, name, types).read(kind, entry[kind])
    definition = entry.get("definition") or {}
    if isinstance(definition, str):
        definition = {"zh": definition, "en": definition}
    return Attribute(
        name=name,
        type=types[name],
        label=Text(str(entry["zh"]), str(entry["en"])),
        owner=str(entry["owner"]),
        data_class=DataClass(data_class),
        definition=Text(str(definition.get("zh", entry["zh"])), str(definition.get("en", entry["en"]))),
        kind=kind,
        body=body,
        place=place,
        source=dict(entry),
        confidential=bool(entry.get("confidential", False)),
        freshness=_freshness(file, name, entry),
    )


def _freshness(file: Located, name: str, entry: Mapping[str, Any]) -> int:
    days = entry.get("freshness", 1)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= _LONGEST_WINDOW:
        raise attribute_spec(
            file.place("attributes", name, "freshness"), name, "freshness 应为天数", "freshness is a number of days"
        )
    return days


class _Reader:
    """Reads the part of one attribute that says how it is computed."""

    def __init__(self, file: Located, name: str, types: Mapping[str, Type]) -> None:
        self.file, self.name, self.types = file, name, types
        self.type = types[name]

    def read(self, kind: AttributeKind, entry: Any) -> Fact | EventWindow | Rule | Band | Case | None:
        match kind:
            case AttributeKind.FACT:
                return self.fact(entry)
            case AttributeKind.WINDOW:
                return self.window(entry)
            case AttributeKind.RULE:
                return Rule(self.expression("rule", str(entry), self.types, self.type))
            case AttributeKind.BAND:
                return self.band(entry)
            case AttributeKind.CASE:
                return self.case(entry)
            case AttributeKind.SCORE:
                self.must_be("score", TYPES["score"])
                return None

    def place(self, *route: str) -> str:
        return self.file.place("attributes", self.name, *route)

    def must_be(self, key: str, *wanted: Type) -> None:
        if self.type not in wanted:
            names = " / ".join(str(w) for w in wanted)
            raise attribute_spec(
                self.place("type"),
                self.name,
                f"类型写成 {self.type}，但 {key} 给出 {names}；请改 type",
                f"typed {self.type}, but {key} gives {names}; correct its type",
            )

    def fact(self, entry: Any) -> Fact:
        if isinstance(entry, str):
            entry = {"column": entry}
        keys = (*Operation, "where", "by", "of")
        if not isinstance(entry, dict):
            raise attribute_spec(self.place("fact"), self.name, "fact 应为映射", "fact must be a mapping")
        for key in entry:
            if key not in keys:
                raise unknown(self.place("fact", key), self.name, "key", key, keys)
        operations = [operation for operation in Operation if operation in entry]
        if len(operations) != 1:
            raise attribute_spec(
                self.place("fact"), self.name, "应写且只写一种取数方式", f"write exactly one of {', '.join(Operation)}"
            )
        operation = operations[0]
        of = str(entry.get("of", ADDED_UP[0]))
        if of not in ADDED_UP:
            raise unknown(self.place("fact", "of"), self.name, "table", of, ADDED_UP)
        columns = column_types("customer" if operation in OF_THE_ROW else of)
        column = str(entry[operation])
        free = operation in (Operation.COUNT, Operation.ANY)
        if not free and column not in columns:
            raise unknown(self.place("fact", operation), self.name, "column", column, columns)
        by = entry.get("by")
        if operation is Operation.FIRST and by not in columns:
            raise unknown(self.place("fact", "by"), self.name, "column", by, columns)
        where = entry.get("where")
        if operation in OF_THE_ROW and (extra := [key for key in ("where", "of") if key in entry]):
            key = extra[0]
            raise attribute_spec(
                self.place("fact", key), self.name, f"{key} 只用于汇总", f"{key} is for what is added up"
            )
        condition = None if where is None else self.expression("where", str(where), columns, BOOL, "fact")
        self.fits(operation, None if free else columns[column])
        return Fact(operation, column, condition, by, of)

    def fits(self, operation: Operation, column: Type | None) -> None:
        match operation:
            case Operation.PRESENT | Operation.ANY:
                self.must_be(operation, BOOL)
            case Operation.COUNT | Operation.DISTINCT:
                self.must_be(operation, INT)
            case Operation.YEARS_SINCE | Operation.DAYS_SINCE | Operation.DAYS_UNTIL | Operation.NEXT_DAYS:
                self.must_be(operation, INT)
                if column != DATE:
                    raise attribute_spec(
                        self.place("fact", operation), self.name, "需要日期字段", f"{operation} needs a date column"
                    )
            case _:
                assert column is not None
                self.must_be(operation, column)

    def window(self, entry: Any) -> EventWindow:
        if not isinstance(entry, dict):
            raise attribute_spec(self.place("window"), self.name, "window 应为映射", "window must be a mapping")
        for key in entry:
            if key not in _WINDOW_KEYS:
                raise unknown(self.place("window", key), self.name, "key", key, _WINDOW_KEYS)
        if entry.get("measure") not in tuple(Measure):
            raise unknown(self.place("window", "measure"), self.name, "measure", entry.get("measure"), Measure)
        measure = Measure(entry["measure"])
        self.must_be(measure, MONEY if measure is Measure.SUM else INT)
        days = entry.get("days")
        bounded = isinstance(days, int) and not isinstance(days, bool) and 1 <= days <= _LONGEST_WINDOW
        if not bounded and not (days is None and measure is Measure.DAYS_SINCE):
            raise attribute_spec(
                self.place("window", "days"),
                self.name,
                f"days 应为 1 到 {_LONGEST_WINDOW}",
                f"days is 1 to {_LONGEST_WINDOW}",
            )
        if not entry.get("events"):
            raise attribute_spec(self.place("window"), self.name, "缺少 events", "events is missing; name event types")
        return EventWindow(
            _texts(entry["events"]),
            measure,
            days,
            _texts(entry.get("scenes", ())),
            _texts(entry.get("channels", ())),
            None if entry.get("at_least") is None else self.money("window", entry["at_least"]),
        )

    def band(self, entry: Any) -> Band:
        if not isinstance(entry, dict) or not isinstance(entry.get("cuts"), list) or "of" not in entry:
            raise attribute_spec(self.place("band"), self.name, "需要 of 和 cuts", "band needs of and a list of cuts")
        self.must_be("band", INT)
        of = str(entry["of"])
        if of not in self.types:
            raise unknown(self.place("band", "of"), self.name, "attribute", of, self.types)
        if self.types[of].kind is not Kind.NUMBER:
            raise attribute_spec(self.place("band", "of"), self.name, f"{of} 不是数值", f"{of} is not a number")
        money = self.types[of] == MONEY
        cuts = [self.money("band", cut) if money else int(cut) * 10 ** self.types[of].scale for cut in entry["cuts"]]
        if not cuts or cuts != sorted(set(cuts)):
            raise attribute_spec(self.place("band", "cuts"), self.name, "cuts 应递增", "cuts must rise")
        return Band(of, tuple(cuts))

    def case(self, entry: Any) -> Case:
        self.must_be("case", STRING, INT)
        if not isinstance(entry, list) or not all(isinstance(one, dict) for one in entry):
            raise attribute_spec(self.place("case"), self.name, "case 应为列表", "case is a list of {when, then}")
        last = entry[-1] if entry and set(entry[-1]) == {"else"} else {}
        branches = []
        for one in entry[: -1 if last else None]:
            if set(one) != {"when", "then"}:
                raise attribute_spec(
                    self.place("case"),
                    self.name,
                    "每项写 when 和 then，最后一项可写 else",
                    "each has when and then; the last may be else",
                )
            branches.append((self.expression("case", str(one["when"]), self.types, BOOL), self.value(one["then"])))
        if not branches:
            raise attribute_spec(self.place("case"), self.name, "case 至少有一项 when", "case has at least one when")
        return Case(tuple(branches), self.value(last["else"]) if last else None)

    def value(self, written: Any) -> str | int:
        kind: type[str | int] = str if self.type == STRING else int
        if not isinstance(written, kind) or isinstance(written, bool):
            raise attribute_spec(
                self.place("case"), self.name, f"{written} 不是 {self.type}", f"{written} is no {self.type}"
            )
        return written

    def money(self, key: str, amount: Any) -> int:
        try:
            return parse_money(amount).fen
        except InputError as error:
            raise attribute_spec(self.place(key), self.name, error.message.zh, error.message.en) from error

    def expression(
        self, key: str, text: str, types: Mapping[str, Type], wants: Type, inside: str | None = None
    ) -> Expression:
        try:
            return parse(text, types, wants=wants)
        except ExpressionError as error:
            place = self.place(*((inside, key) if inside else (key,)))
            raise attribute_spec(place, self.name, error.message.zh, error.message.en) from error


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _ordered(found: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return the attributes so that each comes after what it reads; raise ``SpecError`` for a cycle."""
    done: dict[str, Attribute] = {}

    def visit(name: str, path: Iterable[str]) -> None:
        trail = [*path, name]
        if name in trail[:-1]:
            cycle = " → ".join(trail[trail.index(name) :])
            raise attribute_spec(
                found[name].place,
                name,
                f"循环引用：{cycle}；请断开其中一环",
                f"a cycle: {cycle}; let one of them stop reading the next",
            )
        if name not in done:
            for read in sorted(found[name].reads):
                visit(read, trail)
            done[name] = found[name]

    for name in found:
        visit(name, ())
    return done
