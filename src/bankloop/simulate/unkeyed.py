"""Registers of names, births and postcodes alone: nothing tells a person for certain, records err at a stated rate.

A fifth of the people stand twice. Of the second records the stated share has one error: in the name, in the birth date
or in the postcode, each as often. Namesakes are as chance makes them. The truth is a table of its own.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from bankloop.simulate import names
from bankloop.simulate.doubles import Registers, written_otherwise
from bankloop.simulate.people import day_number
from bankloop.simulate.streams import Streams

DOUBLES = 0.2
POSTCODES = 2_000
_FIRST_BIRTH, _LAST_BIRTH = "1938-01-01", "2007-12-31"
_FIRST_POSTCODE = 100_000
_PLACES = 8  # of a birth date written yyyymmdd


def draw_unkeyed(count: int, errors: float, seed: int) -> Registers:
    """Return ``count`` records, a fifth of them of somebody who is there already, ``errors`` of those with one error."""
    rng = Streams(seed).generator("unkeyed")
    doubles = round(count * DOUBLES)
    people = _people(count - doubles, rng)
    whose = rng.choice(people.num_rows, doubles, replace=False)
    again = [_again(row, rng, errors) for row in people.take(pa.array(whose)).to_pylist()]
    records = pa.concat_tables([people, pa.Table.from_pylist(again, people.schema)])
    keys = names.numbered("R", np.arange(1, count + 1), 9)
    person = names.numbered("P", np.concatenate([np.arange(people.num_rows), whose]), 9)
    order = pa.array(rng.permutation(count))
    truth = pa.table({"source_key": keys, "person": person}).take(pa.array(rng.permutation(count)))
    return Registers(records.append_column("source_key", keys).take(order), truth)


def _people(count: int, rng: np.random.Generator) -> pa.Table:
    first, last = (day_number(np.datetime64(day).astype(object)) for day in (_FIRST_BIRTH, _LAST_BIRTH))
    born = names.compact_days(rng.integers(first, last + 1, count))
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        {
            "name": names.people_names(rng, count),
            "birth": pa.array(born.astype(str).tolist()),
            "address": pa.array(_postcodes(rng, count)),
            **dict.fromkeys(("gender", "phone", "email", "document_type", "document_no"), nothing),
        }
    )


def _postcodes(rng: np.random.Generator, count: int) -> list[str]:
    """More people live where a bank has long been: postcodes are as unevenly borne as names."""
    return [str(_FIRST_POSTCODE + 137 * int(at)) for at in (rng.random(count) ** 2 * POSTCODES).tolist()]


def _again(row: dict[str, str], rng: np.random.Generator, errors: float) -> dict[str, str]:
    errs, field, kind, luck = rng.random(4).tolist()
    if errs >= errors:
        return row
    if field < 1 / 3:
        return {**row, "name": written_otherwise(row["name"], luck)}
    if field < 2 / 3:
        return {**row, "birth": _mistyped(row["birth"], kind, luck)}
    return {**row, "address": _postcodes(rng, 1)[0]}


def _mistyped(birth: str, kind: float, luck: float) -> str:
    """Return a date with day and month turned where that is another date, else with one digit wrong."""
    turned = birth[:4] + birth[6:] + birth[4:6]
    if kind < 1 / 3 and birth[6:] <= "12" and turned != birth:
        return turned
    place = 2 + int(luck * (_PLACES - 2))
    return birth[:place] + str((int(birth[place]) + 1) % 10) + birth[place + 1 :]
