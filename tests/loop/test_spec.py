"""What a bank writes is checked against what exists, and what was approved is what runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bankloop.customer.catalogue import read_catalogue
from bankloop.kit.errors import BankloopError, ConflictError, ExpressionError, SpecError
from bankloop.loop.campaign.locks_in_force import locked_catalogue
from bankloop.loop.spec import BankSpec, Lock, make_lock, read_bank_spec, read_campaign, read_lock
from bankloop.loop.spec.lock import _tree
from bankloop.organization.approval import approve, comply, is_approved, review, submit_approval
from bankloop.organization.principals import maker, reviewers
from bankloop.store.database import Store
from tests.loop.people import BANK, CATALOGUE, TYPES, bank_spec, lock_of


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    shutil.copytree(BANK, tmp_path / "bank")
    return tmp_path / "bank"


def edit(bank: Path, old: str, new: str, name: str = "campaigns/bind-card.yaml") -> int:
    """Replace a text that is there once, and return its line."""
    path = bank / name
    written = path.read_text(encoding="utf-8")
    assert old in written
    path.write_text(written.replace(old, new, 1), encoding="utf-8")
    return written[: written.index(old)].count("\n") + 1


def refused(bank: Path) -> BankloopError:
    with pytest.raises(BankloopError) as caught:
        read_bank_spec(bank, TYPES)
    assert caught.value.message.zh != caught.value.message.en
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("products: [debit-card-wallet]", "products: [debit-card-walet]", "the nearest is debit-card-wallet"),
        ("coupon-10, coupon-20]", "coupon-10, copon-20]", "no benefit 'copon-20'; the nearest is coupon-20"),
        ("scripts: [bind-card]", "scripts: [bind-crad]", "no script 'bind-crad'; the nearest is bind-card"),
        ("channels: [app_push, sms,", "channels: [app_psh, sms,", "no channel 'app_psh'; the nearest is app_push"),
        ("    sms: {wins: 15%", "    smms: {wins: 15%", "no action 'smms'; the nearest is sms"),
        ("products: [debit-card-wallet]", "products: [zzz]", "no product 'zzz'; create it first"),
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_file_line_and_nearest(
    bank: Path, old: str, new: str, says: str
) -> None:
    line = edit(bank, old, new)
    error = refused(bank)
    assert isinstance(error, SpecError)
    assert error.code == "spec.unknown_name"
    assert error.message.en.startswith(f"bind-card.yaml:{line}:")
    assert says in error.message.en


def test_an_attribute_that_does_not_exist_is_refused_with_file_line_and_nearest(bank: Path) -> None:
    line = edit(bank, "audience: has_debit_card and", "audience: has_debit_crad and")
    error = refused(bank)
    assert isinstance(error, ExpressionError)
    assert (error.code, error.fields["line"], error.fields["column"]) == ("expression.name", 1, 1)
    assert error.fields["place"] == f"bind-card.yaml:{line}"
    assert "no attribute is called 'has_debit_crad'; the nearest is has_debit_card" in error.message.en
    assert f"bind-card.yaml:{line}" in str(error)


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("benefits: [none", "benefitts: [none", "spec.unknown_field", "'benefitts'; the nearest is benefits"),
        ("budget: 15000 CNY", "bugdet: 15000 CNY", "spec.unknown_field", "'reach.bugdet'; the nearest is budget"),
        ("campaign: bind-card\n", "", "spec.missing_field", "'campaign' is missing; add it"),
        ("within: 30d, ", "", "spec.missing_field", "'goal.within' is missing"),
        ("control: 10%", "control: 10", "spec.value", "'10' is no percentage; write 5%"),
        ("explore: 5%}", "explore: five}", "spec.value", "'five' is no percentage; write 5%"),
        ("budget: 15000 CNY", "budget: much", "spec.value", "'much' is not an amount; write 15000 CNY"),
        ("within: 30d", "within: a month", "spec.value", "'a month' is no number of days; write 30d"),
        ("format: 1", "format: 2", "spec.value", "'format' is not right"),
        ("title: {zh: 绑卡促活, en: Bind a card}", "title: {zh: 绑卡促活}", "spec.missing_field", "'title.en' is missing"),
        ("title: {zh", "title: {{zh", "spec.yaml", "check indent and quotes"),
        ("audience: has_debit_card and", "audience: age +", "expression.type", "'+' takes numbers"),
        ("age between 18 and 65", "age", "expression.type", "a truth value is needed here"),
    ],
)  # fmt: skip
def test_what_is_written_wrongly_is_refused_with_file_line_and_cure(
    bank: Path, old: str, new: str, code: str, says: str
) -> None:
    edit(bank, old, new)
    error = refused(bank)
    assert error.code == code
    assert says in error.message.en
    assert "bind-card.yaml:" in error.message.en


def test_a_campaign_that_is_not_there_says_so(bank: Path) -> None:
    (bank / "policies.yaml").unlink()
    assert refused(bank).code == "spec.no_file"


@pytest.mark.parametrize("name", ["bind-card", "first-wealth", "keep-deposits"])
def test_a_stored_lock_reads_back_as_the_same_lock(name: str) -> None:
    lock = lock_of(name)
    assert read_lock(json.loads(json.dumps(lock.content))) == lock
    assert read_lock(lock.content).digest == lock.digest


def changed(content: Any, route: tuple[str, ...], value: object) -> Any:
    copy = json.loads(json.dumps(content))
    here = copy
    for key in route[:-1]:
        here = here[key]
    assert here[route[-1]] != value
    here[route[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("route", "value"),
    [
        (("campaign", "audience"), "true"),
        (("campaign", "reach", "budget"), 10**9),
        (("benefits", "coupon-10", "stock"), 10**9),
        (("policies", "channels", "sms", "per_day"), 10**9),
        (("attributes", "age", "type"), "money"),
        (("models", "bind-card"), "f" * 64),
        (("tree", "campaign"), "f" * 64),
    ],
)
def test_a_lock_that_was_tampered_with_is_refused(route: tuple[str, ...], value: object) -> None:
    with pytest.raises(ConflictError, match=r"lock\.broken"):
        read_lock(changed(lock_of("bind-card").content, route, value))


def test_a_part_taken_out_of_a_lock_or_put_in_is_noticed() -> None:
    content = dict(lock_of("bind-card").content)
    attributes = {k: v for k, v in content["attributes"].items() if k != "age"}
    with pytest.raises(ConflictError, match=r"lock\.broken"):
        read_lock({**content, "attributes": attributes})
    with pytest.raises(ConflictError, match=r"lock\.broken"):
        read_lock({**content, "more": 1})


def test_a_saved_segment_as_an_audience_is_frozen_with_its_version(bank: Path) -> None:
    edit(bank, "audience: has_debit_card and", "audience: segment('young') and")
    catalogue = read_catalogue(bank)
    spec = read_bank_spec(bank, catalogue.open_types)
    definitions = {n: {**body, "uses": sorted(catalogue[n].reads)} for n, body in catalogue.definitions.items()}
    condition = "age < 30 and merchant_owner or customer_no in ('C1')"
    named = {"young": {"version": 3, "digest": "d", "condition": condition}}
    lock = make_lock(spec.campaigns["bind-card"], spec, definitions, {}, segments=named)
    assert read_lock(json.loads(json.dumps(lock.content))) == lock
    assert lock.content["segments"]["young"]["version"] == 3
    assert "segment('young')" in lock.campaign.audience
    assert f"(\n{condition}\n)" in lock.audience
    assert {"age", "merchant_owner"} <= set(lock.audience_names)
    assert "merchant_owner" in lock.content["attributes"]
    with pytest.raises(ConflictError, match=r"lock\.broken"):
        read_lock(changed(lock.content, ("segments", "young", "condition"), "true"))
    edit(bank, "audience: segment('young') and", "audience: segment('young') and agee > 3 and")
    assert "the nearest is age" in refused(bank).message.en


OWN = """format: 1
attributes:
  well_off: {type: bool, zh: 富裕, en: Well off, owner: retail, rule: "aum >= %s"}
