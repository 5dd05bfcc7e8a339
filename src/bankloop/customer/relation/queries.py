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

# Salaries in so many months make an employment; without one for two months it is over.
SALARIES = 6
SALARY_GAP = 62
# So many transfers between two within a year are a flow of funds; without one for half a year it is over. One alone is
# rent, a present or a debt.
FLOWS = 3
FLOW_GAP = 183
FLOW_WINDOW = 366
# What a bank calls, among its own columns about events, who stands at the other end of a payment.
COUNTERPARTY = "counterparty_no"
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
# Payments of a kind with the day in the bank's zone and who stands at their other end, where the source says it.
_PAYMENTS = """
SELECT e.customer_no, e.source, e.event_id, e.occurred_at, e.type, x.text_value AS other,
    (e.occurred_at AT TIME ZONE $zone)::DATE AS day
FROM event e
LEFT JOIN (SELECT source, event_id, text_value FROM event_extra WHERE name = $counterparty) x USING (source, event_id)
WHERE e.recorded_at < $until AND e.occurred_at < $until
"""
# Of each month the last salary stands for all of it: six payments in six minutes are no employment.
_PAID = f"""
WITH paid AS (SELECT p.*, coalesce(p.other, c.employer_id) AS payer, date_trunc('month', p.day) AS month
    FROM ({_PAYMENTS} AND e.type = 'payroll') p LEFT JOIN customer c USING (customer_no)),
monthly AS (SELECT payer, customer_no, month, min(day) AS first,
    arg_max({{'source': source, 'id': event_id, 'day': day}}, (occurred_at, -event_id)) AS last
    FROM paid WHERE payer IS NOT NULL AND payer <> customer_no GROUP BY ALL)
SELECT payer AS from_no, customer_no AS to_no, 'employs' AS kind, min(first) AS since,
    CASE WHEN max(last.day) < $lapsed THEN max(last.day) END AS until, count(*) AS weight,
    array_to_string(
        list(last.source || ':' || last.id || '@' || last.day ORDER BY month DESC)[:$salaries], ' ') AS evidence
FROM monthly GROUP BY ALL HAVING count(*) >= $salaries
"""
# A transfer is seen from either end or from both: within a day and a direction it is one.
_FLOWED = f"""
WITH moved AS (SELECT CASE WHEN type = 'transfer_out' THEN customer_no ELSE other END AS payer,
        CASE WHEN type = 'transfer_out' THEN other ELSE customer_no END AS payee, day,
        min(source || ':' || event_id) AS mark
    FROM ({_PAYMENTS} AND e.type IN ('transfer_out', 'transfer_in')) p
    WHERE other IS NOT NULL AND other <> customer_no AND day > $oldest GROUP BY ALL)
SELECT payer AS from_no, payee AS to_no, 'fund_flow' AS kind, min(day) AS since,
    CASE WHEN max(day) < $ended THEN max(day) END AS until, count(*) AS weight,
    array_to_string(list(mark || '@' || day ORDER BY day DESC)[:$shown], ' ') AS evidence
FROM moved GROUP BY ALL HAVING count(*) >= $flows
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
    paid = {"until": until, "zone": lake.zone, "counterparty": COUNTERPARTY}
    parts = {
        _STATED: {"version": stated.version if stated else ""},
        _PAID: {**paid, "lapsed": as_of - timedelta(days=SALARY_GAP), "salaries": SALARIES},
        _FLOWED: {
            **paid,
            "ended": as_of - timedelta(days=FLOW_GAP),
            "oldest": as_of - timedelta(days=FLOW_WINDOW),
            "flows": FLOWS,
            "shown": SALARIES,
        },
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
