"""Who is in a segment, and whom an audience would reach, as customers are known and allow today; nothing is changed.

The people are read once (see ``everybody``): their state, what they allow now and which standard exclusions leave them
out. A condition is then one pass over the columns that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.customer.contracts import Catalogue
from bankloop.customer.segment import NamedCondition, SegmentVersion, checked_expression
from bankloop.kit.expression import Expression, doubts, spelled_out, to_function
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.lake.contracts import DataClass
from bankloop.loop import audience
from bankloop.loop.spec import read_spelled_out
from bankloop.loop.spec.batch import Bools, conditions

SAMPLE = 10
_LOST = Text(
    "{label}不详的客户（{count} 人）不算在内：“不等于”只选已知的；要算上请加 or {name} is null",
    "customers whose {label} is not known ({count}) are not counted: what is not equal is known; add or {name} is null "
    "for them",
)
_EMPTY = Text(
    "空文本装载时记为不详，与 '' 比较选不到人；要选空的请写 {name} is null",
    "an empty text is not known once loaded, and nothing equals ''; for those write {name} is null",
)


@dataclass(frozen=True)
class CustomersNow:
    """Every person as of ``as_of`` with what they allow now, in the order of the numbers that lead them."""

    table: pa.Table
    catalogue: Catalogue
    as_of: date
    _masks: dict[str, Bools] = field(default_factory=dict, repr=False)

    @cached_property
    def reasons(self) -> dict[str, Bools]:
        """Return who each standard exclusion leaves out."""
        return audience.exclusions(self.table, self.catalogue.types, self.as_of)

    def renewed(self, table: pa.Table, rows: NDArray[np.int64]) -> CustomersNow:
        """Return these people with what they allow as ``table`` has it, which is another only at ``rows`` (k,)."""
        found = replace(self, table=table, _masks={})
        if "reasons" in self.__dict__:
            read = [name for name in table.column_names if name in audience.attributes_read()]
            some = audience.exclusions(table.select(read).take(pa.array(rows)), self.catalogue.types, self.as_of)
            reasons = {code: mask.copy() for code, mask in self.reasons.items()}
            for code, mask in reasons.items():
                mask[rows] = some[code]
            found.__dict__["reasons"] = reasons
        return found

    def meets(self, expression: str) -> Bools:
        """Return who meets a condition (n,); what is not known does not."""
        return conditions(self.table, {"it": expression}, self.catalogue.types, self.as_of)["it"]

    def members(self, segment: SegmentVersion) -> Bools:
        """Return who is in a segment (n,); kept, as it is asked for again with every other segment."""
        key = digest([segment.digest, segment.condition])
        if key not in self._masks:
            while len(self._masks) >= 64:
                self._masks.pop(next(iter(self._masks)))
            self._masks[key] = self._members(segment)
        return self._masks[key]

    def within(self, numbers: pa.Array | None) -> Bools:
        """Return who is among customer numbers (n,); everybody where they are None."""
        if numbers is None:
            return np.ones(self.table.num_rows, bool)
        found: Bools = pc.is_in(self.table["customer_no"], numbers).to_numpy().astype(bool)
        return found

    def _members(self, segment: SegmentVersion) -> Bools:
        cluster = segment.cluster
        if cluster is None:
            return self.meets(segment.condition)
        clustering, index = cluster
        found: Bools = clustering.assign(self.table) == index
        return found


@dataclass(frozen=True, slots=True)
class Look:
    """What an audience comes to: how many meet it, why some are left out, how many are left; and a few of those, masked.

    ``sample`` has the attributes that the expression names; those of class C2 are None. Where fewer than ``fewer_than``
    meet it nothing else is told: all other numbers are 0. Nothing of a look depends on a confidential attribute.
    """

    everybody: int
    hit: int
    falls: tuple[audience.ExclusionCount, ...]
    usable: int
    columns: tuple[str, ...] = ()
    sample: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    fewer_than: int = 0
    warnings: tuple[Text, ...] = ()


def look_at(
    people: CustomersNow,
    expression: str,
    seen: pa.Array | None = None,
    *,
    named: Mapping[str, NamedCondition] | None = None,
    sample: bool = False,
    heed: Callable[[Bools], None] | None = None,
) -> Look:
    """Return what an audience comes to among the customers ``seen``; everybody where that is None.

    ``named`` are the segments that the expression names. ``heed`` is told whom the condition hits (n,), and refuses by
    raising. Raises as ``segment.checked_expression``.
    """
    checked = checked_expression(expression, people.catalogue)
    mine = people.within(seen)
    whole = spelled_out(expression, {name: one.condition for name, one in (named or {}).items()})
    hit = people.meets(whole) & mine
    if heed is not None:
        heed(hit)
    everybody, met = int(mine.sum()), int(hit.sum())
    warnings = _warnings(people, checked, mine)
    if met < audience.MIN_CELL:
        return Look(everybody, 0, (), 0, fewer_than=audience.MIN_CELL, warnings=warnings)
    left = audience.left_after(hit, people.reasons)
    falls = audience.visible_falls(left)
    columns, rows = _sample(people, sorted(checked.names), left.openly) if sample else ((), ())
    return Look(everybody, met, falls, int(left.openly.sum()), columns, rows, warnings=warnings)


def _warnings(people: CustomersNow, asked: Expression, mine: Bools) -> tuple[Text, ...]:
    """Return what a condition may not mean: whom a "not" loses as not known, and a text that is never empty."""
    found, told = doubts(asked), []
    for name in (name for name in found.lost if name in people.catalogue):
        unknown = int((pc.is_null(people.table[name]).to_numpy(zero_copy_only=False).astype(bool) & mine).sum())
        if unknown:
            few = Text(f"少于 {audience.MIN_CELL}", f"fewer than {audience.MIN_CELL}")
            count = few if unknown < audience.MIN_CELL else f"{unknown:,}"
            told.append(_LOST.filled(name=name, label=people.catalogue[name].label, count=count))
    told += [_EMPTY.filled(name=name) for name in found.empty]
    return tuple(told)


def overlaps(people: CustomersNow, found: Sequence[SegmentVersion], seen: pa.Array | None = None) -> NDArray[np.int64]:
    """Return how many customers two segments share (k, k); the diagonal is how many each has."""
    mine = people.within(seen)
    masks = np.array([people.members(one) & mine for one in found], np.uint8).reshape(len(found), people.table.num_rows)
    shared = np.zeros((len(found), len(found)), np.int64)
    for place in range(len(found)):
        for other in range(place, len(found)):
            shared[place, other] = shared[other, place] = int(np.count_nonzero(masks[place] & masks[other]))
    return shared


def memberships(
    found: Sequence[SegmentVersion], row: Mapping[str, Any], catalogue: Catalogue, as_of: date
) -> list[SegmentVersion]:
    """Return which segments one customer is in, by the values of their attributes."""
    if not row:
        return []
    return [one for one in found if _is_member(one, row, catalogue, as_of)]


def _is_member(one: SegmentVersion, row: Mapping[str, Any], catalogue: Catalogue, as_of: date) -> bool:
    if one.cluster is None:
        expression = read_spelled_out(one.condition, catalogue.types)
        return to_function(expression)({**{n: row.get(n) for n in expression.names}, "today": as_of}) is True
    clustering, index = one.cluster
    if any(row.get(name) is None for name in clustering.features):
        return False
    return int(clustering.assign(pa.table({name: [row[name]] for name in clustering.features}))[0]) == index


def _sample(
    people: CustomersNow, names: Sequence[str], left: Bools
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[Any, ...]], ...]]:
    """Return a few of those left, spread over the bank; what describes a person stays hidden."""
    columns = tuple(name for name in names if name in people.catalogue)
    rows = np.flatnonzero(left)
    chosen = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)] if len(rows) else rows
    shown = people.table.select(["customer_no", *columns]).take(pa.array(chosen)).to_pylist()
    hidden = {name for name in columns if people.catalogue[name].data_class is DataClass.C2}
    return columns, tuple(
        (one["customer_no"], tuple(None if name in hidden else one[name] for name in columns)) for one in shown
    )


__all__ = ["SAMPLE", "CustomersNow", "Look", "look_at", "memberships", "overlaps"]
