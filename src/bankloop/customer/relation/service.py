"""The verb of relations: derived anew from what sources state and payments show, with whom a default reaches."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from bankloop.customer.relation.contracts import Derived, Exposure
from bankloop.customer.relation.queries import derived_edges, graph_of, overdue
from bankloop.customer.relation.rules import DEFAULT_DAYS, exposures
from bankloop.lake.service import Lake
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.store.verbs import verb

EDGES, EXPOSED = "edge", "exposure"


@verb("relation.derive")
def derive_relations(store: Store, principal: Principal, lake: Lake) -> Derived:
    """Derive all relations as of today and whom defaults reach, keep both in the lake, and say how many there are.

    Whoever a default reaches is left out of marketing from the next plan on, as the confidential attribute says.
    """
    today = lake.today()
    edges = derived_edges(lake, today)
    reached = exposures(graph_of(edges, today), overdue(lake, DEFAULT_DAYS))
    lake.publish(EDGES, edges, today)
    lake.publish(EXPOSED, _table(reached), today)
    done = Derived(dict(sorted(Counter(edges["kind"].to_pylist()).items())), len(reached))
    with store.begin(principal) as connection:
        after = {"edges": dict(done.edges), "exposed": done.exposed}
        record_audit(connection, "relation.derive", "relation", today.isoformat(), None, after)
    return done


def _table(reached: tuple[Exposure, ...]) -> pa.Table:
    ways = [" ".join(f"{step.kind.value}:{step.from_no}" for step in one.steps) for one in reached]
    return pa.table(
        {
            "customer_no": pa.array([one.customer_no for one in reached], pa.string()),
            "score_ppm": pa.array([one.score for one in reached], pa.int64()),
            "way": pa.array(ways, pa.string()),
        }
    )
