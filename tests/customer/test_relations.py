"""Relations: derived with evidence and validity, walked within hops, hubs joining nobody, defaults reaching with reasons."""

from __future__ import annotations

from collections import deque
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.customer.relation import (
    DECAY,
    EDGE_SCHEMA,
    KINDS,
    LEAST,
    MARKETING,
    EdgeKind,
    derive_relations,
    derived_edges,
    exposures,
    find_way,
    graph_of,
    groups,
    neighbours,
    open_circle,
    open_relations,
    path,
    said,
)
from bankloop.customer.relation.circle import NEAR
from bankloop.customer.relation.queries import COUNTERPARTY
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import NotFoundError
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake, open_lake
from bankloop.organization.principals import system
from bankloop.web.pages.customers.relations import drawn
from tests.customer.test_state import rows
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

AS_OF = date(2026, 6, 29)
# Two devices of a couple, one of a single person, and a public one.
DEVICES = [
    ("d1", "C0001"),
    ("d1", "C0002"),
    ("d2", "C0002"),
    ("d2", "C0001"),
    ("d3", "C0030"),
    *(("wifi", f"C{n:04d}") for n in range(100, 140)),
]
STEWARD = system("relation")


def edge(a: str, b: str, kind: str = "family", until: date | None = None) -> dict[str, Any]:
    return {
        "from_no": a,
        "to_no": b,
        "kind": kind,
        "since": None,
        "until": until,
        "weight": 1,
        "evidence": "relation v1",
    }


def graph(*edges: dict[str, Any]) -> Any:
    return graph_of(pa.Table.from_pylist(list(edges), EDGE_SCHEMA), AS_OF)


def paid(months: int, customer: str = "C0001", since: int = 0) -> list[dict[str, Any]]:
    moment = datetime(2026, 6, 10, 2, tzinfo=UTC)
    return [
        {"source": "core", "event_id": since + n, "customer_no": customer, "type": "payroll", "amount_fen": 900_000,
         "occurred_at": moment - timedelta(days=30 * n), "recorded_at": moment - timedelta(days=30 * n)}
        for n in range(months)
    ]  # fmt: skip


def filled(lake: Lake, events: list[dict[str, Any]], *relations: dict[str, Any]) -> Lake:
    people = [
        {"customer_no": "C0001", "employer_id": "E1"}, {"customer_no": "C0002", "employer_id": "E1"},
        {"customer_no": "C0020", "overdue_days": 120}, {"customer_no": "C0030"},
    ]  # fmt: skip
    lake.publish("customer", rows("customer", *people), AS_OF)
    lake.append("event", rows("event", *events), AS_OF)
    lake.publish("relation", rows("relation", *relations), AS_OF)
    tokens = [{"kind": "device", "token": token, "customer_no": who} for token, who in DEVICES]
    lake.publish("identity", rows("identity", *tokens), AS_OF)
    return lake


@pytest.fixture
def plain(tmp_path: Path) -> Lake:
    return Lake(tmp_path, MemoryManifest(), FixedClock(datetime(2026, 6, 30, 2, tzinfo=UTC)), memory="512MB", threads=2)


def test_six_salaries_make_an_employment_that_lists_them(plain: Lake) -> None:
    lake = filled(plain, [*paid(6), *paid(5, "C0002", 100)])
    (found,) = [e for e in derived_edges(lake, AS_OF).to_pylist() if e["kind"] == "employs"]
    assert (found["from_no"], found["to_no"], found["until"], found["weight"]) == ("E1", "C0001", None, 6)
    listed = found["evidence"].split(" ")
    assert [one.split("@")[0] for one in listed] == [f"core:{n}" for n in range(6)]
    own = neighbours(graph_of(derived_edges(lake, AS_OF), AS_OF), "C0001")
    (step,) = [one for one in own if one.kind is EdgeKind.EMPLOYS]
    assert (step.kind, step.forward, len(step.evidence)) == (EdgeKind.EMPLOYS, False, 6)


def other_end(events: list[dict[str, Any]], number: str) -> list[dict[str, Any]]:
    """The events' own column that says who stands at the other end of each."""
    return [
        {"source": one["source"], "event_id": one["event_id"], "customer_no": one["customer_no"], "name": COUNTERPARTY, "text_value": number}
        for one in events
    ]  # fmt: skip


