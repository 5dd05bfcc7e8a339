"""Taking the records of a source in: each gets a number for life, is sealed, and is found by blind indexes alone.

The same file twice changes nothing; a file of an older day changes nothing that a newer one said; half a file leaves the
others as they are; a changed document changes the record and never its number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from bankloop.customer.identity import repository
from bankloop.customer.identity.contracts import CHANNELS, RECORD_DEFAULTS, RECORD_SCHEMA, Registered
from bankloop.customer.identity.features import make_features
from bankloop.customer.identity.handing import hand_on, is_another
from bankloop.customer.identity.marks import doubts_of, marks_of, unknown_marks
from bankloop.customer.identity.matching import BANK, ID, MatchSpec
from bankloop.customer.identity.numbers import numbers_of
from bankloop.customer.identity.plausible import ID_CARD, valid_card
from bankloop.kit.clock import local_day
from bankloop.kit.ids import canonical_json
from bankloop.store.audit import record_audit
from bankloop.store.copying import fitted
from bankloop.store.database import bank_wide, keys_of, now_of
from bankloop.store.verbs import verb

# The source whose keys are the bank's customer numbers already, as the other tables know them.
CORE = "core"
_ZONE = "Asia/Shanghai"
_KEY_DIGITS = 15  # of a blind index: sixty bits, which a bigint holds


@verb("identity.load")
def register(connection: Connection, source: str, records: pa.Table, as_of: date, load_id: str) -> Registered:
    """Take in records (``RECORD_SCHEMA``) of a source as of a day and return what was new, changed, known and stale.

    The last row of a key counts. Raises ``DataError`` for columns that are missing or of another type.
    """
    rows = fitted("records", records, RECORD_SCHEMA, RECORD_DEFAULTS)
    by_key = {row["source_key"]: row for row in rows.to_pylist()}
    with bank_wide(connection):
        done = _take_in(connection, source, by_key, as_of, load_id)
    after = {
        "new": done.new,
        "changed": done.changed,
        "known": done.known,
        "stale": done.stale,
        "handed_on": done.handed_on,
        "load": load_id,
    }
    record_audit(connection, "identity.load", "source", source, None, after)
    refused = {
        "double": rows.num_rows - len(by_key),
        "unknown_kind": unknown_marks(list(by_key.values())),
        "in_doubt": sum(1 for record in by_key.values() for _ in doubts_of(record)),
    }
    return replace(done, refused={k: n for k, n in refused.items() if n})


def _take_in(
    connection: Connection, source: str, by_key: Mapping[str, Mapping[str, Any]], as_of: date, load_id: str
) -> Registered:
    keys, ring = list(by_key), keys_of(connection)
    bodies = {key: canonical_json({k: v for k, v in by_key[key].items() if v is not None}) for key in keys}
    blind = dict(zip(keys, ring.blind_many(f"source:{source}", keys), strict=True))
    digest = dict(zip(keys, ring.blind_many("record", bodies.values()), strict=True))
    known = repository.known_records(connection, source, list(blind.values()))
    new = [key for key in keys if blind[key] not in known]
    stale = [key for key in keys if blind[key] in known and known[blind[key]][1] > as_of]
    older = set(stale)
    seen = [key for key in keys if blind[key] in known and key not in older]
    changed = [key for key in seen if known[blind[key]][2] != digest[key]]
    altered = set(changed)
    own = new if source == CORE else [""] * len(new)
    number = repository.mint(
        connection, source, [blind[key] for key in new], own, channel=source in CHANNELS, as_of=as_of, load=load_id
    )
    number |= {key: found[0] for key, found in known.items()}
    fresh = {number[blind[key]]: by_key[key] for key in (*new, *changed)}
    sealed = {number[blind[key]]: (bodies[key], digest[key]) for key in (*new, *changed)}
    another: list[str] = []
    if changed:
        former = records_of(connection, [number[blind[key]] for key in changed])
        another = [n for n, before in former.items() if is_another(before, fresh[n])]
    if fresh:
        rows, marks, blocks = _sealed(connection, fresh, sealed)
        if changed:
            repository.renew_records(connection, [number[blind[key]] for key in changed], marks, as_of, load_id)
        repository.keep_records(connection, rows, marks, blocks)
    same = [number[blind[key]] for key in seen if key not in altered]
    if same:
        repository.see_again(connection, same, as_of, load_id)
    hand_on(connection, another)
    return Registered(len(new), len(changed), len(same), len(stale), {}, tuple(sorted(fresh)), len(another))


def _sealed(
    connection: Connection, records: Mapping[str, Mapping[str, Any]], bodies: Mapping[str, tuple[str, str]]
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return the rows of ``identity_record``, ``identity_mark`` and ``identity_block`` for records by number."""
    ring, numbers = keys_of(connection), list(records)
    marks = [(number, kind, value) for number in numbers for kind, value in dict.fromkeys(marks_of(records[number]))]
    blind = _blind_marks(connection, marks)
    cards = {n: b for (n, kind, value), b in zip(marks, blind, strict=True) if kind == ID_CARD and valid_card(value)}
    blocks = block_keys(connection, features_of(connection, records))
    rows = pa.table(
        {
            "customer_no": numbers,
            "sealed": [
                one.hex() for one in ring.seal_many(repository.RECORD, (bodies[n][0] for n in numbers), numbers)
            ],
            "digest": [bodies[n][1] for n in numbers],
            "card": pa.array([cards.get(n) for n in numbers], pa.string()),
        }
    )
    about = [f"{kind}\x1f{number}" for number, kind, _ in marks]
    found = pa.table(
        {
            "customer_no": pa.array([number for number, _, _ in marks], pa.string()),
            "kind": pa.array([kind for _, kind, _ in marks], pa.string()),
            "blind": pa.array(blind, pa.string()),
            "sealed": pa.array(
                [s.hex() for s in ring.seal_many(repository.MARK, (v for _, _, v in marks), about)], pa.string()
            ),
        }
    )
    return rows, found, blocks


