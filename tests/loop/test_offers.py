"""Next best offers behind suitability, the top of a list with reasons, and what a reason is."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.customer.consent import Content, record_word
from bankloop.kit.errors import ConflictError
from bankloop.kit.text import Language
from bankloop.loop import model
from bankloop.loop.bank import Bank
from bankloop.loop.offering import offers
from bankloop.loop.offering.offers import next_offers, offers_for, top_of
from bankloop.loop.offering.slots import generic_list, slot_for
from bankloop.loop.spec import Availability, Product
from bankloop.organization.people import load_people
from bankloop.organization.principals import system
from bankloop.report.models import offers_table, slot_table
from tests.loop.people import AS_OF, TYPES, bank_spec, state
from tests.loop.test_product import wealth

WEALTH = "wealth-fixed-income"


def shelf() -> tuple[Product, ...]:
    return tuple(bank_spec().products.values())


SHELF = (*shelf(), wealth("high", "R5"))


def of(bank: Bank, **special: object) -> offers.NextOffers:
    person = state([special])
    return offers_for(bank, person, SHELF, {}, AS_OF)


@pytest.mark.capability("A17")
def test_without_an_assessment_only_deposits_and_an_invitation_that_names_no_product(bank: Bank) -> None:
    for special in ({"risk_tolerance": None}, {"days_since_risk_assessment": 366}):
        found = of(bank, term_maturing_60d=9_000_000, **special)
        assert [one.product.product_class for one in found.offers] == ["deposit"]
        assert found.invited
        assert {one.product.key for one in found.locked} >= {WEALTH, "high"}
        assert all(one.reason.zh for one in found.locked)
    table = offers_table(found)
    invitation = next(row for row in table.rows if row[0].text.en.startswith("Invitation"))
    titles = {one.title.zh for one in shelf() if one.key != "risk-assessment"}
    assert not any(title in cell.text.zh for cell in invitation for title in titles)


@pytest.mark.capability("A17")
def test_three_offers_with_their_reasons_and_what_is_locked(bank: Bank) -> None:
    found = of(bank, term_maturing_60d=9_000_000, risk_tolerance=3)
    assert len(found.offers) == 3
    assert all(one.why for one in found.offers)
    assert [one.expected for one in found.offers] == sorted((one.expected for one in found.offers), reverse=True)
    assert not found.invited
    assert [one.product.key for one in found.locked] == ["high"]
    assert "C3 < R5" in found.locked[0].reason.zh


@settings(max_examples=30, deadline=None)
@given(tolerance=st.none() | st.integers(1, 5), days=st.none() | st.integers(0, 800))
def test_an_investment_is_never_offered_without_suitability(tolerance: int | None, days: int | None) -> None:
    person = state([{"risk_tolerance": tolerance, "days_since_risk_assessment": days}])
    found = offers_for(BANKLESS, person, SHELF, {}, AS_OF)
    valid = tolerance is not None and days is not None and days <= 365
    for one in found.offers:
        if one.product.is_investment:
            assert valid
            assert one.product.risk is not None
            assert tolerance is not None
            assert tolerance >= one.product.risk.level


# What offers need of a bank where there are no models.
BANKLESS: Any = SimpleNamespace(spec=bank_spec(), catalogue=SimpleNamespace(types=TYPES))


def test_a_campaign_without_a_champion_has_no_list(bank: Bank) -> None:
    with pytest.raises(ConflictError, match="never submitted"):
        top_of(bank, system(), "keep-deposits")


def test_the_offers_of_a_real_customer_use_the_champions(bank: Bank) -> None:
    number = numbered(bank, ("marketing", True))
    people = bank.state(bank.lake.today() - timedelta(days=1)).table
    found = next_offers(bank, system(), number)
    assert 1 <= len(found.offers) <= 3
    assert found == next_offers(bank, system(), found.customer_no)
    nobody = offers_for(bank, people.slice(0, 0), shelf(), {}, AS_OF)
    assert nobody.offers == ()


def numbered(bank: Bank, *words: tuple[str, bool]) -> str:
    """A customer with a valid assessment, who has said just this."""
    load_people(bank.store, bank.lake)
    people = bank.state(bank.lake.today() - timedelta(days=1)).table
    rows = people.select(["customer_no", "risk_tolerance", "days_since_risk_assessment"]).to_pylist()
    number = next(
        str(one["customer_no"])
        for one in rows
        if (one["risk_tolerance"] or 0) >= 3 and (one["days_since_risk_assessment"] or 999) < 300
    )
    evidence = {"form": "M-2026-03", "proof": "call-1"}
    with bank.store.begin(system()) as connection:
        for purpose, stands in words:
            record_word(connection, number, purpose, stands, origin="call", evidence=evidence)
    return number


@pytest.mark.parametrize("word", [("no_marketing", True), ("marketing", False)])
def test_who_allows_no_marketing_is_offered_nothing_and_it_says_why(bank: Bank, word: tuple[str, bool]) -> None:
    found = next_offers(bank, system(), numbered(bank, word))
    assert (found.offers, found.locked, found.invited) == ((), (), False)
    assert found.refused is not None
    assert found.refused.en in [cell.text.en for cell in offers_table(found).rows[0]]


def test_who_declined_personalisation_gets_the_catalogues_order_without_models(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = numbered(bank, ("marketing", True), ("no_personalisation", True))
    monkeypatch.setattr(offers, "_champions", lambda _: pytest.fail("a model was asked"))
    found = next_offers(bank, system(), number)
    keys = list(bank.spec.products)
    shown = [keys.index(one.product.key) for one in found.offers]
    assert shown
    assert shown == sorted(shown)
    assert not any(one.why or one.expected for one in found.offers)
    assert not found.personal
    assert offers_table(found).note is not None


@pytest.mark.capability("C24")
def test_who_opted_out_sees_the_list_that_all_see_and_another_their_own(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = numbered(bank, ("marketing", True))
    chosen = slot_for(bank, system(), own)
    best = [one.product.key for one in next_offers(bank, system(), own).offers]
    assert chosen.content is Content.PERSONAL
    assert [one.key for one in chosen.shown][: len(best)] == best
    assert chosen.shown != chosen.generic
    # Customers as different as a bank has them, none of whom wants to be told apart.
    people = bank.state(bank.lake.today() - timedelta(days=1)).table.sort_by("aum")
    others = [people["customer_no"][at].as_py() for at in (0, 1_500, 2_999)] + [own]
    evidence = {"form": "M-2026-03", "proof": "call-2"}
    with bank.store.begin(system()) as connection:
        for number in others:
            for purpose in ("marketing", "no_personalisation"):
                record_word(connection, number, purpose, True, origin="call", evidence=evidence)
        record_word(connection, others[1], "marketing", False, origin="call")
    monkeypatch.setattr(offers, "_champions", lambda _: pytest.fail("a model was asked"))
    slots = [slot_for(bank, system(), number) for number in others]
    assert {one.content for one in slots} == {Content.GENERIC}
    assert {one.shown for one in slots} == {generic_list(bank)}
    assert all(one.chosen == () and one.shown for one in slots)
    assert not any(one.is_investment for one in generic_list(bank))
    shown = slot_table(slots[0]).said(Language.EN)
    assert [row[1:] for row in shown] == [["—", one.title.text.en] for one in generic_list(bank)]
    with bank.store.begin(system()) as connection:
        record_word(connection, own, "no_marketing", True, origin="call")
    nothing = slot_for(bank, system(), own)
    assert (nothing.content, nothing.shown) == (Content.NONE, ())


def test_a_model_is_loaded_once_and_only_for_a_product_that_is_open(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = numbered(bank, ("marketing", True))
    offers._artefact.cache_clear()
    real, loaded = model.load_model, []
    monkeypatch.setattr(model, "load_model", lambda path, digest: loaded.append(digest) or real(path, digest))
    closed = dict.fromkeys((one.key for one in SHELF), lambda: pytest.fail("a closed product's model was loaded"))
    away = [one.narrowed(Availability(on=False), None) for one in SHELF]
    assert offers_for(bank, state([{}]), away, closed, AS_OF).offers == ()
    for _ in range(2):
        next_offers(bank, system(), number)
        for load in offers._champions(bank).values():
            load()
    assert loaded
    assert len(loaded) == len(set(loaded))


def test_a_reason_is_what_the_score_loses_without_it() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4_000, 3))
    x[:50, 2] = np.nan
    y = (rng.random(4_000) < 1 / (1 + np.exp(2.0 - 2.0 * x[:, 0]))).astype(float)
    base, _ = model.train_propensity(model.Labelled(x, y, ("a", "b", "c"), (AS_OF, AS_OF)), 1)
    rows = np.array([[3.0, 0.0, np.nan], [-3.0, 0.0, 0.0]])
    high, low = model.parts_of(base, rows, np.zeros(3))
    assert (high[0].feature, high[0].above) == ("a", True)
    assert high[0].change > 0.2
    assert (low[0].feature, low[0].above) == ("a", False)
    assert low[0].change < 0
    assert all(part.feature != "c" for part in high)
    assert model.parts_of(base, np.zeros((0, 3)), np.zeros(3)) == []
    assert isinstance(state([{}]), pa.Table)
