"""The shelf: what takes effect when, what is screened again, bundles by their legs, solutions by their locks, figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.contact.delivery import deliver
from bankloop.contact.queries import accepted_contacts
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError, SpecError
from bankloop.loop import product, reach
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.offering import assortment
from bankloop.loop.offering.assortment import Scorecard
from bankloop.loop.offering.shelf import ShelfChange, gate, read_change, screen, shelf_now, submit_change
from bankloop.loop.product import Notice, ShelfInForce, WhyNot
from bankloop.loop.spec import Availability, Product, Risk, RiskRating, read_bank_spec
from bankloop.organization.approval import approval_of, approve, expire_approvals, kill
from bankloop.organization.principals import checker, compliance, maker, product_manager, reviewers, system
from bankloop.organization.task import (
    NO_LIMIT,
    TaskState,
    create_tasks,
    log_outcome,
    open_tasks,
    task_counts,
    task_of,
    task_schema,
)
from bankloop.report.shelf import gaps_picture, matrix_table, products_table, shelf_table
from bankloop.store.contracts import Principal
from bankloop.store.history import read_decisions
from bankloop.store.shelf import read_reviews
from tests.loop.gates import STATES, Sent
from tests.loop.people import AS_OF, BANK, TYPES, bank_spec, lock_for, state

EVENING = datetime(2026, 8, 24, 10, 0, tzinfo=UTC)  # 18:00 in the bank
WEALTH = "wealth-fixed-income"
FILED = bank_spec().products[WEALTH]
LEVELS = st.sampled_from(list(Risk))
WHERE = st.builds(
    Availability,
    on=st.booleans(),
    branches=st.none() | st.lists(st.sampled_from(["B001", "B002"]), unique=True).map(tuple),
    channels=st.none() | st.lists(st.sampled_from(["sms", "rm_call"]), unique=True).map(tuple),
)


def notice(key: str, since: datetime = EVENING, *, risk: str | None = None, **where: object) -> Notice:
    rating = RiskRating(issuer=Risk(risk), seller=Risk(risk)) if risk else None
    return Notice(key, Availability.model_validate(where), rating, since)


def test_off_the_shelf_at_18_00_it_is_not_offered_at_18_00_01() -> None:
    spec = bank_spec()
    lock = lock_for(spec.campaigns["first-wealth"], spec)
    off = [notice(WEALTH, on=False)]
    before = product.in_force(off, EVENING - timedelta(seconds=1)).on(lock)
    after = product.in_force(off, EVENING + timedelta(seconds=1)).on(lock)
    people = state([{}])
    assert product.match(before, people, TYPES, AS_OF).open(WEALTH)[0]
    offers = product.match(after, people, TYPES, AS_OF)
    assert offers.reason(WEALTH, 0) is WhyNot.OFF_SHELF
    assert after.digest == lock.digest


@given(first=WHERE, second=WHERE, a=LEVELS, b=LEVELS)
def test_a_shelf_never_widens_what_was_approved(first: Availability, second: Availability, a: Risk, b: Risk) -> None:
    approved = FILED.narrowed(first, RiskRating(issuer=a, seller=a))
    now = ShelfInForce({WEALTH: Notice(WEALTH, second, RiskRating(issuer=b, seller=b), EVENING)}).of(approved)
    assert now.risk is not None
    assert approved.risk is not None
    assert now.risk.level >= approved.risk.level
    assert now.available.on <= approved.available.on
    for mine, theirs in ((now.available.branches, first.branches), (now.available.channels, first.channels)):
        assert theirs is None or (mine is not None and set(mine) <= set(theirs))


def test_by_branch_segment_and_channel() -> None:
    spec = bank_spec()
    lock = lock_for(spec.campaigns["first-wealth"], spec)
    narrow = ShelfInForce({WEALTH: notice(WEALTH, branches=["B001"], segments=["payroll"], channels=["sms"])}).on(lock)
    people = state([{"payroll": True}, {"payroll": True, "branch_id": "B002"}, {"payroll": False}])
    offers = product.match(narrow, people, TYPES, AS_OF)
    assert offers.open(WEALTH).tolist() == [True, False, False]
    assert offers.reason(WEALTH, 1) is WhyNot.NOT_HERE
    channels = {action.channel for action in reach.actions_of(narrow) if action.product == WEALTH}
    assert channels == {"sms"}


def test_a_bundle_carries_the_highest_rating_of_its_legs() -> None:
    spec = bank_spec()
    bundle = spec.products["salary-bundle"]
    assert bundle.risk is not None
    assert bundle.risk.level == max(p.risk.level for k in bundle.legs if (p := spec.products[k]).risk)
    raised = ShelfInForce({WEALTH: notice(WEALTH, risk="R4")}).all_of(spec.products.values())
    assert next(one for one in raised if one.key == "salary-bundle").risk.level == 4  # type: ignore[union-attr]


def test_each_leg_has_its_own_result_and_the_corporate_one_takes_corporate_rights() -> None:
    products = bank_spec().products
    legs = product.propose(products["salary-bundle"], products, 1, 10, ("retail",), age=40)
    assert [leg.ruling.reason for leg in legs] == [WhyNot.NO_RIGHT, WhyNot.OPEN, WhyNot.RISK_MISMATCH]
    both = product.propose(products["salary-bundle"], products, 3, 10, ("retail", "corporate"), age=40)
    assert all(leg.ruling.open for leg in both)


def test_a_bundle_is_open_to_whom_every_leg_is_open() -> None:
    spec = bank_spec()
    campaign = spec.campaigns["first-wealth"].model_copy(update={"products": ("salary-bundle",)})
    lock = lock_for(campaign, spec)
    offers = product.match(lock, state([{}, {"risk_tolerance": 1}, {"has_credit_card": True}]), TYPES, AS_OF)
    assert [offers.reason("salary-bundle", row) for row in range(3)] == [
        WhyNot.OPEN, WhyNot.RISK_MISMATCH, WhyNot.NOT_ELIGIBLE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"legs": ["credit-card"]}, "at least two legs"),
        ({"legs": ["credit-card", "nothing"]}, "no product of its own"),
        ({"risk": {"issuer": "R1", "seller": "R1"}}, "takes its rating from its legs"),
    ],
)
def test_a_bundle_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    folder = copied(tmp_path)
    content = yaml.safe_load((folder / "products.yaml").read_text(encoding="utf-8"))
    next(one for one in content["products"] if one["key"] == "salary-bundle").update(change)
    (folder / "products.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(SpecError, match=said):
        read_bank_spec(folder, TYPES)


def test_a_solution_without_a_published_version_says_so(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    solution = folder / "solutions" / "payroll-start.yaml"
    solution.write_text(solution.read_text(encoding="utf-8").replace("published\n", "draft\n"), encoding="utf-8")
    campaign = folder / "campaigns" / "bind-card.yaml"
    campaign.write_text(campaign.read_text(encoding="utf-8") + "solution: payroll-start\n", encoding="utf-8")
    with pytest.raises(SpecError, match="no published version"):
        read_bank_spec(folder, TYPES)


def copied(folder: Path) -> Path:
    import shutil

    shutil.copytree(BANK, folder / "bank")
    return folder / "bank"


# On a bank that runs


def run_first_wealth(bank: Bank) -> None:
    submit(bank, maker(), "first-wealth")
    approve_in_turn(bank, reviewers(), "first-wealth")
    loop.run(bank, system(), 1, bank.lake.today())


def granted(bank: Bank, change: ShelfChange, reason: str = "because") -> None:
    submit_change(bank, product_manager(), change, reason)
    with bank.store.begin(checker()) as connection:
        request = approval_of(connection, "product", change.product)
        assert request is not None
        approve(connection, request.approval_id)


def test_a_change_holds_only_once_another_person_approved_it(bank: Bank) -> None:
    change = ShelfChange(WEALTH, Availability(on=False))
    request = submit_change(bank, product_manager(), change, "the issuer stopped it")
    assert submit_change(bank, product_manager(), change, "the issuer stopped it") == request
    assert shelf_now(bank, system()).of(bank.spec.products[WEALTH]).available.on
    with bank.store.begin(product_manager()) as connection, pytest.raises(DeniedError):
        approve(connection, request)
    with bank.store.begin(checker()) as connection:
        approve(connection, request)
    assert not shelf_now(bank, system()).of(bank.spec.products[WEALTH]).available.on
    # What is asked for next does not undo what holds while it waits.
    submit_change(bank, product_manager(), ShelfChange(WEALTH), "back again")
    assert not shelf_now(bank, system()).of(bank.spec.products[WEALTH]).available.on


def test_a_change_waits_for_its_moment(bank: Bank, clock: FixedClock) -> None:
    later = clock.now() + timedelta(hours=1)
    granted(bank, ShelfChange(WEALTH, Availability(on=False), None, later))
    assert shelf_now(bank, system()).of(bank.spec.products[WEALTH]).available.on
    bank.store.clock = FixedClock(later + timedelta(seconds=1))
    assert not shelf_now(bank, system()).of(bank.spec.products[WEALTH]).available.on


def at(bank: Bank, moment: datetime) -> bool:
    """Whether the product is on the shelf at a moment."""
    bank.store.clock = FixedClock(moment)
    return shelf_now(bank, system()).of(bank.spec.products[WEALTH]).available.on


@pytest.mark.parametrize("ended", ["killed", "replaced"])
def test_a_change_whose_approval_ended_before_its_moment_never_begins(bank: Bank, ended: str) -> None:
    start = bank.store.clock.now()
    later = start + timedelta(hours=2)
    granted(bank, ShelfChange(WEALTH, Availability(on=False), None, later))
    bank.store.clock = FixedClock(start + timedelta(hours=1))
    if ended == "killed":
        with bank.store.begin(compliance()) as connection:
            request = approval_of(connection, "product", WEALTH)
            assert request is not None
            kill(connection, request.approval_id, "not this one")
    else:
        submit_change(bank, product_manager(), ShelfChange(WEALTH, Availability(channels=("sms",))), "another")
    assert at(bank, later + timedelta(hours=1))


def test_a_change_in_force_stays_as_it_began_until_another_replaces_it(bank: Bank) -> None:
    start = bank.store.clock.now()
    granted(bank, ShelfChange(WEALTH, Availability(on=False)))
    bank.store.clock = FixedClock(start + timedelta(hours=1))
    submit_change(bank, product_manager(), ShelfChange(WEALTH), "back again")
    assert not at(bank, start + timedelta(hours=2))
    assert shelf_now(bank, system()).notices[WEALTH].since == start
    with bank.store.begin(checker()) as connection:
        request = approval_of(connection, "product", WEALTH)
        assert request is not None
        approve(connection, request.approval_id)
    assert at(bank, start + timedelta(hours=3))


def test_a_change_two_months_ahead_does_not_lapse_for_want_of_a_start(bank: Bank) -> None:
    start = bank.store.clock.now()
    granted(bank, ShelfChange(WEALTH, Availability(on=False), None, start + timedelta(days=60)))
    bank.store.clock = FixedClock(start + timedelta(days=45))
    with bank.store.begin(system()) as connection:
        expire_approvals(connection)
    assert at(bank, start + timedelta(days=59))
    assert not at(bank, start + timedelta(days=61))


def test_the_shelf_is_the_same_for_a_branch(bank: Bank) -> None:
    granted(bank, ShelfChange(WEALTH, Availability(on=False)))
    branch = Principal("b1", frozenset({"relationship_manager"}), ("B001",), rights=frozenset({"product.read"}))
    assert not shelf_now(bank, branch).of(bank.spec.products[WEALTH]).available.on


def with_tasks(bank: Bank, count: int) -> None:
    """Give staff so many of the round's decisions about the product as tasks."""
    columns = ("decision_id", "customer_no", "unit_id", "issued_action", "campaign")
    with bank.store.begin(system()) as connection:
        decided = read_decisions(connection, ["first-wealth"], 1, columns=columns).to_pylist()
        about = [one for one in decided if (one["issued_action"] or "").startswith(f"{WEALTH}|")][:count]
        fixed = {"round": 1, "due_on": bank.lake.today(), "value_fen": 1, "script_version": "v1", "reason": "x"}
        rows = [
            {**fixed, "risk": 0, "licence": "", "kind": "campaign", **one, "action": one["issued_action"]}
            for one in about
        ]
        made = create_tasks(
            connection, pa.Table.from_pylist(rows, task_schema()), {one["unit_id"]: NO_LIMIT for one in about}
        )
        assert made.created == count


