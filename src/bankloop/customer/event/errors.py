"""Refusals of types that are written wrongly, and of events that do not fit theirs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bankloop.kit.errors import InputError, SpecError
from bankloop.kit.located import nearest
from bankloop.kit.text import Text


def bad_file(place: str, field: str, zh: str, en: str) -> SpecError:
    """Return the refusal of an entry in the file of types."""
    return SpecError(
        "event.file",
        Text("{place}：{field} {why}", "{place}: {field}: {why}"),
        place=place,
        field=field,
        why=Text(zh, en),
    )


def unknown_type(name: str, known: Iterable[str]) -> InputError:
    """Return the refusal of a type that there is not, with the nearest that there is."""
    return InputError(
        "event.type",
        Text(
            "没有事件类型“{type}”{meant}；类型见 bankloop event types",
            "there is no type of events '{type}'{meant}; bankloop event types lists them",
        ),
        type=name[:64],
        meant=_meant(name, known),
    )


def unknown_source(source: str, type_: str, known: Iterable[str]) -> InputError:
    """Return the refusal of a source that does not tell events of a type."""
    told = tuple(known)
    return InputError(
        "event.source",
        Text("“{source}”不报送 {type}；报送它的有：{known}", "'{source}' does not tell {type}; it is told by: {known}"),
        source=source[:64],
        type=type_,
        known=", ".join(told),
    )


def unknown_field(name: str, type_: str, known: Iterable[str]) -> InputError:
    """Return the refusal of a field that a type does not have."""
    return InputError(
        "event.field",
        Text("{type} 没有字段“{field}”{meant}", "{type} has no field '{field}'{meant}"),
        field=name[:64],
        type=type_,
        meant=_meant(name, known),
    )


def missing_field(name: str, type_: str) -> InputError:
    """Return the refusal of an event without a field that it needs."""
    return InputError(
        "event.missing",
        Text("{type} 缺字段 {field}；请由来源补上再报", "{type} lacks its field {field}; let the source add it"),
        field=name,
        type=type_,
    )


def bad_value(name: str, wanted: str, said: Text) -> InputError:
    """Return the refusal of a value that is not what its field holds."""
    return InputError(
        "event.value",
        Text("字段 {field} 应为 {wanted}：{said}", "the field {field} holds {wanted}: {said}"),
        field=name,
        wanted=wanted,
        said=said,
    )


def not_yet(at: datetime) -> InputError:
    """Return the refusal of what is said to happen later than now."""
    return InputError(
        "event.future",
        Text(
            "发生时间 {at} 晚于现在；请核对来源的时钟",
            "it is said to happen at {at}, in the future; check the source's clock",
        ),
        at=at.isoformat(),
    )


def too_old(at: datetime, days: int) -> InputError:
    """Return the refusal of what happened longer ago than its type goes back."""
    return InputError(
        "event.too_old",
        Text(
            "发生时间 {at} 早于 {days} 天前；更早的由文件装载",
            "it happened at {at}, more than {days} days ago; older ones come by files",
        ),
        at=at.isoformat(),
        days=days,
    )


def unknown_customer(customer_no: str) -> InputError:
    """Return the refusal of an event of nobody whom the bank knows."""
    return InputError(
        "event.customer",
        Text(
            "没有客户 {customer_no}；客户装载后重报即可",
            "there is no customer {customer_no}; tell it again once the customer is loaded",
        ),
        customer_no=customer_no[:64],
    )


def no_consent(type_: str) -> InputError:
    """Return the refusal of what needs a consent that does not stand, or did not when it happened."""
    return InputError(
        "event.no_consent",
        Text(
            "客户未同意收入 {type}（或同意在其之后）",
            "the customer does not allow {type} to be taken in, or did so only later",
        ),
        type=type_,
    )


def contradicts(number: str) -> InputError:
    """Return the refusal of another content under a number that is known."""
    return InputError(
        "event.contradicts",
        Text(
            "事件号 {number} 已收过，内容不同；更正请用新号",
            "event {number} was taken in with other content; a correction has a number of its own",
        ),
        number=number[:64],
    )


def bad_event_lines(place: str, line: int, said: str) -> InputError:
    """Return the refusal of a line of a file of events."""
    return InputError(
        "event.line",
        Text("{place} 第 {line} 行不是一个事件：{said}", "{place}, line {line}, is no event: {said}"),
        place=place,
        line=line,
        said=said,
    )


def unreadable_events(file: str) -> InputError:
    """Return the refusal of a file that cannot be opened."""
    return InputError(
        "event.unreadable",
        Text(
            "读不了事件文件 {file}；请检查路径和权限",
            "the file of events {file} cannot be read; check its path and permissions",
        ),
        file=file,
    )


def _meant(name: str, known: Iterable[str]) -> Text:
    found = nearest(name, known)
    return Text(f"，是否指 {found}", f", did you mean {found}") if found else Text("", "")