def kinds_of(lake: Lake, kind: str) -> list[tuple[str, str, int, int]]:
    found = [one for one in derived_edges(lake, AS_OF).to_pylist() if one["kind"] == kind]
    return [(one["from_no"], one["to_no"], one["weight"], len(one["evidence"].split(" "))) for one in found]


def test_a_salary_is_a_month_s_by_its_payer(plain: Lake) -> None:
    """Six payments in six minutes are none; eight monthly ones without an employer's id are one, by who paid them."""
    at = datetime(2026, 6, 10, 2, tzinfo=UTC)
    hasty = [{**paid(1)[0], "event_id": 900 + n, "occurred_at": at + timedelta(minutes=n)} for n in range(6)]
    monthly = paid(8, "C0030", 100)
    # Two payers of five months each are two half-employments, and none.
    parted = [*paid(5, "C0002", 200), *paid(5, "C0002", 300)]
    lake = filled(plain, [*hasty, *monthly, *parted])
    told = [*other_end(monthly, "P9"), *other_end(parted[5:], "P8")]
    lake.append("event_extra", rows("event_extra", *told), AS_OF)
    assert kinds_of(lake, "employs") == [("P9", "C0030", 8, 6)]


def test_transfers_with_a_counterparty_are_a_flow_of_funds_with_its_payments(plain: Lake) -> None:
    def transfers(days: list[int], customer: str, kind: str, since: int) -> list[dict[str, Any]]:
        moment = datetime(2026, 6, 20, 2, tzinfo=UTC)
        return [
            {**paid(1, customer, since + n)[0], "type": kind, "occurred_at": moment - timedelta(days=back), "recorded_at": moment - timedelta(days=back)}
            for n, back in enumerate(days)
        ]  # fmt: skip

    out = transfers([1, 40, 80, 120], "C0001", "transfer_out", 500)
    back = transfers([40, 80, 120], "C0030", "transfer_in", 600)  # the same as its payee sees them
    twice = transfers([3, 9], "C0002", "transfer_out", 700)
    ended = transfers([200, 210, 220], "C0030", "transfer_out", 800)
    lake = filled(plain, [*out, *back, *twice, *ended])
    told = [
        *other_end(out, "C0030"), *other_end(back, "C0001"), *other_end(twice, "C0001"), *other_end(ended, "C0002"),
    ]  # fmt: skip
    lake.append("event_extra", rows("event_extra", *told), AS_OF)
    assert kinds_of(lake, "fund_flow") == [("C0001", "C0030", 4, 4), ("C0030", "C0002", 3, 3)]
    now = graph_of(derived_edges(lake, AS_OF), AS_OF)
    flows = [one for one in neighbours(now, "C0030") if one.kind is EdgeKind.FUND_FLOW]
    assert [(one.to_no, one.forward, len(one.evidence)) for one in flows] == [("C0001", False, 4)]


def test_an_employment_ends_when_salaries_do_and_a_statement_is_weaker_than_payments(plain: Lake) -> None:
    stated = {"from_no": "C0001", "to_no": "E1", "kind": "employment", "since": date(2020, 1, 1)}
    lake = filled(plain, paid(7), stated)
    (found,) = [e for e in derived_edges(lake, AS_OF).to_pylist() if e["kind"] == "employs"]
    assert (found["from_no"], found["since"], len(found["evidence"].split(" "))) == ("E1", date(2020, 1, 1), 6)
    later = [
        e
        for e in derived_edges(filled_only_payments(plain), AS_OF + timedelta(days=90)).to_pylist()
        if e["kind"] == "employs"
    ]
    assert later[0]["until"] == date(2026, 6, 10)
    assert graph_of(pa.Table.from_pylist(later, EDGE_SCHEMA), date(2026, 7, 1)).edges.num_rows == 0


def filled_only_payments(lake: Lake) -> Lake:
    lake.publish("relation", rows("relation"), AS_OF)
    return lake


def test_a_device_of_two_joins_them_and_one_of_a_crowd_joins_nobody(plain: Lake) -> None:
    found = [e for e in derived_edges(filled(plain, []), AS_OF).to_pylist() if e["kind"] == "shared_device"]
    assert [(e["from_no"], e["to_no"], e["weight"]) for e in found] == [("C0001", "C0002", 2)]