@pytest.fixture
def solved(bank: Bank) -> Iterator[Bank]:
    """The bank, whose first wealth takes what it offers from a solution; its files are mended afterwards."""
    places = [bank.folder / "campaigns" / "first-wealth.yaml", bank.folder / "solutions" / "payroll-start.yaml"]
    before = [place.read_text(encoding="utf-8") for place in places]
    lines = before[0].splitlines()
    kept = [one for one in lines if not one.startswith(("products:", "benefits:", "scripts:"))]
    places[0].write_text("\n".join([*kept, "solution: payroll-start"]), encoding="utf-8")
    yield bank
    for place, written in zip(places, before, strict=True):
        place.write_text(written, encoding="utf-8")


@pytest.mark.capability("E3")
def test_a_new_version_of_a_solution_leaves_running_campaigns_theirs(solved: Bank) -> None:
    def planned() -> tuple[str | None, tuple[str, ...]]:
        found = loop.plan(again(), system(), 1, solved.lake.today()).locks["first-wealth"].campaign
        return found.solution, found.products

    def again() -> Bank:
        return Bank(solved.folder, solved.store, solved.lake, solved.clock, STATES)

    submit(again(), maker(), "first-wealth")
    approve_in_turn(again(), reviewers(), "first-wealth")
    assert planned() == ("payroll-start@1", (WEALTH,))
    solution = solved.folder / "solutions" / "payroll-start.yaml"
    content = yaml.safe_load(solution.read_text(encoding="utf-8"))
    content["versions"].append({**content["versions"][0], "version": 2, "products": [WEALTH, "credit-card"]})
    solution.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    # What was approved keeps version 1; what is submitted from now on takes version 2.
    assert planned() == ("payroll-start@1", (WEALTH,))
    submit(again(), maker(), "first-wealth")
    approve_in_turn(again(), reviewers(), "first-wealth")
    assert planned() == ("payroll-start@2", (WEALTH, "credit-card"))