"""


def lock_in(bank: Path) -> tuple[Lock, BankSpec]:
    catalogue = read_catalogue(bank)
    spec = read_bank_spec(bank, catalogue.types)
    definitions = {n: {**body, "uses": sorted(catalogue[n].reads)} for n, body in catalogue.definitions.items()}
    return make_lock(spec.campaigns["bind-card"], spec, definitions, {"bind-card": "0" * 64}), spec


def test_an_edited_attribute_changes_nothing_that_was_approved_and_everything_that_is_submitted(bank: Path) -> None:
    (bank / "attributes").mkdir()
    (bank / "attributes" / "own.yaml").write_text(OWN % "50000", encoding="utf-8")
    edit(bank, "audience: has_debit_card and", "audience: well_off and")
    approved, _ = lock_in(bank)
    assert {"well_off", "aum"} <= set(approved.content["attributes"])
    kept = json.dumps(approved.content)

    (bank / "attributes" / "own.yaml").write_text(OWN % "90000", encoding="utf-8")
    running = locked_catalogue({"bind-card": read_lock(json.loads(kept))})
    assert running.definitions["well_off"]["rule"] == "aum >= 50000"
    assert read_catalogue(bank).definitions["well_off"]["rule"] == "aum >= 90000"
    again, _ = lock_in(bank)
    assert again.digest != approved.digest
    assert again.content["tree"]["attributes"]["aum"] == approved.content["tree"]["attributes"]["aum"]


def test_campaigns_approved_with_different_definitions_of_an_attribute_do_not_run_together(bank: Path) -> None:
    (bank / "attributes").mkdir()
    (bank / "attributes" / "own.yaml").write_text(OWN % "50000", encoding="utf-8")
    edit(bank, "audience: has_debit_card and", "audience: well_off and")
    one, _ = lock_in(bank)
    (bank / "attributes" / "own.yaml").write_text(OWN % "90000", encoding="utf-8")
    other, _ = lock_in(bank)
    with pytest.raises(ConflictError, match="different definitions of well_off"):
        locked_catalogue({"one": one, "other": other})


def test_what_nobody_reads_is_not_in_the_lock() -> None:
    spec = bank_spec()
    definitions = {n: {**body, "uses": sorted(CATALOGUE[n].reads)} for n, body in CATALOGUE.definitions.items()}
    lock = make_lock(spec.campaigns["bind-card"], spec, definitions, {})
    assert "has_debit_card" in lock.content["attributes"]
    assert set(lock.content["attributes"]) < set(definitions)
    assert "keep-deposits" not in lock.content["scripts"]


def test_an_edit_after_the_submission_voids_the_approval(store: Store) -> None:
    first, edited = lock_of("bind-card"), lock_of("bind-card", audience="has_debit_card and age between 18 and 30")
    assert first.digest != edited.digest
    with store.begin(maker()) as connection:
        request = submit_approval(connection, "campaign", "bind-card", first.digest)
    consumer, compliance, head, _ = reviewers()
    with store.begin(consumer) as connection:
        review(connection, request, positive=True, opinion="clear")
    with store.begin(compliance) as connection:
        comply(connection, request)
    with store.begin(head) as connection:
        approve(connection, request)
        assert is_approved(connection, "campaign", "bind-card", first.digest)
    with store.begin(maker()) as connection:
        submit_approval(connection, "campaign", "bind-card", edited.digest)
        assert not is_approved(connection, "campaign", "bind-card", first.digest)
        assert not is_approved(connection, "campaign", "bind-card", edited.digest)


ONE_SIDED = {
    "spec.prior_one_sided": ("rm_call: {wins: 15%, loses: 1.5%}", "rm_call: 15%"),
    "spec.prior_missing": ("    wecom: {wins: 5%, loses: 0.5%}\n", ""),
    "spec.prior_unsigned": ("    owner: retail banking\n", None),
}


@pytest.mark.parametrize("code", ONE_SIDED)
def test_a_prior_tells_both_sides_of_every_action_and_whose_word_it_is(code: str, tmp_path: Path) -> None:
    """Nothing stands in for what the owner did not state; the refusal says what to write."""
    old, new = ONE_SIDED[code]
    path = tmp_path / "keep-deposits.yaml"
    text = (BANK / "campaigns" / "keep-deposits.yaml").read_text(encoding="utf-8")
    assert old in text
    if new is None:
        start, end = text.index("  stated:\n"), text.index("audience:")
        text = text[:start] + text[end:]
    else:
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_campaign(path, bank_spec(), TYPES)
    assert caught.value.code == code
    for said in (caught.value.message.zh, caught.value.message.en):
        assert "keep-deposits.yaml" in said
        assert "{" in said
        assert "wins" in said or "stated" in said


def test_a_lock_that_stated_wins_alone_is_read_as_losing_nothing() -> None:
    """Rounds of earlier versions stay readable: their locks are history, not a statement."""
    lock = lock_of("keep-deposits")
    parts = {key: value for key, value in lock.content.items() if key != "tree"}
    campaign = dict(parts["campaign"])
    campaign["model"] = {"kind": "uplift", "learner": "pooled", "base": "fails", "prior": {"rm_call": 150_000}}
    old = {**parts, "campaign": campaign}
    found = read_lock({**old, "tree": _tree(old)})
    assert found.campaign.model.prior["rm_call"].wins == 150_000
    assert found.campaign.model.prior["rm_call"].loses == 0
    assert found.campaign.model.stated is None
    assert found.campaign.model.learner == "segments"
