"""Linking what is new or changed: by the same document, then by what two records weigh together, else by nobody.

Only what shares a block with a changed record is opened and compared. What lies between the thresholds waits for a
steward. Killed in the middle, nothing is linked and the same command begins again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from bankloop.customer.identity import errors, ledger, repository
from bankloop.customer.identity.contracts import DOCUMENT_TYPES, Link, Linked, LinkKind, Thresholds
from bankloop.customer.identity.intake import features_of, records_of
from bankloop.customer.identity.marks import doubts_of
from bankloop.customer.identity.matching import (
    BANK,
    DOCUMENT,
    ID,
    Model,
    compared,
    learn,
    shipped_model,
    weigh,
)
from bankloop.customer.identity.parties import lock_parties, regroup
from bankloop.customer.identity.plausible import DOUBTED_DOCUMENTS, ID_CARD, plain_kind, valid_card
from bankloop.kit.ids import canonical_json
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.verbs import verb

# From this share of changed records on, comparing everybody is cheaper than finding whom they touch.
WHOLE_SHARE = 0.3
# A name is common when more than one in so many bears it.
COMMON_SHARE = 1 / 100_000
_LEAST_COMMON = 3
# A name and a birth date agree for namesakes too: one of these must speak for it as well.
BESIDE = ("phone", "email", "address", "document")
# Fewer pairs that look alike teach chance, not what doubles are like.
LEAST_PAIRS = 200
_BATCH = "linking"
_ALIKE = """
SELECT p.a, p.b, p.kind,
    coalesce(x.name = y.name OR x.sound = y.sound OR x.birth = y.birth
        OR (left(x.name, 1) = left(y.name, 1) AND levenshtein(x.name, y.name) <= 3), true) AS alike
FROM pairs p JOIN features x ON x.customer_no = p.a JOIN features y ON y.customer_no = p.b
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """Pairs told apart: links to keep, and pairs for a steward with the reason why the program did not decide."""

    links: tuple[Link, ...]
    queue: tuple[tuple[Link, str], ...]


@verb("identity.link")
def link_identities(connection: Connection, *, whole: bool = False, thresholds: Thresholds | None = None) -> Linked:
    """Link what is new or changed (or everybody anew) and return what was found; parties follow at once."""
    with bank_wide(connection):
        lock_parties(connection)
        fresh = repository.waiting(connection)
        total = repository.count_identities(connection)
        everybody = whole or len(fresh) > WHOLE_SHARE * total
        done = (
            _link(connection, fresh, total, everybody, thresholds or Thresholds())
            if fresh or whole
            else Linked(0, 0, {}, 0, 0, 0)
        )
    if done.identities:
        after = {"identities": done.identities, "links": dict(done.links), "merges": done.merges, "queued": done.queued}
        record_audit(connection, "identity.link", "identity", f"{done.identities}", None, after)
    return done


@verb("identity.learn")
def learn_matching(connection: Connection) -> Model:
    """Learn what pairs weigh from the bank's own records, keep it, and return it; links are judged by it from now on.

    Raises ``ConflictError`` where too few records look alike to learn from.
    """
    with bank_wide(connection):
        records = records_of(connection, None)
        features = features_of(connection, records, None, common_from(len(records)))
        with duckdb.connect() as engine:
            _enough(engine, features)
            model = learn(engine, features, common=common_sounds(features))
        connection.execute(
            text("INSERT INTO match_model (model, records, made_by) VALUES (CAST(:model AS jsonb), :records, :by)"),
            {"model": canonical_json(model.plain()), "records": len(records), "by": principal_of(connection).id},
        )
    record_audit(connection, "identity.learn", "match_model", "latest", None, {"records": len(records)})
    return model


def _enough(engine: duckdb.DuckDBPyConnection, features: pa.Table) -> None:
    found = compared(engine, features)
    if found < LEAST_PAIRS:
        raise errors.too_few(found, LEAST_PAIRS)


def model_in_force(connection: Connection) -> Model:
    """Return the model learned last, or the one that ships."""
    found = connection.scalar(text("SELECT model FROM match_model ORDER BY version DESC LIMIT 1"))
    return Model.of(found) if found else shipped_model()


def common_from(records: int) -> int:
    """Return how many bearers make a name common among so many records."""
    return max(_LEAST_COMMON, round(records * COMMON_SHARE))


def common_sounds(features: pa.Table) -> list[int]:
    """Return the sounds of names that are common among features."""
    with duckdb.connect() as engine:
        engine.register("features", features)
        return [
            row[0] for row in engine.execute("SELECT DISTINCT sound FROM features WHERE common ORDER BY 1").fetchall()
        ]


def cards_of(features: pa.Table, links: Sequence[Link]) -> dict[str, frozenset[str]]:
    """Return by number the valid identity card of each linked record that has one: two of them are two people."""
    ends = pa.array(sorted({one for link in links for one in (link.a, link.b)}), pa.string())
    features = features.filter(pc.is_in(features[ID], ends))
    rows = zip(*(features[name].to_pylist() for name in (ID, "document_type", DOCUMENT)), strict=True)
    return {number: frozenset({card}) for number, kind, card in rows if kind == ID_CARD and card and valid_card(card)}


