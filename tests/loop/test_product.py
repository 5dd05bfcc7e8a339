"""Step 3: suitability and eligibility, default deny."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.text import Language
from bankloop.loop import product
from bankloop.loop.product import WhyNot
from bankloop.loop.spec import Product
from tests.loop.people import AS_OF, TYPES, bank_spec, lock_for, state


def wealth(key: str, issuer: str, seller: str | None = None) -> Product:
    return Product.model_validate(
        {"key": key, "title": {"zh": key, "en": key}, "class": "wealth", "contribution": {"fixed": 30},
         "risk": {"issuer": issuer, "seller": seller or issuer}}
    )  # fmt: skip


@pytest.mark.capability("A4")
def test_c2_sees_r1_and_r2_and_r3_says_why_not() -> None:
    spec = bank_spec()
    shelf = {p.key: p for p in (wealth("one", "R1"), wealth("two", "R2"), wealth("three", "R3"))}
    spec = spec.model_copy(update={"products": {**spec.products, **shelf}})
    campaign = spec.campaigns["first-wealth"].model_copy(update={"products": tuple(shelf)})
    offers = product.match(lock_for(campaign, spec), state([{"risk_tolerance": 2}]), TYPES, AS_OF)
    assert [key for key in shelf if offers.open(key)[0]] == ["one", "two"]
    assert offers.reason("three", 0) is WhyNot.RISK_MISMATCH
    ruling = product.rule_suitability(2, 100, 3, 40)
    assert not ruling.open
    assert "风险不匹配" in ruling.sentence.say(Language.ZH)
    assert "risk mismatch" in ruling.sentence.say(Language.EN)


def test_the_higher_rating_counts() -> None:
    assert wealth("some", "R2", "R4").risk.level == 4  # type: ignore[union-attr]
    assert wealth("some", "R5", "R1").risk.level == 5  # type: ignore[union-attr]


@given(
    tolerance=st.none() | st.integers(1, 5),
    days=st.none() | st.sampled_from([-1, 0, 364, 365, 366, 4000]),
    risk=st.integers(1, 5),
    age=st.none() | st.sampled_from([17, 59, 60, 90]),
)
def test_both_planes_rule_alike(tolerance: int | None, days: int | None, risk: int, age: int | None) -> None:
    row = {"risk_tolerance": [tolerance], "days_since_risk_assessment": [days], "age": [age]}
    people = pa.table({name: pa.array(values, pa.int64()) for name, values in row.items()})
    code = product.suitability_codes(people, risk)
    ruling = product.rule_suitability(tolerance, days, risk, age)
    assert tuple(WhyNot)[code[0]] is ruling.reason
    young = risk < 4 or (age is not None and age < 60)
    assert ruling.open == (
        tolerance is not None and days is not None and 0 <= days <= 365 and tolerance >= risk and young
    )


def credit(kind: str = "loan", **more: object) -> Product:
    given = {
        "key": f"a-{kind}",
        "title": {"zh": kind, "en": kind},
        "class": kind,
        "contribution": {"fixed": 30},
        **more,
    }
    return Product.model_validate(given)


@pytest.mark.parametrize(
    ("age", "student", "why"),
    [
        (None, None, WhyNot.AGE_UNKNOWN),
        (None, True, WhyNot.AGE_UNKNOWN),
        (17, None, WhyNot.MINOR),
        (18, None, WhyNot.OPEN),
        (20, True, WhyNot.STUDENT),
        (20, False, WhyNot.OPEN),
    ],
)
@pytest.mark.parametrize("kind", ["loan", "card"])
def test_no_credit_for_minors_students_and_whose_age_nobody_knows(
    kind: str, age: int | None, student: bool | None, why: WhyNot
) -> None:
    # Its own condition leaves out whose age is not known as well: the reason is the age all the same.
    spec, lends = bank_spec(), credit(kind, eligible="age between 18 and 65")
    table = state([{"age": age}])
    if student is not None:
        table = table.append_column(product.STUDENT, pa.array([student]))
    batch = product.match_products([lends], {}, table, TYPES, AS_OF)
    assert batch.reason(lends.key, 0) is why
    ruling = product.rule_credit(age, student)
    assert (ruling.reason, ruling.open) == (why, why is WhyNot.OPEN)
    assert product.SENTENCES[why].say(Language.ZH) != product.SENTENCES[why].say(Language.EN)
    campaign = spec.campaigns["first-wealth"].model_copy(update={"products": (lends.key,)})
    spec = spec.model_copy(update={"products": {**spec.products, lends.key: lends}})
    one = product.Rulings.of(lock_for(campaign, spec)).reasons({**table.to_pylist()[0], "today": AS_OF})
    assert one[lends.key] is why


def test_whose_age_nobody_knows_may_still_hold_what_is_no_credit() -> None:
    pays = credit("payment")
    assert product.match_products([pays], {}, state([{"age": None}]), TYPES, AS_OF).open(pays.key)[0]


def test_who_lacks_an_assessment_is_invited_and_sees_no_investment_product() -> None:
    spec = bank_spec()
    lock = lock_for(spec.campaigns["first-wealth"], spec)
    people = state([{"risk_tolerance": None}, {"days_since_risk_assessment": 366}, {"risk_tolerance": 1}, {}])
    offers = product.match(lock, people, TYPES, AS_OF)
    assert offers.open(product.RISK_ASSESSMENT).tolist() == [True, True, False, False]
    assert offers.open("wealth-fixed-income").tolist() == [False, False, False, True]
    assert offers.reason("wealth-fixed-income", 1) is WhyNot.ASSESSMENT_EXPIRED


def test_an_investment_product_without_ratings_is_refused() -> None:
    with pytest.raises(ValueError, match="needs its risk ratings"):
        Product.model_validate(
            {"key": "some", "title": {"zh": "x", "en": "x"}, "class": "fund", "contribution": {"fixed": 1}}
        )
