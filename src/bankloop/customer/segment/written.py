"""Segments as a file writes them: name → its titles and its condition, saved together or not at all.

```yaml
segments:
  payroll-young: {zh: 年轻代发, en: Young on payroll, when: payroll and age < 30}
  payroll-rich: {zh: 富裕代发, en: Affluent on payroll, when: "segment('payroll-young') and aum >= 200000"}
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from bankloop.customer.contracts import Catalogue
from bankloop.customer.segment import errors
from bankloop.customer.segment.contracts import SegmentVersion
from bankloop.customer.segment.service import save_segment
from bankloop.kit.located import read_located
from bankloop.kit.text import Text

_KEYS = frozenset(("zh", "en", "when"))


@dataclass(frozen=True, slots=True)
class WrittenSegment:
    """One segment of a file."""

    name: str
    title: Text
    expression: str


def written_segments(path: Path) -> tuple[WrittenSegment, ...]:
    """Return the segments of a file in order; raise ``SpecError`` with file and line for what says none."""
    file = read_located(path)
    entries = file.content.get("segments") if isinstance(file.content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise errors.no_segments_written(file.place("segments"))
    found = []
    for name, one in entries.items():
        if not isinstance(one, dict) or set(one) != _KEYS:
            raise errors.badly_written(file.place("segments", str(name)), str(name))
        found.append(WrittenSegment(str(name), Text(str(one["zh"]), str(one["en"])), str(one["when"])))
    return tuple(found)


def save_written(
    connection: Connection, catalogue: Catalogue, written: Sequence[WrittenSegment]
) -> list[SegmentVersion]:
    """Save the segments of a file in its order: what a condition names must stand above it, or be saved already."""
    return [save_segment(connection, catalogue, one.name, one.title, one.expression) for one in written]