def judge(pairs: pa.Table, thresholds: Thresholds) -> Judged:
    """Tell pairs (``PAIRS``) by what they weigh.

    Never merged by weight: different identity cards, a phone alone, a name and a birth date alone.
    """
    names = [field.name for field in BANK.fields]
    links, queue = [], []
    for a, b, weight, bits, bare in zip(*(pairs[name].to_pylist() for name in pairs.column_names), strict=True):
        found = Link(a, b, LinkKind.MODEL, weight, _told(names, bits))
        if bare < thresholds.bare:
            continue
        if bits[names.index(DOCUMENT)] < 0:
            queue.append((found, "other_document"))
        elif weight >= thresholds.merge and any(bits[names.index(name)] > 0 for name in BESIDE):
            links.append(found)
        elif weight >= thresholds.review:
            queue.append((found, "between"))
    return Judged(tuple(links), tuple(queue))


def judge_documents(features: pa.Table, shared: Sequence[tuple[str, str, str]]) -> Judged:
    """Tell pairs that bear one document (a, b, kind): the same person, unless name and birth date both speak against it."""
    if not shared:
        return Judged((), ())
    with duckdb.connect() as engine:
        columns = zip(*shared, strict=True)
        engine.register("pairs", pa.table(dict(zip(("a", "b", "kind"), map(list, columns), strict=True))))
        engine.register("features", features)
        rows = engine.execute(_ALIKE).fetchall()
    found = [(Link(a, b, LinkKind.DOCUMENT, 0.0, {DOCUMENT: kind}), alike) for a, b, kind, alike in rows]
    links = tuple(dict.fromkeys(link for link, alike in found if alike))
    return Judged(links, tuple((link, "document_of_two") for link, alike in found if not alike))


def judge_doubted(
    records: Mapping[str, Mapping[str, Any]], shared: Sequence[tuple[str, str, str]]
) -> list[tuple[Link, str]]:
    """Return pairs that bear one document in doubt (a, b, kind) for a steward, with why it is none: it links nobody."""
    found = []
    for a, b, marked in shared:
        kind = plain_kind(marked)
        mine, theirs = ({(k, value): why for k, value, why in doubts_of(records.get(one, {}))} for one in (a, b))
        why = next((mine[key] for key in mine.keys() & theirs.keys() if key[0] == kind), None)
        if why is not None:
            found.append((Link(a, b, LinkKind.DOCUMENT, 0.0, {DOCUMENT: kind}), why.value))
    return found


def _link(connection: Connection, fresh: Sequence[str], total: int, everybody: bool, thresholds: Thresholds) -> Linked:
    shared = repository.bearers(connection, fresh, DOCUMENT_TYPES)
    doubted = repository.bearers(connection, fresh, DOUBTED_DOCUMENTS)
    touched = {*fresh, *(one for pair in (*shared, *doubted) for one in pair[:2])}
    near = None if everybody else sorted({*touched, *repository.near(connection, fresh)})
    records = records_of(connection, near)
    model = model_in_force(connection)
    features = features_of(connection, records, None if everybody else model.common, common_from(total))
    pairs, looked = _weighed(features, fresh, model, thresholds, everybody)
    documents, weighed = judge_documents(features, shared), judge(pairs, thresholds)
    links = [*documents.links, *weighed.links]
    added = repository.add_links(connection, links, _BATCH)
    regrouped = regroup(connection, sorted({*fresh, *(one for link in links for one in (link.a, link.b))}), _BATCH)
    held = tuple((link, "contradiction") for link in regrouped.held)
    queued = ledger.enqueue_candidates(
        connection, _first([*documents.queue, *held, *weighed.queue, *judge_doubted(records, doubted)])
    )
    ledger.settle_candidates(connection)
    connection.execute(
        text("UPDATE identity SET linked_at = :now WHERE customer_no = ANY (:fresh)"),
        {"now": now_of(connection), "fresh": list(fresh)},
    )
    merges = [event for event in regrouped.events if event.kind == "merge"]
    return Linked(
        len(fresh),
        looked,
        dict(Counter(kind for *_, kind in added)),
        len(merges),
        queued,
        sum(bool(e.flags) for e in merges),
    )


def _weighed(
    features: pa.Table, fresh: Sequence[str], model: Model, thresholds: Thresholds, everybody: bool
) -> tuple[pa.Table, int]:
    """Return the pairs that weigh enough to be looked at, and how many were compared."""
    new = set(fresh)
    mark = "" if everybody else "fresh"
    table = (
        features
        if everybody
        else features.append_column("fresh", pa.array([one in new for one in features[ID].to_pylist()]))
    )
    with duckdb.connect() as engine:
        pairs = weigh(engine, table, model, min(thresholds.review, thresholds.merge), fresh=mark)
        return pairs, compared(engine, table, fresh=mark)


def _first(found: Sequence[tuple[Link, str]]) -> list[tuple[Link, str]]:
    """Each pair once, with the first reason."""
    by_pair: dict[tuple[str, str], tuple[Link, str]] = {}
    for link, why in found:
        by_pair.setdefault((link.a, link.b), (link, why))
    return list(by_pair.values())


def _told(names: Sequence[str], bits: Sequence[float]) -> Mapping[str, Any]:
    """Return the bits that each field adds, for the steward's eye; never a value."""
    return {name: round(one, 1) for name, one in zip(names, bits, strict=True) if one}
