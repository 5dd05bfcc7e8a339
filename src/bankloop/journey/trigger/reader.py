"""Reads the file of triggers: each entry checked against types of events, attributes, scripts and roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from re import fullmatch
from typing import Any

from bankloop.customer.event import EventType
from bankloop.journey.trigger import errors
from bankloop.journey.trigger.contracts import (
    ContactEffect,
    Effect,
    NoticeEffect,
    TaskEffect,
    TriggerSpec,
    When,
    WhenKind,
)
from bankloop.kit.errors import ExpressionError, SpecError
from bankloop.kit.expression import BOOL, MONEY, STRING, Expression, Type, parse
from bankloop.kit.ids import digest
from bankloop.kit.located import Located, Route, nearest, read_located
from bankloop.kit.text import Text

OWN = "triggers.yaml"
# What a condition may ask beside the event's own fields and the customer's attributes.
AVERAGE, BIRTHDAY = "aum_month_average", "birthday"
PREFIX = "event_"
# After such events nothing is sold: what is offered to somebody whose pay has stopped is mostly credit.
NEVER_SELLS = ("salary_stopped",)
# What other rooms will do one day: said, so that nobody takes the refusal for a slip.
LATER = ("case", "lead", "journey", "posting")
_KEYS = ("trigger", "title", "when", "then", "rest", "fresh")
_WHEN_KEYS = ("event", "sequence", "day", "where", "times", "within", "without", "absent")
_EFFECTS = ("contact", "task", "notice")
_SPAN = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST, _MOST_TIMES, _MOST_STEPS = timedelta(days=400), 100, 5
_FRESH = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a trigger may name: types of events, attributes with their types, scripts with their channels, roles."""

    events: Mapping[str, EventType]
    attributes: Mapping[str, Type]
    scripts: Mapping[str, Collection[str]]
    roles: Collection[str]

    def types_for(self, events: Collection[str]) -> dict[str, Type]:
        """Return the names that a condition over these events reads: fields that all of them have, the customer's."""
        fields = [{f"{PREFIX}{name}": one.type for name, one in self.events[e].fields.items()} for e in events]
        shared = (
            {name: type_ for name, type_ in fields[0].items() if all(f.get(name) == type_ for f in fields)}
            if fields
            else {}
        )
        told = {f"{PREFIX}channel": STRING, f"{PREFIX}type": STRING} if fields else {}
        return {**self.attributes, AVERAGE: MONEY, BIRTHDAY: BOOL, **told, **shared}


def read_triggers(folder: Path, known: Vocabulary) -> dict[str, TriggerSpec]:
    """Return the bank's triggers by name, none where it has no such file; ``SpecError`` names file and line."""
    return triggers_in(read_located(folder / OWN), known) if (folder / OWN).exists() else {}


def trigger_of(content: Mapping[str, Any], known: Vocabulary) -> TriggerSpec:
    """Return one trigger as it was approved; ``SpecError`` where what it names is not there any more."""
    return _trigger(Located(Path(OWN), {"triggers": [dict(content)]}, {}), ("triggers", 0), content, known)


def triggers_in(file: Located, known: Vocabulary) -> dict[str, TriggerSpec]:
    """Return the triggers of a file by name."""
    if unknown := [key for key in file.content if key not in ("format", "triggers")]:
        raise _bad(file, (unknown[0],), "只认 format 和 triggers", "only format and triggers are known here")
    if file.content.get("format") != 1:
        raise _bad(file, ("format",), "应为 1", "is 1")
    entries = file.content.get("triggers", [])
    if not isinstance(entries, list):
        raise _bad(file, ("triggers",), "应为触发器列表", "is a list of triggers")
    found: dict[str, TriggerSpec] = {}
    for at, entry in enumerate(entries):
        one = _trigger(file, ("triggers", at), entry, known)
        if one.name in found:
            raise _bad(file, ("triggers", at, "trigger"), f"{one.name} 重复", f"{one.name} is there twice")
        found[one.name] = one
    return found


