"""Pure rules of events: the file of types, how an event fits its type, its number, and the consent it needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from re import search
from typing import Any

from bankloop.customer.consent import Purpose, Word, holds
from bankloop.customer.event import errors
from bankloop.customer.event.contracts import EventField, EventType, GivenEvent
from bankloop.kit.errors import InputError, SpecError
from bankloop.kit.expression import BOOL, DATE, INT, MONEY, STRING, TYPES, Type
from bankloop.kit.grammar import UNPRINTABLE, clean_text, read_amount, read_day
from bankloop.kit.located import Located, Route, nearest, read_located
from bankloop.kit.money import MAX_FEN
from bankloop.kit.text import Text
from bankloop.lake.contracts import DataClass

BUILT_IN = Path(__file__).with_name("events.yaml")
OWN = "events.yaml"
_KEYS = ("event", "title", "sources", "fields", "scene", "consent", "days")
_FIELD_KEYS = ("title", "type", "required", "class")
_FIELD_TYPES = ("string", "int", "money", "bool", "date")
_LONGEST, _MOST_DAYS, _MOST_WHOLE = 200, 3660, 2**63 - 1
# A number of digits stands for itself; any other for a digest above all of those.
_DIGITS, _HIGH = 19, 1 << 62


def read_event_types(folder: Path | None = None) -> dict[str, EventType]:
    """Return every type by its name: every bank's, and the bank's own; ``SpecError`` names file and line."""
    found = dict(_built_in())
    if folder is not None and (folder / OWN).exists():
        found |= _types(read_located(folder / OWN))
    return found


@cache
def _built_in() -> Mapping[str, EventType]:
    return _types(read_located(BUILT_IN))


def own_number(number: str) -> int:
    """Return the whole number that stands for a source's number of an event."""
    if number.isascii() and number.isdigit() and len(number) < _DIGITS and str(int(number)) == number:
        return int(number)
    return _HIGH | int.from_bytes(sha256(number.encode()).digest()[:8], "big") >> 2


def may_take(words: Collection[Word], purpose: Purpose, channel: str, occurred_at: datetime) -> bool:
    """Return whether an event may be taken in: consent stands for its channel, and stood when it happened."""
    before = [word for word in words if word.said_at <= occurred_at]
    return all(holds(some, purpose, channel) for some in (words, before))


def fitted_fields(kind: EventType, given: GivenEvent, source: str, now: datetime) -> dict[str, Any]:
    """Return an event's fields in the smallest unit; raise ``InputError`` where it does not fit its type."""
    if source not in kind.sources:
        raise errors.unknown_source(source, kind.name, kind.sources)
    if given.occurred_at > now:
        raise errors.not_yet(given.occurred_at)
    if given.occurred_at < now - timedelta(days=kind.days):
        raise errors.too_old(given.occurred_at, kind.days)
    found: dict[str, Any] = {}
    for name, value in given.fields.items():
        if name not in kind.fields:
            raise errors.unknown_field(name, kind.name, kind.fields)
        if value is not None and value != "":
            found[name] = _value(kind.fields[name], value)
    if missing := [one.name for one in kind.fields.values() if one.required and one.name not in found]:
        raise errors.missing_field(missing[0], kind.name)
    return found