def test_follow_ups_of_a_product_off_the_shelf_are_withdrawn_with_their_task(bank: Bank) -> None:
    run_first_wealth(bank)
    with_tasks(bank, 2)
    with bank.store.begin(system()) as connection:
        task, other = open_tasks(connection, WEALTH)
        agreed = bank.store.clock.now() + timedelta(days=1)
        first = log_outcome(connection, task.task_id, "interested", next_at=agreed).follow_up
        assert first is not None
        second = log_outcome(connection, first.task_id, "interested", next_at=agreed + timedelta(days=1)).follow_up
        assert second is not None
    granted(bank, ShelfChange(WEALTH, Availability(on=False)))
    screen(bank, system())
    with bank.store.begin(system()) as connection:
        assert open_tasks(connection, WEALTH) == []
        assert task_of(connection, second.task_id).state is TaskState.EXPIRED
        stopped = set(connection.scalars(text("SELECT decision_id FROM contact_stop WHERE reason LIKE 'shelf:%'")))
    assert other.task_id in stopped
    assert not stopped & {task.task_id, first.task_id, second.task_id}


@pytest.mark.capability("A27")
def test_what_is_queued_is_screened_where_it_leaves(bank: Bank) -> None:
    run_first_wealth(bank)
    granted(bank, ShelfChange(WEALTH, Availability(on=False)))
    found = screen(bank, system())
    assert found.queued["first-wealth"] > 0
    with bank.store.begin(system()) as connection:
        before = len(accepted_contacts(connection, "first-wealth"))
    sent = Sent()
    deliver(bank.store, system("delivery"), sent, gate)
    assert not [one for one in sent.given if one["action"].startswith(WEALTH)]
    with bank.store.begin(system()) as connection:
        after = len(accepted_contacts(connection, "first-wealth"))
        counts = task_counts(connection, "first-wealth", 1)
    assert before - after == found.queued["first-wealth"]
    assert counts["EXPIRED"] == found.tasks.get("first-wealth", 0)
    assert screen(bank, system()).tasks == {}


