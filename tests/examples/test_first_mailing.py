"""The first mailing: on the public file with its published facts, and on a generated one with a known truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bankloop.kit.errors import DataError, NotFoundError
from bankloop.kit.located import read_located
from bankloop.kit.text import Language
from bankloop.loop.evaluate.policy import LoggedBank, valuation_rows, value_policy
from bankloop.loop.evaluate.policy.logged import read_experiment

POLICIES = ["plan", "logged", "best_single", "nobody", "random_half", "everybody_mens", "everybody_womens"]
Edit = Callable[..., Path]


def test_the_public_file_is_the_published_one(shared_data: Path, examples: Path) -> None:
    bank = LoggedBank.model_validate(read_located(examples / "first-mailing" / "bank.yaml").content)
    found = read_experiment(shared_data, bank.logged)
    assert found.rows == 64_000
    arms = {name: found.texts["mail"] == name for name in ("Mens E-Mail", "No E-Mail", "Womens E-Mail")}
    assert [int(rows.sum()) for rows in arms.values()] == [21_307, 21_306, 21_387]
    visits = [found.numbers["visit"][rows].mean() for rows in arms.values()]
    assert visits == pytest.approx([0.1828, 0.1062, 0.1514], abs=5e-5)
    cents = [found.numbers["spend"][rows].mean() for rows in arms.values()]
    assert cents == pytest.approx([142.26, 65.28, 107.72], abs=0.01)


def test_the_plan_beats_nobody_and_a_random_half_in_visits(shared_data: Path, examples: Path) -> None:
    valuation = value_policy(examples / "first-mailing", shared_data, seed=0)
    printed = valuation.as_dict()
    assert (printed["customers"], printed["test_customers"]) == (64_000, 32_001)
    assert printed["unit"] == "visits per 1,000 customers"
    assert list(printed["policies"]) == POLICIES
    assert printed["chosen"]["used"] <= printed["chosen"]["limit"] == 16_000
    assert printed["chosen"]["best_single"] == "mens"
    plan = printed["policies"]["plan"]
    assert plan["low"] < plan["value"] < plan["high"]
    assert 140 < plan["value"] < 155
    assert 10_000 < plan["ess"] < 11_500
    assert printed["plan_minus"]["nobody"]["low"] > 25
    assert printed["plan_minus"]["random_half"]["low"] > 0
    # One split of this file does not tell the plan from the best single mail: the interval says so.
    single = printed["plan_minus"]["best_single"]
    assert single["low"] < 0 < single["high"]
    spend = printed["also"][0]
    assert spend["unit"] == "US cents of spend per customer"
    assert all(
        isinstance(number, int)
        for number in spend["policies"]["plan"].values()
        if number != spend["policies"]["plan"]["ess"]
    )
    assert spend["plan_minus"]["nobody"]["low"] > 0


def test_estimators_agree_with_the_arms_as_they_were(shared_data: Path, examples: Path) -> None:
    """The value of one mail to everybody is the mean of that arm, which a reader can compute by hand."""
    valuation = value_policy(examples / "first-mailing", shared_data, seed=3)
    policies = valuation.primary.policies
    assert policies["everybody_mens"].value.value == pytest.approx(182.8, abs=8)
    assert policies["nobody"].value.value == pytest.approx(106.2, abs=6)
    plan = policies["plan"].value
    assert all(abs(other.value - plan.value) < 5 for other in valuation.estimators.values())


def test_generated_truth_lies_in_the_intervals(mailing_twin: tuple[Path, dict[str, float]], examples: Path) -> None:
    data, truth = mailing_twin
    policies = value_policy(examples / "first-mailing", data, seed=1).primary.policies
    for name in ("nobody", "everybody_mens", "everybody_womens"):
        assert policies[name].value.low < truth[name] < policies[name].value.high
    plan = policies["plan"].value
    assert plan.low < truth["best_half"] < plan.high
    assert policies["best_single"].lead.low > 0
    assert policies["random_half"].lead.low > 0


def test_same_seed_same_answer_another_seed_another_split(
    mailing_twin: tuple[Path, dict[str, float]], examples: Path
) -> None:
    first, again, other = (
        value_policy(examples / "first-mailing", mailing_twin[0], seed).as_dict() for seed in (1, 1, 2)
    )
    assert first == again
    assert first["policies"] != other["policies"]
    assert first["test_customers"] == other["test_customers"]


def test_the_table_reads_in_both_languages(mailing_twin: tuple[Path, dict[str, float]], examples: Path) -> None:
    valuation = value_policy(examples / "first-mailing" / "policy.yaml", mailing_twin[0])
    for reading in valuation.readings:
        for language in Language:
            rows = valuation_rows(reading, language)
            assert len(rows) == 1 + len(POLICIES)
            assert {len(row) for row in rows} == {6}
    assert valuation_rows(valuation.readings[1], Language.EN)[1][1].startswith("$")
    columns, rows = valuation.table(Language.ZH)
    assert len(rows) == 2 * (1 + len(POLICIES))
    assert {len(row) for row in rows} == {len(columns)}
    assert "每千名客户的访问" in rows[0][0]


def test_a_missing_file_says_where_to_get_it(tmp_path: Path, examples: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        value_policy(examples / "first-mailing", tmp_path / "nowhere")
    assert caught.value.code == "policy.no_data"
    assert "minethatdata.com" in caught.value.message.en
    assert "minethatdata.com" in caught.value.message.zh


def test_a_truncated_and_an_empty_file_are_refused(
    tmp_path: Path, mailing_twin: tuple[Path, dict[str, float]], examples: Path
) -> None:
    whole = (mailing_twin[0] / "hillstrom.csv.gz").read_bytes()
    for body in (whole[: len(whole) // 2], b""):
        (tmp_path / "hillstrom.csv.gz").write_bytes(body)
        with pytest.raises(DataError) as caught:
            value_policy(examples / "first-mailing", tmp_path)
        assert caught.value.code == "policy.unreadable"


def test_a_wrong_field_is_named_with_row_and_column(tmp_path: Path, edited: Edit) -> None:
    header = "recency,history,mens,womens,newbie,channel,segment,visit,spend\n"
    good = "1,10.0,1,0,0,Web,Mens E-Mail,0,0\n"
    folder = edited("first-mailing", ("hillstrom.csv.gz", "mail.csv"))
    for bad, place in (
        ("1,10.0,1,0,0,Web,Mens E-Mail,often,0\n", "row 2: 'often' in visit is not a number"),
        ("1,10.0,1,0,0,Web,Kids E-Mail,0,0\n", "row 2: 'Kids E-Mail' in segment is not one of No E-Mail"),
        ("1,10.0,1,0,0,Web,Mens E-Mail,,0\n", "in visit is not a number"),
        ("1,10.0,1,0,0,Web,Mens E-Mail,0,1e300\n", "row 2: '1e+300' in spend is not an amount within"),
        ("1,10.0,1,0,0,Web,Mens E-Mail,0,inf\n", "row 2: 'inf' in spend"),
    ):
        (tmp_path / "mail.csv").write_text(header + good + bad + good, "utf-8")
        with pytest.raises(DataError) as caught:
            value_policy(folder, tmp_path)
        assert place in str(caught.value)


def test_a_split_leaves_every_arm_on_both_sides(mailing_twin: tuple[Path, dict[str, float]], examples: Path) -> None:
    weights = value_policy(examples / "first-mailing", mailing_twin[0], seed=4).as_dict()["max_weight"]
    assert np.allclose([weights["nobody"], weights["everybody_mens"]], 3.0, atol=0.02)
