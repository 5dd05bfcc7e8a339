"""Segments by name inside conditions: which version is meant, what it comes to, and who stands beside it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bankloop.customer.segment import errors
from bankloop.customer.segment.contracts import Listed, SegmentKind, SegmentVersion
from bankloop.kit.expression import mentions, spelled_out
from bankloop.kit.ids import digest

Find = Callable[[str], SegmentVersion | None]
"""The version of a name that counts; None where there is none."""


@dataclass(frozen=True, slots=True)
class NamedCondition:
    """A segment that a condition names, as it was meant: its version, and what that comes to without further names."""

    name: str
    version: int
    digest: str
    condition: str

    @property
    def plain(self) -> dict[str, Any]:
        """Return what a lock keeps."""
        return {"version": self.version, "digest": self.digest, "condition": self.condition}


def named_in(text: str, find: Find, trail: tuple[str, ...] = ()) -> dict[str, NamedCondition]:
    """Return every segment that a text names, and those that these name, by name.

    Raises ``NotFoundError`` for one that there is not, ``ConflictError`` for a ring, which is named, and for a
    cluster, who is in which is no condition.
    """
    found: dict[str, NamedCondition] = {}
    for name in dict.fromkeys(one.name for one in mentions(text)):
        if name in trail:
            raise errors.cycle(" → ".join((*trail[trail.index(name) :], name)))
        version = find(name)
        if version is None:
            raise errors.no_segment(name[:60])
        if version.kind is SegmentKind.CLUSTER:
            raise errors.cluster_named(name)
        below = named_in(version.expression, find, (*trail, name))
        condition = condition_of(version, below)
        mark = digest([version.digest, {key: one.digest for key, one in sorted(below.items())}])
        found |= below | {name: NamedCondition(name, version.version, mark, condition)}
    return found


def condition_of(version: SegmentVersion, named: Mapping[str, NamedCondition]) -> str:
    """Return who is in a rule's version as a condition: whom it says, and who was added, but not who was taken out."""
    text = spelled_out(version.expression, {name: one.condition for name, one in named.items()})
    added, out = ([one.customer_no for one in version.listed if one.within is within] for within in (True, False))
    if added:
        text = f"(\n{text}\n) or customer_no in ({_quoted(added)})"
    return f"(\n{text}\n) and customer_no not in ({_quoted(out)})" if out else text


def _quoted(numbers: list[str]) -> str:
    return ", ".join("'" + one.replace("'", "''") + "'" for one in numbers)


def listed_of(body: Mapping[str, Any]) -> tuple[Listed, ...]:
    """Return who stands beside a version's rule by hand, as the store keeps it."""
    return tuple(Listed(**one) for one in body.get("listed", ()))