def test_a_re_grade_stops_whom_the_product_no_longer_suits(bank: Bank) -> None:
    run_first_wealth(bank)
    with bank.store.begin(system()) as connection:
        decided = read_decisions(
            connection, ["first-wealth"], 1, columns=("decision_id", "issued_action", "attributes")
        )
    granted(bank, ShelfChange(WEALTH, risk=RiskRating(issuer=Risk.R4, seller=Risk.R3)))
    sent = Sent()
    deliver(bank.store, system("delivery"), sent, gate)
    tolerance = {row["decision_id"]: yaml.safe_load(row["attributes"])["risk_tolerance"] for row in decided.to_pylist()}
    offered = [one["contact"] for one in sent.given if one["action"].startswith(WEALTH)]
    queued = [
        r["decision_id"] for r in decided.to_pylist() if (r["issued_action"] or "").startswith(f"{WEALTH}|none|sms")
    ]
    assert all(tolerance[one] >= 4 for one in offered)
    assert any(tolerance[one] < 4 for one in queued)


def test_a_plan_made_of_another_shelf_does_not_run(bank: Bank) -> None:
    submit(bank, maker(), "first-wealth")
    approve_in_turn(bank, reviewers(), "first-wealth")
    window = loop.plan(bank, system(), 1, bank.lake.today())
    granted(bank, ShelfChange(WEALTH, Availability(on=False)))
    with pytest.raises(ConflictError, match="shelf has changed"):
        loop.run(bank, system(), 1, bank.lake.today(), prepared=window)
    again = loop.plan(bank, system(), 1, bank.lake.today())
    assert not np.isfinite(
        again.plan.candidates.value[:, [a.product == WEALTH for a in again.plan.candidates.actions]]
    ).any()
    assert loop.run(bank, system(), 1, bank.lake.today(), prepared=again).issued is not None


