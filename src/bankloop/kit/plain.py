"""A value of ours as JSON has it: what the API answers and what is kept of a job's outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

# What JSON has as it is: nearly all of an answer.
_AS_THEY_ARE = frozenset({bool, int, float, str})


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """Return the names of a dataclass's fields; None for another type."""
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else None


def plain(value: object) -> Any:
    """Return a value of ours as JSON has it; raise ``TypeError`` for what has no such form."""
    kind: Any = type(value)
    if value is None or kind in _AS_THEY_ARE:
        return value
    if (names := _fields(kind)) is not None:
        return {name: plain(getattr(value, name)) for name in names}
    match value:
        case Enum():
            return plain(value.value)
        case bool() | int() | float() | str():
            return value
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Mapping():
            return {str(plain(name)): plain(one) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(one) for one in value]
        case UUID() | PurePath():
            return str(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case timedelta():
            return value.total_seconds()
    if (dump := getattr(value, "model_dump", None)) is not None:
        return dump(mode="json", by_alias=True)
    raise TypeError(f"no plain form for {kind.__name__}")