def _trigger(file: Located, route: Route, entry: Any, known: Vocabulary) -> TriggerSpec:
    content = _mapping(file, route, entry, _KEYS)
    name = content.get("trigger")
    if not isinstance(name, str) or not fullmatch(r"[a-z][a-z0-9-]{1,40}", name):
        raise _bad(file, (*route, "trigger"), "应为小写名称，如 large-outflow", "is a name such as large-outflow")
    when = _when(file, (*route, "when"), content.get("when"), known)
    then = content.get("then")
    if not isinstance(then, list) or not then:
        raise _bad(file, (*route, "then"), "应列出要做的事", "lists what it does")
    effects = tuple(_effect(file, (*route, "then", at), one, when, known) for at, one in enumerate(then))
    rest = _span(file, (*route, "rest"), content.get("rest", "0m" if when.kind is not WhenKind.COUNT else None))
    fresh = _span(file, (*route, "fresh"), content["fresh"]) if "fresh" in content else _FRESH
    title = _title(file, (*route, "title"), content.get("title"))
    plain = {key: content[key] for key in _KEYS if key in content}
    return TriggerSpec(name, title, when, effects, rest, fresh, plain, digest(plain))


def _when(file: Located, route: Route, entry: Any, known: Vocabulary) -> When:
    content = _mapping(file, route, entry, _WHEN_KEYS)
    begins = [key for key in ("event", "sequence", "day") if key in content]
    if len(begins) != 1:
        raise _bad(file, route, "应写 event、sequence 或 day 之一", "says one of event, sequence and day")
    allowed = {
        "event": {"where", "times", "within", "without", "absent"},
        "sequence": {"where", "within"},
        "day": {"where"},
    }
    if odd := [key for key in content if key not in allowed[begins[0]] | {begins[0]}]:
        raise _bad(file, (*route, odd[0]), f"不与 {begins[0]} 同用", f"does not go with {begins[0]}")
    if begins[0] == "day":
        if content["day"] is not True or "where" not in content:
            raise _bad(file, route, "day: true 须有 where", "day: true has a where")
        return When(WhenKind.DAY, where=_where(file, route, content, (), known))
    events = _events(file, (*route, begins[0]), content[begins[0]], known)
    where = _where(file, route, content, events[-1:] if begins[0] == "sequence" else events, known)
    if begins[0] == "sequence":
        if not 2 <= len(events) <= _MOST_STEPS:
            raise _bad(file, (*route, "sequence"), "应有 2 到 5 步", "has 2 to 5 steps")
        return When(WhenKind.SEQUENCE, events, where, within=_span(file, (*route, "within"), content.get("within")))
    if "absent" in content:
        without = _events(file, (*route, "without"), content.get("without", list(events)), known)
        return When(WhenKind.ABSENCE, events, where, 1, _span(file, (*route, "absent"), content["absent"]), without)
    times = content.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= _MOST_TIMES:
        raise _bad(file, (*route, "times"), "应为 1 到 100 的次数", "is a number of times from 1 to 100")
    if times == 1 and not {"within", "without"} & set(content):
        return When(WhenKind.EVENT, events, where)
    without = _events(file, (*route, "without"), content["without"], known) if "without" in content else ()
    return When(WhenKind.COUNT, events, where, times, _span(file, (*route, "within"), content.get("within")), without)


def _where(
    file: Located, route: Route, content: Mapping[str, Any], events: Collection[str], known: Vocabulary
) -> Expression | None:
    if "where" not in content:
        return None
    if not isinstance(content["where"], str):
        raise _bad(file, (*route, "where"), "应为条件", "is a condition")
    try:
        return parse(content["where"], known.types_for(events), wants=BOOL)
    except ExpressionError as error:
        raise _bad(file, (*route, "where"), error.message.zh, error.message.en) from error