def test_what_cannot_be_asked_for_is_refused_with_its_cure(bank: Bank) -> None:
    with pytest.raises(NotFoundError, match="nearest is wealth-fixed-income"):
        submit_change(bank, product_manager(), ShelfChange("wealth-fixed-incom"), "x")
    with pytest.raises(InputError, match="no 'fax'"):
        submit_change(bank, product_manager(), read_change(WEALTH, {"channels": ["fax"]}), "x")
    with pytest.raises(InputError, match="carries no rating"):
        submit_change(bank, product_manager(), read_change("credit-card", {"issuer": "R1", "seller": "R1"}), "x")
    with pytest.raises(InputError, match="issuer"):
        read_change(WEALTH, {"issuer": "R9", "seller": "R1"})
    nobody = replace(product_manager(), rights=frozenset({"product.read"}))
    with pytest.raises(DeniedError):
        submit_change(bank, nobody, ShelfChange(WEALTH), "x")


@pytest.mark.capability("E4")
def test_scorecards_count_what_the_bank_holds(bank: Bank) -> None:
    today = bank.lake.today()
    with bank.lake.engine() as engine:
        people, held = (bank.lake.reading(bank.lake.version(table)) for table in ("customer", "holding"))
        bought = f"SELECT DISTINCT customer_no FROM {held} WHERE product_class = 'wealth' AND opened_on > ? ORDER BY 1"
        buyers = [row[0] for row in engine.execute(bought, [today - timedelta(days=365)]).fetchall()]
        # Three complain after they bought, one did long before.
        said = " ".join(f"WHEN '{number}' THEN DATE '{today}'" for number in buyers[:3])
        told = f"CASE customer_no {said} WHEN '{buyers[3]}' THEN DATE '2000-01-01' END"
        customers = engine.sql(f"SELECT * REPLACE ({told} AS complaint_on) FROM {people}").to_arrow_table()
    bank.lake.publish("customer", customers, today)
    cards = {one.product: one for one in assortment.scorecards(bank)}
    wealth = cards[WEALTH]
    assert wealth.holders > 0
    assert wealth.margin == wealth.balance * 4_000 // 1_000_000
    assert wealth.complaints == round(3 / len(buyers) * 1_000_000)
    assert 0 <= (wealth.retention or 0) <= 1_000_000  # None where there is no earlier version
    assert sum(wealth.blocked.values()) < bank.state(bank.lake.today() - timedelta(days=1)).table.num_rows
    titles = {key: one.title.text for key, one in bank.spec.products.items()}
    assert len(products_table(tuple(cards.values()), titles, ()).rows) == len(cards)