_PAIRS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["family", "guarantor"])), min_size=1, max_size=25
)


def walked(edges: list[dict[str, Any]], source: str, target: str, hops: int) -> int | None:
    near: dict[str, set[str]] = {}
    for one in edges:
        near.setdefault(one["from_no"], set()).add(one["to_no"])
        near.setdefault(one["to_no"], set()).add(one["from_no"])
    seen, waiting = {source: 0}, deque([source])
    while waiting:
        at = waiting.popleft()
        for there in near.get(at, ()):
            if there not in seen:
                seen[there] = seen[at] + 1
                waiting.append(there)
    return seen.get(target) if seen.get(target, hops + 1) <= hops else None


@given(_PAIRS, st.integers(0, 9), st.integers(0, 9), st.integers(1, 3))
@settings(deadline=None)
def test_a_way_is_a_shortest_one_and_holds_together(
    pairs: list[tuple[int, int, str]], a: int, b: int, hops: int
) -> None:
    edges = [edge(f"C{x}", f"C{y}", kind) for x, y, kind in sorted(set(pairs)) if x != y]
    if not edges or a == b:
        return
    found = path(graph(*edges), f"C{a}", f"C{b}", hops)
    assert (len(found) or None) == walked(edges, f"C{a}", f"C{b}", hops)
    if found:
        assert (found[0].from_no, found[-1].to_no) == (f"C{a}", f"C{b}")
        assert all(x.to_no == y.from_no for x, y in pairwise(found))


@given(_PAIRS)
@settings(deadline=None)
def test_groups_are_what_ways_join(pairs: list[tuple[int, int, str]]) -> None:
    edges = [edge(f"C{x}", f"C{y}", kind) for x, y, kind in sorted(set(pairs)) if x != y]
    if not edges:
        return
    made = graph(*edges)
    found = groups(made)
    for i, one in enumerate(made.nodes.to_pylist()):
        for j, other in enumerate(made.nodes.to_pylist()):
            assert (found[i] == found[j]) == (i == j or walked(edges, one, other, 99) is not None)


def test_a_hub_joins_nobody_and_is_not_walked_through() -> None:
    town = [edge(f"C{n:03d}", "WIFI", "shared_device") for n in range(30)]
    made = graph(*town, edge("C000", "C001"))
    found = dict(zip(made.nodes.to_pylist(), groups(made, widest=20).tolist(), strict=True))
    assert found["C000"] == found["C001"]
    assert found["C002"] != found["C003"]
    assert len(set(groups(made).tolist())) == 1


def test_a_guarantor_s_default_reaches_whom_they_stand_for_with_the_way_and_decays() -> None:
    made = graph(
        edge("G", "K", "guarantor"),
        edge("L", "K", "legal_representative"),
        edge("L", "S", "family"),
        edge("K", "W", "employs"),
    )
    found = {one.customer_no: one for one in exposures(made, ["G"])}
    assert {number: one.score for number, one in found.items()} == {"K": 800_000, "L": 560_000}
    assert [(s.from_no, s.kind.value, s.to_no) for s in found["L"].steps] == [
        ("G", "guarantor", "K"),
        ("K", "legal_representative", "L"),
    ]
    assert said(found["L"]).zh == "关联方违约经“担保 → 法定代表人”传递 56%"
    assert "G" not in found
    assert exposures(made, ["nobody"]) == ()


@given(_PAIRS, st.sets(st.integers(0, 9), min_size=1, max_size=3))
@settings(deadline=None)
def test_the_strongest_way_counts(pairs: list[tuple[int, int, str]], bad: set[int]) -> None:
    edges = [edge(f"C{x}", f"C{y}", kind) for x, y, kind in sorted(set(pairs)) if x != y]
    if not edges:
        return
    score = {f"C{n}": 1_000_000 for n in bad}
    for _ in range(3):
        before = dict(score)
        for one in edges:
            for here, there in ((one["from_no"], one["to_no"]), (one["to_no"], one["from_no"])):
                passed = before.get(here, 0) * DECAY.get(EdgeKind(one["kind"]), 0) // 1_000_000
                if passed >= LEAST:
                    score[there] = max(score.get(there, 0), passed)
    found = exposures(graph(*edges), [f"C{n}" for n in bad])
    assert {one.customer_no: one.score for one in found} == {k: v for k, v in score.items() if int(k[1:]) not in bad}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_marketing_walks_from_an_enterprise_to_its_people_and_their_friends_and_not_by_guarantees() -> None:
    made = graph(edge("K", "W", "employs"), edge("W", "F", "referral"), edge("K", "F", "guarantor"))
    assert [step.kind for step in path(made, "K", "F")] == [EdgeKind.GUARANTOR]
    assert [step.kind for step in path(made, "K", "F", kinds=MARKETING)] == [EdgeKind.EMPLOYS, EdgeKind.REFERRAL]
    assert np.array_equal(np.sort(made.degree), np.array([2, 2, 2]))
    assert len(KINDS) == 9