def _effect(file: Located, route: Route, entry: Any, when: When, known: Vocabulary) -> Effect:
    if not isinstance(entry, dict) or len(entry) != 1:
        raise _bad(file, route, f"应为一件事：{'、'.join(_EFFECTS)}", f"is one of {', '.join(_EFFECTS)}")
    ((kind, body),) = entry.items()
    if kind in LATER:
        raise _bad(
            file,
            (*route, kind),
            "触发器还不能做这件事；可用 task 交给人办",
            "a trigger cannot do this yet; a task lets a person do it",
        )
    if kind not in _EFFECTS:
        raise _unknown(file, (*route, str(kind)), str(kind), _EFFECTS)
    within = (*route, kind)
    if kind == "task":
        content = _mapping(file, within, body, ("title", "within"))
        span = _span(file, (*within, "within"), content.get("within", "1d"))
        return TaskEffect(_title(file, (*within, "title"), content.get("title")), span)
    if kind == "notice":
        content = _mapping(file, within, body, ("role", "title"))
        if content.get("role") not in known.roles:
            raise _unknown(file, (*within, "role"), str(content.get("role")), known.roles)
        return NoticeEffect(content["role"], _title(file, (*within, "title"), content.get("title")))
    return _contact(file, within, body, when, known)


def _contact(file: Located, route: Route, body: Any, when: When, known: Vocabulary) -> ContactEffect:
    content = _mapping(file, route, body, ("script", "channels", "class"))
    script = str(content.get("script"))
    if script not in known.scripts:
        raise _unknown(file, (*route, "script"), script, known.scripts)
    channels = content.get("channels")
    if not isinstance(channels, list) or not channels:
        raise _bad(file, (*route, "channels"), "应按先后列出渠道", "lists channels, the first to try first")
    for at, channel in enumerate(channels):
        if channel not in known.scripts[script]:
            raise _unknown(file, (*route, "channels", at), str(channel), known.scripts[script])
    kind = content.get("class")
    if kind not in ("marketing", "service"):
        raise _bad(file, (*route, "class"), "应为 marketing 或 service", "is marketing or service")
    if kind == "marketing" and (after := [one for one in when.events if one in NEVER_SELLS]):
        raise _bad(
            file,
            (*route, "class"),
            f"{after[0]} 之后不营销；改为 service，或交给客户经理",
            f"after {after[0]} nothing is sold; use service, or give it to the manager",
        )
    return ContactEffect(script, tuple(channels), kind == "marketing")


def _events(file: Located, route: Route, entry: Any, known: Vocabulary) -> tuple[str, ...]:
    named = [entry] if isinstance(entry, str) else entry
    if not isinstance(named, list) or not named:
        raise _bad(file, route, "应为事件类型", "names types of events")
    for one in named:
        if one not in known.events:
            raise _unknown(file, route, str(one), known.events)
    return tuple(named)


def _span(file: Located, route: Route, entry: Any) -> timedelta:
    said = fullmatch(r"(\d{1,5})([mhd])", entry) if isinstance(entry, str) else None
    length = int(said[1]) * _SPAN[said[2]] if said else None
    if length is None or length > _LONGEST:
        raise _bad(
            file, route, "应为时长，如 30m、24h、7d，至多 400d", "is a length such as 30m, 24h or 7d, at most 400d"
        )
    return length


def _title(file: Located, route: Route, entry: Any) -> Text:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) and entry[key] for key in ("zh", "en")):
        raise _bad(file, route, "应写 {zh: …, en: …}", "says {zh: …, en: …}")
    return Text(entry["zh"], entry["en"])


def _mapping(file: Located, route: Route, entry: Any, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise _bad(file, route, "应为 键: 值", "is not KEY: VALUE")
    for key in entry:
        if key not in keys:
            raise _unknown(file, (*route, str(key)), str(key), keys)
    return entry


def _unknown(file: Located, route: Route, name: str, known: Collection[str]) -> SpecError:
    near = nearest(name, known)
    zh, en = (f"，是否指 {near}", f", did you mean {near}") if near else ("", "")
    return _bad(file, route, f"没有“{name[:64]}”{zh}", f"there is no '{name[:64]}'{en}")


def _bad(file: Located, route: Route, zh: str, en: str) -> SpecError:
    return errors.bad_file(file.place(*route), ".".join(map(str, route)), zh, en)
