"""A branch narrows within head office's limits and never widens: fewer customers, fewer contacts, nobody else touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.contact.contracts import Cap
from bankloop.contact.rules import Made, Wanted, decide
from bankloop.kit.errors import BankloopError, ConflictError, DeniedError, InputError, NotFoundError
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.campaign.branch_rule import most_a_week, narrow, narrowed, within_limits
from bankloop.loop.round.window import Window
from bankloop.loop.spec import Policies
from bankloop.organization.branch_rule import end_narrowing, narrowings
from bankloop.organization.people import load_people
from bankloop.organization.principals import auditor, maker, reviewers, system
from bankloop.organization.rights import ROLES
from bankloop.store.contracts import Principal, Role
from bankloop.store.history import read_decisions

DAY = date(2026, 6, 30)


def commander(*units: str) -> Principal:
    role = ROLES["branch_commander"]
    return Principal("commander", frozenset({role.name}), units, "campaign", rights=role.rights)


@pytest.fixture
def ready(bank: Bank) -> Bank:
    load_people(bank.store, bank.lake)
    for name in ("bind-card", "first-wealth"):
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)
    return bank


def branch_of(bank: Bank) -> str:
    counts = pc.value_counts(bank.state(DAY - timedelta(days=1)).table["branch_id"].combine_chunks()).to_pylist()
    return str(max(counts, key=lambda one: one["counts"])["values"])


def members(window: Window, name: str, branch: str, *, inside: bool) -> set[str]:
    table = window.state.table
    here = dict(zip(table["customer_no"].to_pylist(), table["branch_id"].to_pylist(), strict=True))
    return {no for no in window.audiences[name].customer_no.to_pylist() if (here[no] == branch) is inside}


@pytest.mark.capability("A12")
def test_a_cap_above_head_office_s_is_refused_and_a_local_filter_narrows(ready: Bank) -> None:
    branch = branch_of(ready)
    who = commander(branch)
    assert most_a_week(ready.spec.policies) == 3
    with pytest.raises(DeniedError) as caught:
        narrow(ready, who, branch, per_week=5)
    assert caught.value.code == "narrowing.wider"
    assert "3" in caught.value.message.zh
    before = loop.plan(ready, system(), 1, DAY)
    narrow(ready, who, branch, "bind-card", "age >= 40", reason="local")
    after = loop.plan(ready, system(), 1, DAY)
    ages = dict(zip(after.state.table["customer_no"].to_pylist(), after.state.table["age"].to_pylist(), strict=True))
    kept = members(after, "bind-card", branch, inside=True)
    assert kept == {no for no in members(before, "bind-card", branch, inside=True) if (ages[no] or 0) >= 40}
    assert 0 < len(kept) < len(members(before, "bind-card", branch, inside=True))
    # Nobody else, and no other campaign, is touched; the waterfall says where they went and still sums.
    assert members(after, "bind-card", branch, inside=False) == members(before, "bind-card", branch, inside=False)
    assert after.audiences["first-wealth"].digest == before.audiences["first-wealth"].digest
    found = after.audiences["bind-card"]
    assert len(found.excluded["branch"]) == before.audiences["bind-card"].usable - found.usable
    assert found.hit - sum(fall.count for fall in found.falls) == found.usable


def test_a_plan_made_by_other_rules_is_not_run(ready: Bank) -> None:
    branch = branch_of(ready)
    window = loop.plan(ready, system(), 1, DAY)
    narrow(ready, commander(branch), branch, per_week=0)
    with pytest.raises(ConflictError) as caught:
        loop.run(ready, system(), 1, DAY, prepared=window)
    assert caught.value.code == "run.narrowing_changed"


def test_a_branch_that_wants_no_contacts_has_none_and_others_have_theirs(ready: Bank) -> None:
    branch = branch_of(ready)
    narrow(ready, commander(branch), branch, per_week=0)
    assert loop.run(ready, system(), 1, DAY).issued is not None
    with ready.store.begin(system()) as connection:
        rows = connection.execute(
            text("SELECT unit_id = :b AS here, accepted, count(*) AS n FROM contact GROUP BY 1, 2"), {"b": branch}
        ).all()
        refused = connection.scalars(text("SELECT DISTINCT refused_by FROM contact WHERE unit_id = :b"), {"b": branch}).all()  # fmt: skip
        decided = read_decisions(connection, ["bind-card"], 1)
    found = {(row.here, row.accepted): row.n for row in rows}
    assert (True, True) not in found
    assert found[(True, False)] > 0
    assert found[(False, True)] > 0
    assert refused == [f"cap:marketing:*:0/7d@{branch}"]
    assert decided.num_rows > 0


def test_a_cap_for_one_campaign_holds_that_campaign_s_contacts_alone(ready: Bank) -> None:
    branch = branch_of(ready)
    narrow(ready, commander(branch), branch, "bind-card", per_week=0)
    assert loop.run(ready, system(), 1, DAY).issued is not None
    with ready.store.begin(system()) as connection:
        rows = connection.execute(
            text("SELECT campaign, accepted, refused_by FROM contact WHERE unit_id = :b"), {"b": branch}
        ).all()
        elsewhere = connection.scalars(
            text("SELECT accepted FROM contact WHERE unit_id <> :b AND campaign = 'bind-card'"), {"b": branch}
        ).all()
    here = {(row.campaign, row.accepted) for row in rows}
    assert ("bind-card", True) not in here
    assert {row.refused_by for row in rows if row.campaign == "bind-card"} == {
        f"cap:marketing:*:0/7d@{branch}:bind-card"
    }
    assert ("first-wealth", True) in here
    assert any(elsewhere)


def test_a_branch_gives_fewer_benefits_and_nobody_else_s_change(ready: Bank) -> None:
    branch = branch_of(ready)
    before = loop.plan(ready, system(), 1, DAY)
    narrow(ready, commander(branch), branch, "bind-card", withheld=["coupon-20"], reason="dear here")
    after = loop.plan(ready, system(), 1, DAY)

    def open_to(window: Window, name: str, benefit: str, *, inside: bool) -> int:
        found = window.plan.candidates
        index = next(i for i, one in enumerate(found.campaigns) if one.campaign == name)
        columns = [a for a, one in enumerate(found.actions) if found.column_campaign[a] == index and one.benefit == benefit]  # fmt: skip
        rows = (np.array(found.branches)[found.branch] == branch) == inside
        return int(np.isfinite(found.value[np.ix_(rows, columns)]).sum())

    assert open_to(before, "bind-card", "coupon-20", inside=True) > 0
    assert open_to(after, "bind-card", "coupon-20", inside=True) == 0
    for benefit, inside in (("coupon-20", False), ("coupon-10", True), ("none", True)):
        assert open_to(after, "bind-card", benefit, inside=inside) == open_to(before, "bind-card", benefit, inside=inside) > 0  # fmt: skip
    assert open_to(after, "first-wealth", "none", inside=True) == open_to(before, "first-wealth", "none", inside=True)
    # Who is asked stays who is asked: the branch leaves out a benefit and nobody.
    assert after.audiences["bind-card"].digest == before.audiences["bind-card"].digest
    with pytest.raises(NotFoundError) as caught:
        narrow(ready, commander(branch), branch, "bind-card", withheld=["gold-bar"])
    assert caught.value.code == "narrowing.no_benefit"
    assert "coupon-20" in caught.value.message.en


LEFT = """branch_benefits:
  coupon-20: 3000 CNY
