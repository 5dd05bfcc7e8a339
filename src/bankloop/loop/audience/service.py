"""Step 2, 筛客群: from the audience expression to a frozen snapshot whose waterfall sums exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.kit.expression import Type
from bankloop.kit.ids import digest_bytes
from bankloop.kit.text import Text
from bankloop.loop.audience.contracts import MIN_CELL, ExclusionCount, Snapshot, Visibility
from bankloop.loop.audience.rules import BRANCH, EXCLUSIONS, IN_OTHER_CAMPAIGN, POOLED, POOLED_TITLE, SAME_PERSON
from bankloop.loop.spec import Lock
from bankloop.loop.spec.batch import Bools, conditions

_SAME_PERSON = Text("同一人的其他客户号", "Another number of the same person")
_BRANCH = Text("分行本地条件", "The branch's own condition")
_OTHER_CAMPAIGN = Text("在途其他战役", "In another campaign")


def select(
    lock: Lock,
    state: pa.Table,
    types: Mapping[str, Type],
    as_of: date,
    busy: Bools | None = None,
    again: Bools | None = None,
    outside: Bools | None = None,
) -> Snapshot:
    """Return the campaign's snapshot over ``state`` (one row per customer number).

    ``busy`` (n,) marks customers whom another campaign holds now, ``again`` further numbers of people whose first one is
    in ``state`` too: a person is in an audience once; ``outside`` (n,) whom their branch leaves out. Every hit customer
    is counted under the first reason that applies; confidential reasons are pooled for people.
    """
    hit = conditions(state, {"audience": lock.campaign.audience}, types, as_of)["audience"]
    remaining, excluded = left_after(hit, exclusions(state, types, as_of), again, busy, outside)
    rows = np.flatnonzero(remaining)
    numbers = state["customer_no"].combine_chunks().take(pa.array(rows))
    return Snapshot(
        campaign=lock.name,
        hit=int(hit.sum()),
        rows=rows,
        customer_no=numbers,
        falls=visible_falls({code: len(found) for code, found in excluded.items()}),
        excluded=excluded,
        digest=digest_bytes([lock.digest.encode(), str(as_of).encode(), *_ordered_bytes(numbers)]),
    )


def exclusions(state: pa.Table, types: Mapping[str, Type], as_of: date) -> dict[str, Bools]:
    """Return who each standard exclusion leaves out (n,), by code; what cannot be known leaves out."""
    return conditions(state, {e.code: e.condition for e in EXCLUSIONS}, types, as_of, unknown=True)


def left_after(
    hit: Bools,
    reasons: Mapping[str, Bools],
    again: Bools | None = None,
    busy: Bools | None = None,
    outside: Bools | None = None,
) -> tuple[Bools, dict[str, NDArray[np.int64]]]:
    """Return who of ``hit`` (n,) is left, and the rows that each reason took, in the order in which they count."""
    remaining = hit.copy()
    excluded: dict[str, NDArray[np.int64]] = {}
    for exclusion in EXCLUSIONS:
        excluded[exclusion.code] = np.flatnonzero(remaining & reasons[exclusion.code])
        remaining &= ~reasons[exclusion.code]
    if again is not None:
        excluded[SAME_PERSON] = np.flatnonzero(remaining & again)
        remaining &= ~again
    if outside is not None:
        excluded[BRANCH] = np.flatnonzero(remaining & outside)
        remaining &= ~outside
    if busy is not None:
        excluded[IN_OTHER_CAMPAIGN] = np.flatnonzero(remaining & busy)
        remaining &= ~busy
    return remaining, excluded


def attributes_read() -> frozenset[str]:
    """Return the attributes that the standard exclusions read: every lock holds them."""
    return frozenset(
        name
        for e in EXCLUSIONS
        for name in re.findall(r"[a-z_]+", e.condition)
        if name not in {"not", "or", "and", "is", "null", "coalesce"}
    )


def visible_falls(counts: Mapping[str, int]) -> tuple[ExclusionCount, ...]:
    """Return the waterfall people may see: open reasons in order, confidential ones pooled.

    A pool smaller than ``MIN_CELL`` takes in the last open reasons until it is large enough, so that neither the pool
    nor a difference from the total points at a person. The sum never changes.
    """
    open_falls = [
        ExclusionCount(e.code, e.title, counts[e.code]) for e in EXCLUSIONS if e.visibility is Visibility.OPEN
    ]
    if counts.get(SAME_PERSON):
        open_falls.append(ExclusionCount(SAME_PERSON, _SAME_PERSON, counts[SAME_PERSON]))
    if BRANCH in counts:
        open_falls.append(ExclusionCount(BRANCH, _BRANCH, counts[BRANCH]))
    if IN_OTHER_CAMPAIGN in counts:
        open_falls.append(ExclusionCount(IN_OTHER_CAMPAIGN, _OTHER_CAMPAIGN, counts[IN_OTHER_CAMPAIGN]))
    pooled = sum(counts[e.code] for e in EXCLUSIONS if e.visibility is Visibility.CONFIDENTIAL)
    shown = list(open_falls)
    while 0 < pooled < MIN_CELL and shown:
        pooled += shown.pop().count
    return (*shown, ExclusionCount(POOLED, POOLED_TITLE, pooled))


def _ordered_bytes(numbers: pa.Array) -> list[bytes]:
    ordered = numbers.take(pc.sort_indices(numbers))
    return ["\n".join(ordered.to_pylist()).encode()]
