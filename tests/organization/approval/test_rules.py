"""Which consents a request needs, and who may give the next: every answer has its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.organization.approval import KINDS, Demand, Lane, Limits, Stage, route_of

CAMPAIGN, MODEL, BUDGET = KINDS["campaign"], KINDS["model"], KINDS["budget"]
SEEN = (Stage.CONSUMER, Stage.COMPLIANCE)
ONE, TWO = (Stage.FIRST,), (Stage.FIRST, Stage.SECOND)


@pytest.mark.parametrize(
    ("demand", "stages", "head_office"),
    [
        (Demand(10_000, 5_000_000, 2, unit_id="B01"), SEEN + ONE, False),
        (Demand(10_001, 5_000_000, 2, unit_id="B01"), SEEN + TWO, True),
        (Demand(10_000, 5_000_001, 2, unit_id="B01"), SEEN + TWO, True),
        (Demand(10_000, 5_000_000, 3, unit_id="B01"), SEEN + TWO, True),
        (Demand(None, 0, 0, unit_id="B01"), SEEN + TWO, True),
        (Demand(0, None, 0, unit_id="B01"), SEEN + TWO, True),
        (Demand(1, 1, 0), SEEN + ONE, True),
        (Demand(1, 1, 0, lane=Lane.STABLE, unit_id="B01"), SEEN + TWO, False),
        (Demand(1, 1, 1, emergency=True, unit_id="B01"), (Stage.COMPLIANCE, Stage.FIRST), True),
        (Demand(1, 1, 2, emergency=True), (*SEEN, Stage.FIRST), True),
    ],
)
def test_size_money_risk_and_lane_decide_the_route(
    demand: Demand, stages: tuple[Stage, ...], head_office: bool
) -> None:
    route = route_of(CAMPAIGN, demand)
    assert (route.stages, route.head_office) == (stages, head_office)
    assert route.reasons
    assert all(reason.zh and reason.en for reason in route.reasons)


def test_a_branch_has_its_own_limits() -> None:
    limits = Limits(branches={"B01": (500, 100_00)})
    assert route_of(CAMPAIGN, Demand(500, 100_00, unit_id="B01", limits=limits)).stages == SEEN + ONE
    assert route_of(CAMPAIGN, Demand(501, 100_00, unit_id="B01", limits=limits)).stages == SEEN + TWO
    assert route_of(CAMPAIGN, Demand(501, 100_00, unit_id="B02", limits=limits)).stages == SEEN + ONE


demands = st.builds(
    Demand,
    customers=st.none() | st.integers(0, 30_000),
    money_fen=st.none() | st.integers(0, 10_000_000),
    risk=st.integers(0, 5),
    lane=st.none() | st.sampled_from(Lane),
    emergency=st.booleans(),
    unit_id=st.sampled_from(("*", "B01")),
)


@given(demands, st.sampled_from(sorted(KINDS)))
def test_no_demand_goes_with_less_than_is_due(demand: Demand, name: str) -> None:
    kind, route = KINDS[name], route_of(KINDS[name], demand)
    assert len(set(route.stages)) == len(route.stages)
    assert Stage.FIRST in route.stages
    if demand.emergency:
        assert len(route.stages) >= 2
        assert route.head_office
    elif kind.lane is Lane.STABLE or demand.lane is Lane.STABLE:
        assert Stage.SECOND in route.stages
    if kind.consumer and (demand.risk >= 2 or not demand.emergency):
        assert route.stages[0] is Stage.CONSUMER
    if not demand.emergency and (demand.customers is None or demand.customers > 10_000 or demand.risk >= 3):
        assert Stage.SECOND in route.stages
        assert route.head_office


@given(demands, st.sampled_from(sorted(KINDS)))
def test_asking_for_more_never_needs_less(demand: Demand, name: str) -> None:
    more = Demand(None, None, 5, demand.lane, demand.emergency, demand.unit_id)
    assert set(route_of(KINDS[name], demand).stages) <= set(route_of(KINDS[name], more).stages)