"""


@pytest.fixture
def leaving(ready: Bank) -> Iterator[Bank]:
    """The bank whose campaign leaves one of its coupons to branches, approved as such."""
    place = ready.folder / "campaigns" / "bind-card.yaml"
    written = place.read_text(encoding="utf-8")
    place.write_text(written + LEFT, encoding="utf-8")
    vars(ready).pop("spec", None)
    try:
        submit(ready, maker(), "bind-card")
        approve_in_turn(ready, reviewers(), "bind-card")
        yield ready
    finally:
        place.write_text(written, encoding="utf-8")


@pytest.mark.capability("A12")
def test_a_branch_adds_a_benefit_left_to_it_for_its_own_customers_and_money_within_the_frame(leaving: Bank) -> None:
    branch = branch_of(leaving)
    who = commander(branch)

    def given(window: Window) -> dict[str, float]:
        """Return by branch what the plan reserves for the coupon and its contacts, fen."""
        found = window.plan.candidates
        cost = {a: one.contact_cost + one.reserved for a, one in enumerate(found.actions) if one.benefit == "coupon-20"}
        spent: dict[str, float] = {}
        for row, column in zip(*np.nonzero(np.isin(window.plan.issued, list(cost))), strict=True):
            name = found.branches[found.branch[row]]
            spent[name] = spent.get(name, 0.0) + cost[int(window.plan.issued[row, column])]
        return spent

    def able(window: Window) -> set[str]:
        found = window.plan.candidates
        columns = [
            a for a, one in enumerate(found.actions) if one.benefit == "coupon-20" and one.campaign == "bind-card"
        ]
        rows = np.isfinite(found.value[:, columns]).any(axis=1)
        return {found.branches[at] for at in np.unique(found.branch[rows])}

    assert able(loop.plan(leaving, system(), 1, DAY)) == set(), "what is left to branches is nobody's until one adds it"
    narrow(leaving, who, branch, "bind-card", added={"coupon-20": 300_000}, reason="our own")
    wide = loop.plan(leaving, system(), 1, DAY)
    assert able(wide) == {branch}
    assert wide.locks["bind-card"].campaign.branch_benefits == {"coupon-20": 300_000}
    assert given(wide).keys() == {branch}
    assert sum(given(wide).values()) > 400
    narrow(leaving, who, branch, "bind-card", added={"coupon-20": 400}, reason="less of it")
    small = loop.plan(leaving, system(), 1, DAY)
    assert given(small).keys() <= {branch}
    assert sum(given(small).values()) <= 400
    # The lock stays what was approved, whatever a branch sets aside.
    assert small.locks["bind-card"].digest == wide.locks["bind-card"].digest


@pytest.mark.capability("A12")
@pytest.mark.parametrize(
    ("added", "campaign", "code"),
    [
        ({"coupon-20": 300_001}, "bind-card", "narrowing.above_frame"),
        ({"coupon-20": 0}, "bind-card", "narrowing.above_frame"),
        ({"coupon-10": 100}, "bind-card", "narrowing.not_left_to_branches"),
        ({"coupon-20": 100}, "", "narrowing.not_left_to_branches"),
        ({"coupon-20": 100}, "first-wealth", "narrowing.not_left_to_branches"),
    ],
)
def test_above_the_frame_or_outside_it_a_branch_adds_nothing(
    leaving: Bank, added: dict[str, int], campaign: str, code: str
) -> None:
    branch = branch_of(leaving)
    with pytest.raises(DeniedError) as caught:
        narrow(leaving, commander(branch), branch, campaign, added=added)
    assert caught.value.code == code
    with leaving.store.begin(commander(branch)) as connection:
        assert narrowings(connection) == ()


def test_a_rule_takes_the_place_of_the_last_and_is_ended(ready: Bank) -> None:
    branch = branch_of(ready)
    first = narrow(ready, commander(branch), branch, "", "age >= 40")
    second = narrow(ready, commander(branch), branch, "", "age >= 50", 2)
    with ready.store.begin(commander(branch)) as connection:
        assert [one.narrowing_id for one in narrowings(connection)] == [second.narrowing_id]
        with pytest.raises(NotFoundError):
            end_narrowing(connection, first.narrowing_id, "x")
        end_narrowing(connection, second.narrowing_id, "over")
        assert narrowed(connection).caps() == []
    with ready.store.begin(commander("B999")) as connection:
        assert narrowings(connection) == ()
    with ready.store.begin(auditor(), Role.AUDITOR) as connection:
        left = connection.scalars(text("SELECT verb FROM audit WHERE verb LIKE 'narrowing.%' ORDER BY id")).all()
    assert left == ["narrowing.set", "narrowing.set", "narrowing.end"]


@pytest.mark.parametrize(
    ("unit", "campaign", "condition", "error", "code"),
    [
        ("B999", "", "age >= 40", DeniedError, "narrowing.not_yours"),
        ("", "", "", InputError, "narrowing.nothing"),
        ("", "", "watchlist", InputError, "narrowing.confidential"),
        ("", "no-such", "age >= 40", NotFoundError, "campaign.unknown"),
        ("", "", "age >= ", BankloopError, None),
        ("", "", "aum", BankloopError, None),
        ("", "", "nothing_like_it = 3", BankloopError, None),
    ],
)
def test_what_is_no_rule_is_refused(
    bank: Bank, unit: str, campaign: str, condition: str, error: type[BankloopError], code: str | None
) -> None:
    branch = branch_of(bank)
    with pytest.raises(error) as caught:
        narrow(bank, commander(branch), unit or branch, campaign, condition)
    assert code is None or caught.value.code == code


@given(
    st.integers(-2, 12),
    st.lists(st.tuples(st.sampled_from(["any", "sms"]), st.integers(0, 9), st.sampled_from([1, 7, 30]))),
)
def test_no_cap_that_passes_is_above_any_of_head_office_s(asked: int, caps: list[tuple[str, int, int]]) -> None:
    stated = [{"channel": channel, "limit": limit, "days": days} for channel, limit, days in caps]
    policies = Policies.model_validate(
        {"format": 1, "contact": {"quiet_hours": {"from": "21:00", "to": "09:00"}, "caps": stated}, "channels": {}}
    )
    weekly = [limit for channel, limit, days in caps if channel == "any" and days >= 7]
    if asked < 0 or any(asked > limit for limit in weekly):
        with pytest.raises((DeniedError, InputError)):
            within_limits(policies, asked)
    else:
        within_limits(policies, asked)


CONTACTS = st.lists(
    st.tuples(st.sampled_from(["C1", "C2"]), st.sampled_from(["B1", "B2"]), st.integers(0, 20)), max_size=25
)


@given(CONTACTS, st.integers(0, 3))
def test_a_cap_of_one_campaign_never_refuses_another_s(rows: list[tuple[str, str, int]], own: int) -> None:
    wanted = [
        Wanted(f"d{place}", customer, "B1", "sms", "marketing", DAY + timedelta(days=day), campaign=campaign)
        for place, (customer, campaign, day) in enumerate(rows)
    ]
    capped = decide(wanted, {}, [Cap("*", own, 7, units=("B1",), said_by="B1", campaign="B2")])
    for one in wanted:
        assert not capped[one.decision_id] or one.campaign == "B2"
    for customer in ("C1", "C2"):
        days = sorted(one.day for one in wanted if (one.customer_no, one.campaign) == (customer, "B2") and not capped[one.decision_id])  # fmt: skip
        assert all(sum(0 <= (d - start).days < 7 for d in days) <= own for start in days)


@given(CONTACTS, st.integers(0, 3))
def test_a_branch_s_cap_only_ever_refuses_more_and_only_its_own(rows: list[tuple[str, str, int]], own: int) -> None:
    """Customers keep their branch here, so that no other branch's contacts make room or take it."""
    wanted = [
        Wanted(f"d{place}", f"{unit}{customer}", unit, "sms", "marketing", DAY + timedelta(days=day))
        for place, (customer, unit, day) in enumerate(rows)
    ]
    made: dict[str, list[Made]] = {}
    whole = decide(wanted, made, [Cap("*", 3, 7)])
    both = decide(wanted, made, [Cap("*", 3, 7), Cap("*", own, 7, units=("B1",), said_by="B1")])
    for one in wanted:
        if one.unit_id == "B2":
            assert whole[one.decision_id] == both[one.decision_id]
    for customer in {one.customer_no for one in wanted if one.unit_id == "B1"}:
        days = sorted(one.day for one in wanted if one.customer_no == customer and not both[one.decision_id])
        assert all(sum(0 <= (d - start).days < 7 for d in days) <= min(own, 3) for start in days)


def test_what_cannot_be_known_leaves_out(ready: Bank) -> None:
    branch = branch_of(ready)
    narrow(ready, commander(branch), branch, "", "days_to_maturity <= 30")
    with ready.store.begin(system()) as connection:
        rules = narrowed(connection)
    table = ready.state(DAY - timedelta(days=1)).table
    outside = rules.outside("bind-card", table, ready.catalogue.types, DAY)
    assert outside is not None
    unknown = np.asarray(pc.is_null(table["days_to_maturity"]).to_numpy(zero_copy_only=False))
    here = np.asarray(pc.equal(table["branch_id"], pa.scalar(branch)).to_numpy(zero_copy_only=False))
    assert outside[unknown & here].all()
    assert not outside[~here].any()
