"""Reads attribute files into a typed catalogue: the built-in one and the bank's own on top of it.

A file under ``attributes/`` holds ``attributes:`` (name → definition). The value comes from one of seven keys:

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
  dined_30d:  {type: int, …, window: {events: [purchase], days: 30, measure: count, where: "merchant_kind = 'dining'"}}
  last_login: {type: date, …, window: {events: [login], measure: last}}
  rich_days:  {type: int, …, lasting: {when: aum >= 200000, days: 90}}
```
A fact is ``column``, ``present``, ``years_since``, ``days_since`` or ``days_until`` of a customer column, or ``sum``,
``count``, ``distinct``, ``any``, ``min``, ``max``, ``next_days`` or ``first`` (with ``by``) over holdings ``where``, or over
rows ``of: standing_order``. ``lasting`` counts the days in a row, up to the as-of day, on which a condition held.
Columns of the bank's own (``extra`` of a source) are attributes too; those of events are for a window's ``where``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bankloop.customer.contracts import Attribute, AttributeKind, Catalogue, EventWindow, Lasting
from bankloop.customer.definitions import LONGEST_WINDOW, DefinitionReader
from bankloop.customer.errors import attribute_spec, unknown
from bankloop.kit.expression import TYPES, Kind, Type
from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text
from bankloop.lake.contracts import DataClass
from bankloop.lake.extras import KEPT_IN, ExtraColumn, read_extras

BUILT_IN = Path(__file__).with_name("catalogue.yaml")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DECIMAL = re.compile(r"decimal\((\d{1,2})\)")
_KEYS = ("type", "zh", "en", "owner", "data_class", "definition", "confidential", "freshness", *AttributeKind)


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
    extras = read_extras(folder) if folder else ()
    for one in extras:
        if one.table != "customer":
            continue
        if one.name in own:
            first = entries[one.name][0].place("attributes", one.name)
            raise attribute_spec(
                one.place, one.name, f"已在 {first} 定义；请改名", f"defined already at {first}; give it another name"
            )
        entries[one.name] = (Located(Path(one.place), {}, {}), _attribute_of(one))
    return _catalogue(entries, {one.name: TYPES[one.type] for one in extras if one.table == "event"})


def _attribute_of(extra: ExtraColumn) -> dict[str, Any]:
    """Return the attribute of a bank's own column about customers, as a file would define it."""
    return {
        "type": extra.type,
        "zh": extra.label.zh,
        "en": extra.label.en,
        "owner": extra.owner,
        "data_class": extra.data_class.value,
        "definition": {"zh": extra.definition.zh, "en": extra.definition.en},
        "fact": {"max": extra.value, "of": KEPT_IN[extra.table], "where": f"name = '{extra.name}'"},
    }


def frozen_catalogue(definitions: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """Return the catalogue of definitions that a lock froze (``Catalogue.definitions``); files play no part."""
    file = Located(Path("lock"), {"attributes": dict(definitions)}, {})
    return _catalogue({name: (file, entry) for name, entry in _entries(file).items()})


def _catalogue(
    entries: Mapping[str, tuple[Located, Mapping[str, Any]]], properties: Mapping[str, Type] | None = None
) -> Catalogue:
    types = {name: _type(file, name, entry) for name, (file, entry) in entries.items()}
    found = {name: _attribute(file, name, entry, types, properties or {}) for name, (file, entry) in entries.items()}
    made = Catalogue(_ordered(found))
    _check_runs(made)
    return made


def _check_runs(made: Catalogue) -> None:
    """Raise ``SpecError`` for a run of days of what is itself one: each would be told from days before the last."""
    for one in made.attributes.values():
        if isinstance(one.body, Lasting):
            for name in made.closure(one.body.condition.names):
                if isinstance(made[name].body, Lasting):
                    raise attribute_spec(
                        one.place,
                        one.name,
                        f"lasting 不能建立在另一个 lasting（{name}）上",
                        f"lasting cannot be made of another one ({name})",
                    )


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


def _attribute(
    file: Located, name: str, entry: Mapping[str, Any], types: Mapping[str, Type], properties: Mapping[str, Type]
) -> Attribute:
    place = file.place("attributes", name)
    kinds = [kind for kind in AttributeKind if kind in entry]
    if len(kinds) != 1:
        options = ", ".join(AttributeKind)
        raise attribute_spec(place, name, f"应写且只写一个：{options}", f"write exactly one of {options}")
    kind = kinds[0]
    data_class = str(entry.get("data_class", "C1"))
    if data_class not in ("C1", "C2"):
        raise unknown(file.place("attributes", name, "data_class"), name, "data_class", data_class, ("C1", "C2"))
    body = DefinitionReader(file, name, types, properties).read(kind, entry[kind])
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
        source=_as_read(entry, body),
        confidential=bool(entry.get("confidential", False)),
        freshness=_freshness(file, name, entry),
    )


def _as_read(entry: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """Return what the file says; a window says too of which type the bank's own columns are, which bank.yaml told."""
    if not isinstance(body, EventWindow) or not body.properties:
        return dict(entry)
    return {**entry, "window": {**entry["window"], "properties": {name: str(type_) for name, type_ in body.properties}}}


def _freshness(file: Located, name: str, entry: Mapping[str, Any]) -> int:
    days = entry.get("freshness", 1)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LONGEST_WINDOW:
        raise attribute_spec(
            file.place("attributes", name, "freshness"), name, "freshness 应为天数", "freshness is a number of days"
        )
    return days


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
