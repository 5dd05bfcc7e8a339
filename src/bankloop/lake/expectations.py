"""What a source promises beside its columns: totals that it states itself, and limits below which its quality is watched.

```yaml
    control: [rows, 余额]              # totals that each file's own flag states: rows=1200, sum(余额)=3500000.00
    quality: {complete: 99%, valid: 99%, unique: 100%, referential: 99.5%, fresh: 2d, distribution: 0.25}
    block: [unique, distribution]      # what stops the load beyond its limit instead of being shown
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from bankloop.kit.text import Text
from bankloop.lake.errors import source_spec

ROWS = "rows"
_FLAG = re.compile(r"(rows|sum\((?P<column>[^)]+)\))\s*[=:]\s*(?P<value>-?[\d,]+(\.\d+)?)")
_PPM = 1_000_000
# No limit of days or of shares is larger: a trillion millionths.
_MOST_LIMIT = 10**12


class Dimension(StrEnum):
    """What is watched of a delivery. The first four are shares that passed, ppm; days late; a PSI, ppm; totals reconciled."""

    COMPLETE = "complete"
    VALID = "valid"
    UNIQUE = "unique"
    REFERENTIAL = "referential"
    FRESH = "fresh"
    DISTRIBUTION = "distribution"
    CONTROL = "control"


# Where a source says nothing: worse than this wants a look. PSI above a quarter is another population.
DEFAULTS: Mapping[Dimension, int] = {
    Dimension.COMPLETE: 990_000,
    Dimension.VALID: 990_000,
    Dimension.UNIQUE: 999_000,
    Dimension.REFERENTIAL: 995_000,
    Dimension.FRESH: 2,
    Dimension.DISTRIBUTION: 250_000,
    Dimension.CONTROL: 0,
}
DIMENSION_OF = {
    "null": Dimension.COMPLETE,
    "duplicate_key": Dimension.UNIQUE,
    "reference": Dimension.REFERENTIAL,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """A source's promises: totals to be stated, limits by dimension, and which of them stop a load."""

    control: tuple[str, ...] = ()
    limits: Mapping[Dimension, int] = field(default_factory=lambda: DEFAULTS)
    block: frozenset[Dimension] = frozenset()


def read_expected(entry: Mapping[str, Any], place: str) -> Expected:
    """Return what a source's entry promises; raise ``SpecError`` for what cannot be."""
    control, block = entry.get("control") or [], entry.get("block") or []
    if not isinstance(control, list) or not isinstance(block, list):
        raise source_spec(place, Text("control 和 block 应为列表", "control and block are lists"))
    limits = dict(DEFAULTS)
    for name, value in (entry.get("quality") or {}).items():
        dimension = _dimension(name, place)
        limits[dimension] = _limit(dimension, value, place)
    return Expected(tuple(map(str, control)), limits, frozenset(_dimension(one, place) for one in block))


def stated_totals(path: Path) -> dict[str, Decimal] | None:
    """Return the totals that a file's own flag states by name, ``rows`` or the summed column; None where it has no flag."""
    for flag in (path.with_name(path.name + ".ok"), path.with_suffix(".ok")):
        if flag.is_file():
            text = flag.read_text(encoding="utf-8-sig").strip()
            if re.fullmatch(r"\d+", text):
                return {ROWS: Decimal(text)}
            found = _FLAG.finditer(text)
            return {one["column"] or ROWS: Decimal(one["value"].replace(",", "")) for one in found}
    return None


def _dimension(name: Any, place: str) -> Dimension:
    known = [one for one in Dimension if one is not Dimension.CONTROL]
    if name not in known:
        names = ", ".join(known)
        raise source_spec(
            place, Text(f"没有质量维度 {name}；有：{names}", f"there is no dimension {name}; there are {names}")
        )
    return Dimension(name)


def _limit(dimension: Dimension, value: Any, place: str) -> int:
    text = str(value).strip()
    try:
        match dimension:
            case Dimension.FRESH:
                found = Decimal(text.removesuffix("d"))
            case Dimension.DISTRIBUTION:
                found = Decimal(text) * _PPM
            case _:
                found = Decimal(text.removesuffix("%")) * (_PPM // 100 if text.endswith("%") else _PPM)
    except ArithmeticError:
        found = Decimal(-1)
    share = dimension not in (Dimension.FRESH, Dimension.DISTRIBUTION)
    if not found.is_finite() or not 0 <= found <= (_PPM if share else _MOST_LIMIT):
        reason = Text(f"{dimension} 的限值不能是 {value}", f"the limit of {dimension} cannot be {value}")
        raise source_spec(place, reason)
    return int(found)
