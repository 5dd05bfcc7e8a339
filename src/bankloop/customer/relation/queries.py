"""Relations out of the lake: what sources state, and what payments and devices show, each with its evidence and validity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.relation import kernels
from bankloop.customer.relation.contracts import KINDS, EdgeKind, Graph
from bankloop.kit.clock import local_moment
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake

# So many salaries make an employment; without one for two months it is over.
SALARIES = 6
SALARY_GAP = 62
# A device of more people than this is nobody's: a counter tablet, a public network.
MOST_SHARING = 8
EDGE_SCHEMA = pa.schema(
    [
        ("from_no", pa.string()), ("to_no", pa.string()), ("kind", pa.string()), ("since", pa.date32()), ("until", pa.date32()),
        ("weight", pa.int64()), ("evidence", pa.string()),
    ]
)  # fmt: skip
# Stated employments run from the person to the firm; here the firm employs the person.
_STATED = """
SELECT CASE WHEN kind = 'employment' THEN to_no ELSE from_no END AS from_no, CASE WHEN kind = 'employment' THEN from_no ELSE to_no END AS to_no,
    CASE WHEN kind = 'employment' THEN 'employs' ELSE kind END AS kind, since, NULL::DATE AS until, 1 AS weight,
    'relation ' || $version AS evidence FROM relation WHERE from_no <> to_no
"""
_PAID = """
SELECT c.employer_id AS from_no, p.customer_no AS to_no, 'employs' AS kind, min(p.day) AS since,
    CASE WHEN max(p.day) < $lapsed THEN max(p.day) END AS until, count(*) AS weight,
    array_to_string(list(p.source || ':' || p.event_id || '@' || p.day ORDER BY p.occurred_at DESC, p.event_id)[:$salaries], ' ') AS evidence
FROM (SELECT customer_no, source, event_id, occurred_at, (occurred_at AT TIME ZONE $zone)::DATE AS day FROM event
    WHERE type = 'payroll' AND recorded_at < $until AND occurred_at < $until) p
JOIN customer c USING (customer_no) WHERE c.employer_id IS NOT NULL GROUP BY ALL HAVING count(*) >= $salaries
"""
_SHARED = """
WITH device AS (SELECT token, list(DISTINCT customer_no ORDER BY customer_no) AS who FROM identity WHERE kind = 'device' GROUP BY 1)
SELECT a AS from_no, b AS to_no, 'shared_device' AS kind, NULL::DATE AS since, NULL::DATE AS until, count(*) AS weight,
    'device ×' || count(*) AS evidence
FROM (SELECT token, unnest(who) AS a, who FROM device WHERE len(who) BETWEEN 2 AND $sharing), unnest(who) AS o(b) WHERE a < b GROUP BY ALL
"""


def derived_edges(lake: Lake, as_of: date) -> pa.Table:
    """Return all relations as of a day (``EDGE_SCHEMA``), each pair once a kind; payments count as evidence before a statement."""
    until = local_moment(as_of + timedelta(days=1), 0, 0, lake.zone)
    stated = lake.manifest.current("relation")
    parts = {
        _STATED: {"version": stated.version if stated else ""},
        _PAID: {"until": until, "zone": lake.zone, "lapsed": as_of - timedelta(days=SALARY_GAP), "salaries": SALARIES},
        _SHARED: {"sharing": MOST_SHARING},
    }
    with lake.connection(Scope.whole_bank("relation")) as engine:
        found = [engine.sql(query, params=values).to_arrow_table().cast(EDGE_SCHEMA) for query, values in parts.items()]
        engine.register("found", pa.concat_tables(found))
        edges: pa.Table = engine.sql(
            "SELECT from_no, to_no, kind, min(since) AS since, CASE WHEN count(until) = count(*) THEN max(until) END AS until, "
            "max(weight) AS weight, arg_max(evidence, weight) AS evidence FROM found GROUP BY ALL ORDER BY 1, 2, 3"
        ).to_arrow_table()
    return edges.cast(EDGE_SCHEMA)


def stored_edges(lake: Lake) -> pa.Table:
    """Return the relations that were derived last; none before."""
    version = lake.manifest.current("edge")
    if version is None:
        return EDGE_SCHEMA.empty_table()
    with lake.engine() as engine:
        found: pa.Table = engine.sql(f"SELECT * FROM {lake.reading(version)}").to_arrow_table()
    return found.cast(EDGE_SCHEMA)


def graph_of(edges: pa.Table, today: date | None = None) -> Graph:
    """Return the graph of relations, of those valid on a day where given."""
    if today is not None:
        over = pc.fill_null(pc.less(edges["until"], pa.scalar(today)), False)
        edges = edges.filter(pc.invert(over))
    ends = pa.chunked_array([*edges["from_no"].chunks, *edges["to_no"].chunks], pa.string())
    encoded = ends.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    codes = rank[encoded.indices.to_numpy()]
    a, b = codes[: edges.num_rows], codes[edges.num_rows :]
    kinds = pc.index_in(edges["kind"], value_set=pa.array([k.value for k in KINDS])).to_numpy().astype(np.int8)
    start, other, edge, kind = kernels.adjacency(len(order), a, b, kinds)
    return Graph(encoded.dictionary.take(pa.array(order)), start, other, edge, kind, edges, a, b)


def overdue(lake: Lake, days: int) -> list[str]:
    """Return the customers who are overdue for so many days or more."""
    if lake.manifest.current("customer") is None:
        return []
    with lake.connection(Scope.whole_bank("relation")) as engine:
        rows = engine.execute("SELECT customer_no FROM customer WHERE overdue_days >= ? ORDER BY 1", [days]).fetchall()
    return [row[0] for row in rows]


def kind_mask(kinds: tuple[EdgeKind, ...] | None) -> np.ndarray:
    """Return (kinds,) which kinds are walked; all where None."""
    return np.array([kinds is None or one in kinds for one in KINDS])


def passes_of(decay: Mapping[EdgeKind, int]) -> np.ndarray:
    """Return (kinds,) how much of a default each kind of relation passes on, ppm."""
    return np.array([decay.get(one, 0) for one in KINDS], np.int64)