def _blind_marks(connection: Connection, marks: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the blind index of each mark, kind by kind."""
    ring = keys_of(connection)
    found = [""] * len(marks)
    for kind in {kind for _, kind, _ in marks}:
        places = [place for place, mark in enumerate(marks) if mark[1] == kind]
        for place, blind in zip(places, ring.blind_many(kind, (marks[p][2] for p in places)), strict=True):
            found[place] = blind
    return found


def records_of(connection: Connection, numbers: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Return the plain records of identities by number, of all where None; only inside the program."""
    ring = keys_of(connection)
    return {
        row.customer_no: json.loads(ring.unseal(repository.RECORD, row.sealed, row.customer_no))
        for row in repository.sealed_records(connection, numbers)
    }


def features_of(
    connection: Connection,
    records: Mapping[str, Mapping[str, Any]],
    common: Sequence[int] | None = (),
    common_from: int = 0,
) -> pa.Table:
    """Return the ``FEATURES`` of records by number; ``common`` as ``make_features`` has it."""
    columns = {
        name: pa.array([record.get(name) for record in records.values()], pa.string())
        for name in RECORD_SCHEMA.names
        if name not in ("source_key", "also")
    }
    given = pa.table({ID: pa.array(list(records), pa.string()), **columns})
    today = local_day(now_of(connection), _ZONE)
    with duckdb.connect() as engine:
        return make_features(engine, given, today, common=common, common_from=common_from)


def block_keys(connection: Connection, features: pa.Table, spec: MatchSpec = BANK) -> pa.Table:
    """Return (block, customer_no): the blind keys that a record shares with whom it is compared."""
    ring, numbers = keys_of(connection), features[ID].to_pylist()
    blocks: list[int] = []
    owners: list[str] = []
    for columns in spec.blocks:
        rows = zip(numbers, *(features[name].to_pylist() for name in columns), strict=True)
        full = [(row[0], "\x1f".join(map(str, row[1:]))) for row in rows if None not in row]
        blinds = ring.blind_many("block:" + "+".join(columns), (value for _, value in full))
        blocks += [int(blind[:_KEY_DIGITS], 16) for blind in blinds]
        owners += [number for number, _ in full]
    return pa.table({"block": pa.array(blocks, pa.int64()), ID: pa.array(owners, pa.string())})


def forget_identity(connection: Connection, number: str) -> int:
    """Delete what identity knows of a person whose data are erased, and return how many records; the numbers stay."""
    with bank_wide(connection):
        return repository.forget(connection, numbers_of(connection, number))
