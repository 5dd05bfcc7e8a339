"""From what a caller hands in (numbers, keys, days) and what the truth files hold to aligned arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.simulate.draw import Floats, Ints
from bankloop.simulate.truth import CampaignTruth, open_to

Days = NDArray[np.datetime64]
MONEY = ("amount_fen", "attributed_fen", "contribution_fen", "new_money_fen", "displaced_fen")
_ORDINARY_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class CampaignPeople:
    """One campaign's truth as arrays; ``place`` leads from a customer's row to its entry, −1 outside.

    Every array has one spare zero at its end, which place −1 reads: an empty population needs no special case.
    """

    place: Ints
    type_code: Ints
    base: Floats
    effect: dict[str, Floats]
    money: dict[str, Ints]


def number_rows(numbers: pa.Array) -> Ints:
    """Return the row of each customer number (``C00000001`` is row 0), −1 where it is not one of ours."""
    good = pc.fill_null(pc.match_substring_regex(numbers, r"^C[0-9]{8}$"), False)
    digits = pc.if_else(good, pc.utf8_slice_codeunits(numbers, 1, 9), "0")
    return np.asarray(digits.cast(pa.int64()).to_numpy(zero_copy_only=False) - 1, dtype=np.int64)


def as_days(start: date | Days | None, count: int) -> Days:
    """Return a day for each row; an ordinary day, far from any festival, where none is given."""
    day = _ORDINARY_DAY if start is None else start
    return np.broadcast_to(np.asarray(day, dtype="datetime64[D]"), count)


def coded_actions(action: object, count: int) -> tuple[list[str], Ints]:
    """Return the distinct action keys and, per customer, the place of its own; −1 for none ('' or null)."""
    values = action if isinstance(action, pa.Array | pa.ChunkedArray) else pa.array(action, pa.string())
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    values = pc.fill_null(values.cast(pa.string()), "")
    if len(values) != count:
        raise ValueError(f"{count} customers but {len(values)} actions")
    encoded = values.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    keys = [name for name in names if name]
    lookup = np.array([keys.index(name) if name else -1 for name in names] or [-1], dtype=np.int64)
    return keys, lookup[encoded.indices.to_numpy(zero_copy_only=False)] if count else np.empty(0, dtype=np.int64)


def by_customer(truth: CampaignTruth, customers: int) -> CampaignPeople:
    """Return one campaign's truth by customer; an action that is not open has no effect."""
    place = np.full(customers, -1, dtype=np.int64)
    place[truth.rows] = np.arange(len(truth.rows))
    return CampaignPeople(
        place,
        np.append(truth.type_code, 0),
        np.append(truth.base, 0.0),
        {key: np.append(effect * open_to(key, truth.assessed), 0.0) for key, effect in truth.effect.items()},
        {name: np.append(getattr(truth, name), 0) for name in MONEY},
    )


def customer_rows(customer_no: object, count: int) -> Ints:
    """Return the rows of customer numbers in a bank of ``count``; raise ``NotFoundError`` for one that it lacks."""
    wanted = customer_no if isinstance(customer_no, pa.Array | pa.ChunkedArray) else pa.array(customer_no)
    if isinstance(wanted, pa.ChunkedArray):
        wanted = wanted.combine_chunks()
    if pa.types.is_dictionary(wanted.type):
        wanted = wanted.dictionary_decode()
    row = number_rows(wanted.cast(pa.string()))
    bad = (row < 0) | (row >= count)
    if bad.any():
        raise NotFoundError(
            "simulate.no_customer",
            Text("模拟行没有客户“{customer}”", "the simulated bank has no customer '{customer}'"),
            customer=wanted[int(np.flatnonzero(bad)[0])].as_py(),
        )
    return row