@pytest.mark.capability("E4")
def test_more_complaints_than_half_a_percent_open_one_review(bank: Bank) -> None:
    card = Scorecard(WEALTH, 10_000, 10_000, 10_000, 0, 0, 5_100, None, {})
    new = assortment.review_products(bank, system(), [card])
    assert [(one.product, one.name) for one in new] == [(WEALTH, "complaints")]
    assert assortment.review_products(bank, system(), [card]) == ()
    assert assortment.due_reviews([replace(card, complaints=5_000)], bank.spec.policies) == ()
    with bank.store.begin(system()) as connection:
        waiting = read_reviews(connection, WEALTH)
    assert [one.outcome for one in waiting] == [None]
    assortment.conclude(bank, system(), waiting[0].review_id, "the script was changed")
    with pytest.raises(NotFoundError):
        assortment.conclude(bank, system(), waiting[0].review_id, "again")
    assert assortment.review_products(bank, system(), [card]) == new


def test_the_gap_of_a_segment_is_told_in_table_and_picture() -> None:
    customers = pa.chunked_array([pa.array([f"C{i}" for i in range(200)])])
    payroll = np.arange(200) < 100
    holders = [*range(12), *range(100, 120)]
    held = pa.table({"customer_no": [f"C{i}" for i in holders], "product_class": ["wealth"] * 32})
    found = {one.product_class: one for one in assortment.penetrations(customers, {"payroll": payroll}, held)}
    wealth = found["wealth"]
    assert (wealth.share, wealth.peers, wealth.gap) == (120_000, 200_000, -80_000)
    table = matrix_table(tuple(found.values()), bank_spec().policies)
    words = [cell.text.zh for row in table.rows for cell in row]
    assert "12% (−8 pp)" in words
    picture = gaps_picture(tuple(found.values()), bank_spec().policies)
    assert picture is not None
    assert "12% vs 20%, −8pp" in picture.alt.en


def test_the_shelf_table_shows_all_lines_as_they_are_now() -> None:
    spec = bank_spec()
    products: tuple[Product, ...] = tuple(spec.products.values())
    table = shelf_table(products, ShelfInForce({WEALTH: notice(WEALTH, on=False)}), spec.policies)
    off = [row[0].text.zh for row in table.rows if row[4].text.en == "off"]
    assert off == ["稳盈固收理财"]
    assert {row[1].text.en for row in table.rows} >= {"Retail", "Corporate"}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("products.yaml", "    contribution: {fixed: 90 CNY}\n", "", "contribution' is missing"),
        ("products.yaml", "fixed: 90 CNY", "fixed: NaN CNY", "contribution.fixed"),
        ("policies.yaml", "cost_per_thousand: 45 CNY", "cost_per_thousand: -45 CNY", "cost_per_thousand"),
        ("policies.yaml", "per_day: 60000", "per_day: 60000.5", "per_day"),
        ("benefits.yaml", "stock: 400 ", "stock: -1 ", "stock"),
    ],
)
def test_a_missing_margin_a_negative_cost_and_parts_of_a_slot_name_file_and_line(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    folder = copied(tmp_path)
    written = (folder / file).read_text(encoding="utf-8")
    assert old in written
    (folder / file).write_text(written.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError, match=said) as refused:
        read_bank_spec(folder, TYPES)
    assert f"{file}:" in refused.value.message.en
