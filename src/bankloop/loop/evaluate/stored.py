"""A reading as the store keeps it, and back again; what an older reading did not have yet takes its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bankloop.loop.evaluate.contracts import Reading
from bankloop.loop.evaluate.programme import Programme

T = TypeVar("T")


def reading_of(plain: Mapping[str, Any]) -> Reading:
    """Return the reading that was stored as plain values."""
    return built(Reading, plain)


def programme_of(plain: Mapping[str, Any]) -> Programme:
    """Return the programme that was kept as plain values."""
    return built(Programme, plain)


def built(wanted: type[T], plain: Mapping[str, Any]) -> T:
    """Return a frozen dataclass from plain values, field by field as its types say; unknown names are left out."""
    hints = get_type_hints(wanted)
    known = {one.name for one in fields(wanted)}  # type: ignore[arg-type]  # a type of a dataclass, as the callers give
    return wanted(**{name: _value(hints[name], value) for name, value in plain.items() if name in known})


def _value(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _value(next(one for one in inside if one is not NoneType), value)
    if origin is tuple:
        each = [inside[0]] * len(value) if inside[-1] is Ellipsis else list(inside)
        return tuple(_value(one, part) for one, part in zip(each, value, strict=True))
    if isinstance(hint, type) and is_dataclass(hint):
        return built(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return value
