"""Scripts, benefits and budgets consented to on their own, and a campaign that may only be made of such."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankloop.kit.errors import ConflictError, DeniedError, NotFoundError, SpecError
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.campaign.parts import parts_of, standing_of, submit_part
from bankloop.organization.approval import ApprovalState, Lane, Stage, approval_of, consent, next_stage
from bankloop.organization.principals import maker, reviewers, system
from bankloop.store.contracts import Principal
from tests.loop.gates import STATES

NAME = "bind-card"


@pytest.fixture
def files(bank: Bank) -> Iterator[Path]:
    """The bank's folder, as it was afterwards."""
    kept = {path: path.read_bytes() for path in bank.folder.rglob("*.yaml")}
    yield bank.folder
    for path, content in kept.items():
        path.write_bytes(content)


def wants(files: Path, *kinds: str) -> None:
    path = files / "policies.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f"approval: {{own: [{', '.join(kinds)}]}}\n", encoding="utf-8")


def fresh(bank: Bank) -> Bank:
    """The bank as another process opens it, its files read anew."""
    return Bank(bank.folder, bank.store, bank.lake, bank.clock, STATES)


def approve(bank: Bank, kind: str, key: str) -> ApprovalState:
    """Let whoever is next give the consent that waits, until nothing does."""
    people = dict(zip((Stage.CONSUMER, Stage.COMPLIANCE, Stage.FIRST, Stage.SECOND), reviewers(), strict=True))
    with bank.store.begin(system()) as connection:
        request = approval_of(connection, kind, key)
    assert request is not None
    while (stage := next_stage(request)) is not None:
        with bank.store.begin(people[stage]) as connection:
            request = consent(connection, request.approval_id, "seen")
    return request.state


def test_a_campaign_waits_for_the_approval_of_each_of_its_parts(bank: Bank, files: Path) -> None:
    wants(files, "script", "benefit", "budget")
    bank = fresh(bank)
    asked = [("script", "bind-card"), ("benefit", "coupon-10"), ("benefit", "coupon-20"), ("budget", NAME)]
    for kind, key in asked:
        with pytest.raises(ConflictError, match="part_not_approved") as refused:
            submit(bank, maker(), NAME)
        assert f"{kind}/{key}" in refused.value.message.en
        submit_part(bank, maker(), kind, key, "ready")
        assert approve(bank, kind, key) is ApprovalState.APPROVED
    submit(bank, maker(), NAME)
    assert approve_in_turn(bank, reviewers(), NAME).granted


def test_another_word_needs_another_approval(bank: Bank, files: Path) -> None:
    wants(files, "script")
    bank = fresh(bank)
    submit_part(bank, maker(), "script", NAME)
    approve(bank, "script", NAME)
    path = files / "scripts" / f"{NAME}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("出门不用带卡", "出门不必带卡"), encoding="utf-8")
    bank = fresh(bank)
    with pytest.raises(ConflictError, match="part_not_approved"):
        submit(bank, maker(), NAME)
    spec = bank.spec
    parts = parts_of(spec.campaigns[NAME], spec.products, (), [spec.scripts[NAME]])
    with bank.store.begin(system()) as connection:
        assert [(part.kind, state) for part, state in standing_of(connection, parts)] == [
            ("script", "changed"),
            ("budget", ""),
        ]


def test_the_route_of_a_part_is_that_of_its_kind_its_risk_and_its_money(bank: Bank) -> None:
    submit_part(bank, maker(), "script", "first-wealth")
    submit_part(bank, maker(), "benefit", "coupon-10")
    submit_part(bank, maker(), "budget", NAME)
    with bank.store.begin(system()) as connection:
        script = approval_of(connection, "script", "first-wealth")
        benefit = approval_of(connection, "benefit", "coupon-10")
        budget = approval_of(connection, "budget", NAME)
    assert script is not None
    assert benefit is not None
    assert budget is not None
    assert script.route[:2] == (Stage.CONSUMER, Stage.COMPLIANCE)
    assert script.demand["risk"] == 2
    # 40,000 coupons of ¥10 are beyond what one person approves.
    assert benefit.demand["money_fen"] == 40_000 * 10_00
    assert benefit.route[-1] is Stage.SECOND
    assert (budget.lane, budget.route[-1]) == (Lane.STABLE, Stage.SECOND)


def test_nobody_consents_to_their_own_part_and_who_has_no_right_asks_for_none(bank: Bank) -> None:
    submit_part(bank, maker(), "budget", NAME)
    with bank.store.begin(maker()) as connection:
        request = approval_of(connection, "budget", NAME)
        assert request is not None
        with pytest.raises(DeniedError):
            consent(connection, request.approval_id, "mine")
    stranger = Principal("m", ("relationship_manager",), ("S0001",), "service")
    with pytest.raises(DeniedError):
        submit_part(bank, stranger, "script", NAME)


def test_what_is_not_there_and_what_may_not_be_said_is_refused_with_its_cure(bank: Bank, files: Path) -> None:
    with pytest.raises(NotFoundError, match="no_part") as missing:
        submit_part(bank, maker(), "script", "bind-cart")
    assert "bind-card" in missing.value.message.en
    with pytest.raises(NotFoundError, match="no_kind"):
        submit_part(bank, maker(), "poem", NAME)
    path = files / "scripts" / f"{NAME}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("出门不用带卡", "保本保息"), encoding="utf-8")
    with pytest.raises(SpecError, match="wording"):
        submit_part(fresh(bank), maker(), "script", NAME)