def test_a_manager_walks_from_their_own_customer_and_others_are_masked(folk: Folk, tmp_path: Path) -> None:
    ties = [
        {"from_no": "C0020", "to_no": "C0001", "kind": "guarantor"},
        {"from_no": "C0001", "to_no": "C0002", "kind": "family"},
    ]
    lake = filled(open_lake(tmp_path, folk.store, system("lake")), paid(6), *ties)
    done = derive_relations(folk.store, STEWARD, lake)
    assert dict(done.edges) == {"employs": 1, "family": 1, "guarantor": 1, "shared_device": 1}
    assert done.exposed == 2  # the one stood for, and their family
    manager = folk.who("M00001", "service")
    with folk.store.begin(manager) as connection:
        seen = open_relations(connection, lake, "C0001")
        way = find_way(connection, lake, "C0002", "C0020")
    assert {(s.kind.value, s.to_no) for s in seen} == {
        ("employs", "…"),
        ("family", "C0002"),
        ("guarantor", "…"),
        ("shared_device", "C0002"),
    }
    assert [(s.from_no, s.to_no) for s in way] == [("C0002", "C0001"), ("C0001", "…")]
    with pytest.raises(NotFoundError), folk.store.begin(manager) as connection:
        open_relations(connection, lake, "C0020")
    with pytest.raises(NotFoundError), folk.store.begin(manager) as connection:
        open_circle(connection, lake, "C0020")


def test_a_circle_is_drawn_of_what_the_reader_may_see_and_says_what_was_left_out(folk: Folk, tmp_path: Path) -> None:
    ties = [
        {"from_no": "C0020", "to_no": "C0001", "kind": "guarantor"},
        {"from_no": "C0001", "to_no": "C0002", "kind": "family"},
        {"from_no": "C0002", "to_no": "C0003", "kind": "referral"},
        *[{"from_no": "C0005", "to_no": f"C{n:04d}", "kind": "family"} for n in range(100, 100 + NEAR + 3)],
    ]
    lake = filled(open_lake(tmp_path, folk.store, system("lake")), paid(6), *ties)
    derive_relations(folk.store, STEWARD, lake)
    manager = folk.who("M00001", "service")
    with folk.store.begin(manager) as connection:
        circle = open_circle(connection, lake, "C0001")
        wide = open_circle(connection, lake, "C0005")
    by_hops = {hops: sorted(one.shown for one in circle.nodes if one.hops == hops) for hops in (0, 1, 2)}
    assert by_hops == {0: ["C0001"], 1: ["C0002", "…", "…"], 2: ["C0003"]}
    names = [one.shown for one in circle.nodes]
    found = {(names[tie.a], names[tie.b], tie.kind.value) for tie in circle.ties}
    assert found >= {("…", "C0001", "guarantor"), ("C0001", "C0002", "family"), ("C0002", "C0003", "referral")}
    assert circle.nodes[names.index("C0003")].parent == names.index("C0002")
    assert (len(wide.nodes), wide.more) == (1 + NEAR, 3)
    picture = drawn(circle)
    assert picture is not None
    assert len({(dot.x, dot.y) for dot in picture.dots}) == len(circle.nodes)  # nobody stands on another
    assert all(0 < dot.x < picture.width and 0 < dot.y < picture.height for dot in picture.dots)
    assert {dot.to for dot in picture.dots} == {"", "/customers/C0002", "/customers/C0003"}
    assert "3 位未画" in drawn(wide).said.zh  # type: ignore[union-attr]
    with folk.store.begin(manager) as connection:
        assert drawn(open_circle(connection, lake, "C0009")) is None