def _value(wanted: EventField, value: object) -> Any:
    try:
        return _READ[wanted.type](value)
    except InputError as error:
        raise errors.bad_value(wanted.name, str(wanted.type), error.message) from error
    except (TypeError, ValueError) as error:
        wrong = Text(f"“{str(value)[:40]}”不是", f"'{str(value)[:40]}' is none")
        raise errors.bad_value(wanted.name, str(wanted.type), wrong) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or search(UNPRINTABLE, value):
        raise ValueError
    return clean_text(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST_WHOLE:
        raise TypeError
    return value


def _money(value: object) -> int:
    """Return fen of yuan that are written as a text or a number, as JSON has them."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    fen = read_amount(value if isinstance(value, str) else f"{value}")
    if abs(fen) > MAX_FEN:
        raise ValueError
    return fen


def _yes(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return read_day(_text(value)).isoformat()


_READ: Mapping[Type, Callable[[object], Any]] = {STRING: _text, INT: _whole, MONEY: _money, BOOL: _yes, DATE: _day}


def _types(file: Located) -> dict[str, EventType]:
    if unknown := [key for key in file.content if key != "events"]:
        raise _bad(file, (unknown[0],), "只认 events", "only events is known here")
    entries = file.content.get("events", [])
    if not isinstance(entries, list):
        raise _bad(file, ("events",), "应为类型列表", "is a list of types")
    found: dict[str, EventType] = {}
    for at, entry in enumerate(entries):
        one = _type(file, ("events", at), entry)
        if one.name in found:
            raise _bad(file, ("events", at, "event"), f"类型 {one.name} 重复", f"the type {one.name} is there twice")
        found[one.name] = one
    return found


def _type(file: Located, route: Route, entry: Any) -> EventType:
    content = _mapping(file, route, entry, _KEYS)
    name, sources, days = content.get("event"), content.get("sources", []), content.get("days", 400)
    if not _is_name(name):
        raise _bad(
            file, (*route, "event"), "应为小写名称，如 page_view", "is a name in small letters such as page_view"
        )
    if not isinstance(sources, list) or not sources or not all(map(_is_name, sources)):
        raise _bad(
            file,
            (*route, "sources"),
            "应列出报送系统，如 [mobile_bank]",
            "lists the systems that tell it: [mobile_bank]",
        )
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= _MOST_DAYS:
        raise _bad(
            file, (*route, "days"), f"应为 1 到 {_MOST_DAYS} 的天数", f"is a number of days from 1 to {_MOST_DAYS}"
        )
    consent = content.get("consent")
    if consent is not None and consent not in set(Purpose):
        raise _bad(file, (*route, "consent"), f"应为 {'、'.join(Purpose)}", f"is one of {', '.join(Purpose)}")
    scene = content.get("scene", "")
    if scene and not _is_name(scene):
        raise _bad(file, (*route, "scene"), "应为场景名称", "is the name of a scene")
    fields = content.get("fields", {})
    if not isinstance(fields, dict) or not all(map(_is_name, fields)):
        raise _bad(file, (*route, "fields"), "应写 字段名: 说明", "says FIELD: WHAT IT IS")
    read = {key: _field(file, (*route, "fields", key), key, one) for key, one in fields.items()}
    needs = None if consent is None else Purpose(consent)
    return EventType(str(name), _title(file, route, content.get("title")), tuple(sources), read, scene, needs, days)


def _field(file: Located, route: Route, name: str, entry: Any) -> EventField:
    content = _mapping(file, route, entry, _FIELD_KEYS)
    kind, data_class = content.get("type"), content.get("class", "C1")
    if kind not in _FIELD_TYPES:
        raise _bad(file, (*route, "type"), f"应为 {'、'.join(_FIELD_TYPES)}", f"is one of {', '.join(_FIELD_TYPES)}")
    if data_class not in (DataClass.C1, DataClass.C2):
        raise _bad(file, (*route, "class"), "应为 C1 或 C2；C3 从不入库", "is C1 or C2; C3 is never stored")
    if not isinstance(required := content.get("required", False), bool):
        raise _bad(file, (*route, "required"), "应为 true 或 false", "is true or false")
    return EventField(name, _title(file, route, content.get("title")), TYPES[kind], DataClass(data_class), required)


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isidentifier()
        and value == value.lower()
        and len(value) <= 64
    )


def _mapping(file: Located, route: Route, entry: Any, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise _bad(file, route, "应为 键: 值", "is not KEY: VALUE")
    if unknown := [key for key in entry if key not in keys]:
        near = nearest(str(unknown[0]), keys)
        zh, en = (f"，是否指 {near}", f", did you mean {near}") if near else ("", "")
        raise _bad(file, (*route, unknown[0]), f"未知的键{zh}", f"unknown key{en}")
    return entry


def _title(file: Located, route: Route, entry: Any) -> Text:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) and entry[key] for key in ("zh", "en")):
        raise _bad(file, (*route, "title"), "应写 {zh: …, en: …}", "says {zh: …, en: …}")
    return Text(entry["zh"], entry["en"])


def _bad(file: Located, route: Route, zh: str, en: str) -> SpecError:
    return errors.bad_file(file.place(*route), ".".join(map(str, route)), zh, en)
