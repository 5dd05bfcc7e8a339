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
from bankloop.loop.audience.contracts import ExclusionCount, Left, Snapshot, Visibility
from bankloop.loop.audience.rules import BRANCH, EXCLUSIONS, IN_OTHER_CAMPAIGN
from bankloop.loop.spec import Lock
from bankloop.loop.spec.batch import Bools, conditions

_OTHERS = {
    BRANCH: Text("分行本地条件", "The branch's own condition"),
    IN_OTHER_CAMPAIGN: Text("在途其他战役", "In another campaign"),
}


def select(
    lock: Lock,
    state: pa.Table,
    types: Mapping[str, Type],
    as_of: date,
    busy: Bools | None = None,
    outside: Bools | None = None,
) -> Snapshot:
    """Return the campaign's snapshot over ``state`` (one row a person).

    ``busy`` (n,) marks customers whom another campaign holds now, ``outside`` (n,) whom their branch leaves out. Every
    hit customer is counted under the first reason that applies; confidential ones come last and are counted for nobody.
    """
    hit = conditions(state, {"audience": lock.audience}, types, as_of)["audience"]
    left = left_after(hit, exclusions(state, types, as_of), busy, outside)
    rows = np.flatnonzero(left.members)
    numbers = state["customer_no"].combine_chunks().take(pa.array(rows))
    return Snapshot(
        campaign=lock.name,
        hit=int(hit.sum()),
        rows=rows,
        customer_no=numbers,
        falls=visible_falls(left),
        excluded=left.excluded,
        open_rows=np.flatnonzero(left.openly),
        digest=digest_bytes([lock.digest.encode(), str(as_of).encode(), *_ordered_bytes(numbers)]),
    )


def exclusions(state: pa.Table, types: Mapping[str, Type], as_of: date) -> dict[str, Bools]:
    """Return who each standard exclusion leaves out (n,), by code; what cannot be known leaves out."""
    return conditions(state, {e.code: e.condition for e in EXCLUSIONS}, types, as_of, unknown=True)


def left_after(
    hit: Bools,
    reasons: Mapping[str, Bools],
    busy: Bools | None = None,
    outside: Bools | None = None,
) -> Left:
    """Return who of ``hit`` (n,) is left and the rows that each reason took, in the order in which they count.

    Confidential reasons count after all others, so that what the open ones leave is the same whoever is flagged.
    """
    openly = hit.copy()
    excluded: dict[str, NDArray[np.int64]] = {}
    for code, mask in {
        **_of(Visibility.OPEN, reasons),
        BRANCH: outside,
        IN_OTHER_CAMPAIGN: busy,
    }.items():
        if mask is not None:
            excluded[code] = np.flatnonzero(openly & mask)
            openly &= ~mask
    members = openly.copy()
    for code, mask in _of(Visibility.CONFIDENTIAL, reasons).items():
        excluded[code] = np.flatnonzero(members & mask)
        members &= ~mask
    return Left(openly, members, excluded)


def _of(visibility: Visibility, reasons: Mapping[str, Bools]) -> dict[str, Bools]:
    return {e.code: reasons[e.code] for e in EXCLUSIONS if e.visibility is visibility}


def attributes_read() -> frozenset[str]:
    """Return the attributes that the standard exclusions read: every lock holds them."""
    return frozenset(
        name
        for e in EXCLUSIONS
        for name in re.findall(r"[a-z_]+", e.condition)
        if name not in {"not", "or", "and", "is", "null", "coalesce"}
    )


def visible_falls(left: Left) -> tuple[ExclusionCount, ...]:
    """Return the waterfall people may see: the open reasons in order.

    It says nothing of confidential ones, however many they took: the answer for a condition is one and the same whoever
    is flagged, so that no two answers differ by a flag. Hit minus all falls is what the open reasons leave.
    """
    titles = {e.code: e.title for e in EXCLUSIONS if e.visibility is Visibility.OPEN} | _OTHERS
    counts = {code: len(rows) for code, rows in left.excluded.items()}
    return tuple(ExclusionCount(code, title, counts[code]) for code, title in titles.items() if code in counts)


def _ordered_bytes(numbers: pa.Array) -> list[bytes]:
    ordered = numbers.take(pc.sort_indices(numbers))
    return ["\n".join(ordered.to_pylist()).encode()]
