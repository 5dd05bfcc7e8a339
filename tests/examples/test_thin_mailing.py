"""Logged experiments that tell nothing: hardly anybody drawn into an arm, a handful of customers, nobody who came."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bankloop.cli.application import application
from bankloop.kit.text import Language
from bankloop.loop.evaluate.policy import PolicyValuation, valuation_rows, value_policy

_HEAD = "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend"
_NONE, _MENS, _WOMENS = "No E-Mail", "Mens E-Mail", "Womens E-Mail"


def mailing(place: Path, segments: list[str], visit: float, seed: int = 1) -> Path:
    """Write a mailing's file: who got which mail, and who came of their own accord."""
    rng = np.random.default_rng(seed)
    rows = [_HEAD]
    for number, segment in enumerate(segments):
        mens, came = int(rng.integers(0, 2)), int(rng.random() < visit)
        channel = ("Web", "Phone", "Multichannel")[number % 3]
        rows.append(f"{1 + number % 12},1) $0 - $100,{50 + number % 400},{mens},{1 - mens},Urban,{number % 2},{channel},{segment},{came},0,{came * 20}")  # fmt: skip
    with gzip.open(place / "hillstrom.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    return place


def without_interval(valuation: PolicyValuation, name: str) -> bool:
    one = valuation.as_dict()["policies"][name]
    return one["low"] is None and one["high"] is None


def test_arms_of_two_rows_are_named_and_get_no_interval(examples: Path, tmp_path: Path) -> None:
    data = mailing(tmp_path, [_NONE] * 1_490 + [_MENS] * 5 + [_WOMENS] * 5, 0.15)
    found = value_policy(examples / "first-mailing", data, seed=2)
    for name in ("random_half", "everybody_mens", "everybody_womens"):
        assert without_interval(found, name)
        assert found.primary.policies[name].unread is not None
        assert found.as_dict()["plan_minus"][name]["low"] is None
    assert not without_interval(found, "nobody")
    rows = {row[0]: row for row in valuation_rows(found.primary, Language.EN)}
    assert "effective rows, and 30 are needed" in rows["a random half, a random mail"][2]
    chinese = {row[0]: row for row in valuation_rows(found.primary, Language.ZH)}
    assert "读不出：有效样本只有" in chinese["随机半数、随机一封"][2]


def test_twelve_customers_are_no_experiment(examples: Path, tmp_path: Path) -> None:
    data = mailing(tmp_path, [_NONE, _MENS, _WOMENS] * 4, 0.5, seed=4)
    found = value_policy(examples / "first-mailing", data)
    assert all(without_interval(found, name) for name in found.primary.policies)
    assert all(one["low"] is None for one in found.as_dict()["estimators"].values())


def test_nobody_who_came_is_a_question_to_the_feed(examples: Path, tmp_path: Path) -> None:
    data = mailing(tmp_path, [_NONE, _MENS, _WOMENS] * 500, 0.0)
    words = ["evaluate", str(examples / "first-mailing"), "--data", str(data)]
    done = CliRunner().invoke(application, [*words, "--json"])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout.splitlines()[-1])
    for one in printed["policies"].values():
        assert (one["low"], one["high"]) == (None, None)
        assert one["unread"]["en"] == "nobody reached the goal: check the feed"
        assert "先查数据" in one["unread"]["zh"]


@pytest.mark.parametrize("visit", [0.1, 0.4])
def test_a_real_experiment_keeps_its_intervals_and_the_same_choice_leads_by_nothing(
    examples: Path, tmp_path: Path, visit: float
) -> None:
    found = value_policy(examples / "first-mailing", mailing(tmp_path, [_NONE, _MENS, _WOMENS] * 600, visit))
    assert not any(without_interval(found, name) for name in ("logged", "nobody", "everybody_mens"))
