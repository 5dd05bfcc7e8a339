"""The loan mailing: one rate per risk band, never per person, under the lender's own mean, in rand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bankloop.kit.errors import DataError, NotFoundError, SpecError
from bankloop.kit.located import read_located
from bankloop.loop.evaluate.off_policy import UnsupportedPolicy
from bankloop.loop.evaluate.policy import LoggedBank, value_policy
from bankloop.loop.evaluate.policy.logged import read_experiment

Edit = Callable[..., Path]
FILE = "kz_demandelasts_aer08.parquet"
BEYOND = (
    "compare:\n",
    "compare:\n  dear: {title: {zh: 贵, en: dear}, rates: {low: 11.75, medium: 7.5, high: 8.0}}\n",
)


def test_the_public_file_is_the_published_one(shared_data: Path, examples: Path) -> None:
    bank = LoggedBank.model_validate(read_located(examples / "loan-mailing" / "bank.yaml").content)
    found = read_experiment(shared_data, bank.logged)
    assert found.rows == 53_810
    assert found.numbers["taken"].mean() == pytest.approx(0.0722, abs=5e-5)
    assert found.numbers["rate"].mean() == pytest.approx(8.03, abs=5e-3)
    later = found.texts["wave"] != "1"
    tops = {
        band: found.numbers["rate"][later & (found.texts["band"] == band)].max() for band in ("LOW", "MEDIUM", "HIGH")
    }
    assert tops == {"LOW": 7.75, "MEDIUM": 9.75, "HIGH": 11.75}
    assert found.numbers["rate"].min() == 3.25
    # Profit as it is defined: 0 for who did not borrow.
    assert found.numbers["interest"][found.numbers["taken"] == 0].max() == 0
    assert found.numbers["arrears"][found.numbers["taken"] == 0].max() == 0


def test_one_level_per_band_under_the_lenders_mean_on_real_offers(shared_data: Path, examples: Path) -> None:
    printed = value_policy(examples / "loan-mailing", shared_data, seed=0).as_dict()
    assert (printed["customers"], printed["test_customers"]) == (53_810, 29_253)
    assert printed["unit"] == "rand cents of profit per customer"
    chosen = printed["chosen"]
    assert list(chosen["groups"]) == ["low", "medium", "high"]
    assert all(1 <= group["level"] <= 5 for group in chosen["groups"].values())
    assert chosen["mean_rate"] <= chosen["mean_rate_limit"] == pytest.approx(8.0782, abs=1e-4)
    logged = printed["policies"]["logged"]
    assert logged["value"] == pytest.approx(2_508, abs=2)
    assert logged["ess"] == 29_253
    assert {type(printed["policies"]["plan"][key]) for key in ("value", "low", "high")} == {int}
    assert printed["plan_minus"]["logged"]["low"] > 0
    text = " ".join(note["en"] for note in printed["notes"])
    for said in ("grossinterest − pstdue_average", "cost of funds", "write-offs", "low 3.25–7.75", "at most"):
        assert said in text


def test_a_rate_that_was_never_tried_is_refused_on_real_offers(shared_data: Path, edited: Edit) -> None:
    with pytest.raises(UnsupportedPolicy) as caught:
        value_policy(edited("loan-mailing", BEYOND), shared_data)
    assert "gives 11.75 to low, where 11.75 was never tried; low saw 3.25–7.75 where wave is 3" in str(caught.value)


def test_the_generated_plan_is_what_was_built_in(loan_twin: Path, examples: Path) -> None:
    valuation = value_policy(examples / "loan-mailing", loan_twin, seed=0)
    chosen = valuation.chosen
    assert chosen["groups"]["low"]["level"] == 5
    assert chosen["groups"]["medium"]["level"] == 5
    assert chosen["groups"]["high"]["level"] <= 3
    assert chosen["mean_rate"] <= chosen["mean_rate_limit"]
    assert valuation.primary.policies["logged"].lead.value > 0


def test_protected_facts_change_nothing(loan_twin: Path, tmp_path: Path, examples: Path) -> None:
    """Age, sex, marriage and province drawn anew, or gone from the file: the same plan and the same value."""
    table = pq.read_table(loan_twin / FILE)
    rng = np.random.default_rng(77)
    answers = [value_policy(examples / "loan-mailing", loan_twin).as_dict()]
    drawn = table
    for name in ("age", "female", "married", "province"):
        column = table[name].take(pa.array(rng.permutation(table.num_rows)))
        drawn = drawn.set_column(drawn.schema.get_field_index(name), name, column)
    for other in (drawn, table.drop_columns(["age", "female", "married", "province"])):
        pq.write_table(other, tmp_path / FILE)
        answers.append(value_policy(examples / "loan-mailing", tmp_path).as_dict())
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("column", ["age", "female", "married", "province"])
def test_a_protected_column_is_refused_under_any_name(column: str, loan_twin: Path, edited: Edit) -> None:
    kind = "category" if column == "province" else "number"
    folder = edited(
        "loan-mailing",
        ("    dormancy:", f"    harmless: {{from: {column}, type: {kind}}}\n    dormancy:"),
        ("features: [", "features: [harmless, "),
        ("protected: [age, lnage, female, married, province, rural, dependants, edhi]", "protected: []"),
    )
    with pytest.raises(SpecError) as caught:
        value_policy(folder, loan_twin)
    assert caught.value.code == "policy.protected"
    assert column in str(caught.value)
    assert "policy.yaml:" in str(caught.value)


def test_a_protected_column_cannot_be_the_group_of_a_price(loan_twin: Path, edited: Edit) -> None:
    folder = edited(
        "loan-mailing",
        ("    dormancy:", "    home: {from: province, type: category}\n    dormancy:"),
        ("group: band", "group: home"),
        ("strata: [band, wave]", "strata: [home, wave]"),
    )
    with pytest.raises(SpecError, match=r"policy\.protected"):
        value_policy(folder, loan_twin)


def test_a_rate_that_was_never_tried_is_refused(loan_twin: Path, edited: Edit) -> None:
    with pytest.raises(UnsupportedPolicy) as caught:
        value_policy(edited("loan-mailing", BEYOND), loan_twin)
    assert caught.value.code == "policy.unsupported"
    assert "low saw 3.25–7.75" in str(caught.value)
    assert "low" in caught.value.message.zh


def test_a_level_with_no_offers_is_never_chosen_and_refused_when_asked_for(
    loan_twin: Path, tmp_path: Path, examples: Path, edited: Edit
) -> None:
    table = pq.read_table(loan_twin / FILE)
    gap = (table["risk"].to_numpy() == "LOW") & (table["offer4"].to_numpy() > 5.0) & (table["offer4"].to_numpy() < 6.0)
    pq.write_table(table.filter(pa.array(~gap)), tmp_path / FILE)
    assert value_policy(examples / "loan-mailing", tmp_path).chosen["best_single"] != "level 3"
    with pytest.raises(UnsupportedPolicy) as caught:
        value_policy(edited("loan-mailing", ("level: 5}", "level: 3}")), tmp_path)
    assert "level 3 to band LOW, wave 3" in str(caught.value)


def test_rates_inside_what_was_tried_are_valued_at_their_level(loan_twin: Path, edited: Edit) -> None:
    inside = (BEYOND[0], BEYOND[1].replace("11.75", "7.5").replace("medium: 7.5", "medium: 9.5").replace("8.0", "11"))
    policies = value_policy(edited("loan-mailing", inside), loan_twin).primary.policies
    assert policies["dear"].value == policies["highest"].value


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("levels: 5", "levels: 9", "spec.value", "policy.yaml:13"),
        ("rate:\n  column: rate", "rate:\n  column: rat", "policy.unknown_name", "the nearest is rate"),
        ("learn: [1, 2], test: [3]", "learn: [1, 3], test: [3]", "spec.value", "learn and test share a value"),
        ("learn: [1, 2], test: [3]", "learn: [1, 2], test: [4]", "policy.no_rows", "the part to test on"),
        ("strata: [band, wave]", "strata: [wave]", "spec.value", "needs band among strata"),
        ("features:", "feature:", "spec.unknown_field", "the nearest is features"),
        ("from: offer4", "from: offer5", "policy.missing_column", "no column offer5"),
        ("type: money, missing: 0", "type: money", "policy.value", "arrears"),
        ("level: 5}", "level: 6}", "policy.unknown_name", "level 6"),
        ("under: {mean: at most logged}", "under: {share: 50%}", "spec.value", "under"),
        ("groups: {low: LOW, ", "groups: {low: LO, ", "policy.value", "'LOW' in risk"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, code: str, said: str, loan_twin: Path, edited: Edit) -> None:
    with pytest.raises((SpecError, DataError)) as caught:
        value_policy(edited("loan-mailing", (old, new)), loan_twin)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_a_missing_file_says_where_to_get_it(tmp_path: Path, examples: Path) -> None:
    with pytest.raises(NotFoundError, match="openICPSR 113240"):
        value_policy(examples / "loan-mailing", tmp_path)
