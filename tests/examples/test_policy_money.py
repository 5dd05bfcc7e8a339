"""Money in a policy: what an arm costs and an event is worth steers the plan, small money stays readable, mistakes are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pytest
from typer.testing import CliRunner

from bankloop.cli.application import application
from bankloop.kit.errors import SpecError
from bankloop.kit.text import Language
from bankloop.loop.evaluate.policy import PolicyValuation, value_policy

Edit = Callable[..., Path]

_REWARDS = (
    "rewards:                            # the plan is made for the first; the others are read for the same plan\n"
)
NET = (
    _REWARDS,
    "rewards:\n  - {key: net, title: {zh: 净收益, en: net gain}, kind: money, add: [visit],"
    " worth: {visit: 5.00}, after_costs: true}\n",
)
NOTHING = "  nothing: none                     # what uses no budget\n"


def costs(mens: str, womens: str) -> tuple[str, str]:
    return NOTHING, NOTHING + f"  costs: {{mens: {mens}, womens: {womens}}}\n"


def mailed(valuation: PolicyValuation) -> int:
    customers = valuation.chosen["customers"]
    return int(customers["mens"] + customers["womens"])


def test_a_cost_and_a_worth_steer_the_plan_and_its_value(
    mailing_twin: tuple[Path, dict[str, float]], edited: Edit
) -> None:
    """A visit at $5: a mail moves most by 12 points, which is worth $0.60, and some by one point, $0.05."""
    folder = edited("first-mailing", NET, costs("0.30", "0.30 USD"))
    found = value_policy(folder, mailing_twin[0], seed=1)
    net, visits = found.readings[0], found.readings[1]
    mails = mailed(found) / found.test_customers
    assert 0 < mails <= 0.5
    # Net is what the visits are worth less what the mails cost, to the last cent, policy by policy.
    for name, share in (("plan", mails), ("everybody_mens", 1.0), ("nobody", 0.0), ("random_half", 0.5)):
        expected = visits.policies[name].value.value / 1_000 * 500 - share * 30
        assert net.policies[name].value.value == pytest.approx(expected, abs=1e-6)
    assert found.estimators["dm"].value == pytest.approx(net.policies["plan"].value.value, abs=4)
    printed = found.as_dict()
    assert (printed["unit"], printed["per"]) == ("US cents of net gain per customer", 1)
    assert "visit 5 USD, mens 0.3 USD, womens 0.3 USD" in " ".join(note["en"] for note in printed["notes"])
    assert "visit 5 USD、mens 0.3 USD" in " ".join(note["zh"] for note in printed["notes"])


def test_a_dear_arm_is_left_out_and_a_dear_mailing_is_not_sent(
    mailing_twin: tuple[Path, dict[str, float]], edited: Edit, tmp_path: Path
) -> None:
    dear = value_policy(edited("first-mailing", NET, costs("3", "0.045")), mailing_twin[0], seed=1)
    assert dear.chosen["customers"]["mens"] == 0 < dear.chosen["customers"]["womens"]
    assert dear.chosen["best_single"] == "womens"
    (tmp_path / "first-mailing").rename(tmp_path / "dear")
    none = value_policy(edited("first-mailing", NET, costs("3", "3")), mailing_twin[0], seed=1)
    assert mailed(none) == 0
    assert none.primary.policies["nobody"].lead.value == 0


def small_money(folder: Path, lead: float) -> Path:
    """Write a mailing of which the men's mail brings ``lead`` cents a customer more, and nothing else differs."""
    rng = np.random.default_rng(8)
    n = 12_000
    mail = np.resize(["No E-Mail", "Mens E-Mail", "Womens E-Mail"], n)
    buys = rng.random(n) < np.where(mail == "Mens E-Mail", 0.3 + lead, 0.3)
    table = pa.table(
        {
            "recency": rng.integers(1, 13, n), "history": np.round(np.exp(rng.normal(5, 1, n)), 2),
            "mens": rng.integers(0, 2, n), "womens": rng.integers(0, 2, n), "newbie": rng.integers(0, 2, n),
            "channel": rng.choice(["Web", "Phone"], n), "segment": mail, "visit": buys.astype(int),
            "spend": buys * 0.01,
        }
    )  # fmt: skip
    with pa.CompressedOutputStream(str(folder / "hillstrom.csv.gz"), "gzip") as out:
        pcsv.write_csv(table, out)
    return folder


def test_money_that_vanishes_a_head_is_said_per_thousand_on_every_door(
    edited: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of a cent a customer: +$0.00 says nothing, +$1.00 per 1,000 customers does."""
    folder, data = edited("first-mailing"), small_money(tmp_path, 0.1)
    found = value_policy(folder, data, seed=1)
    spend = found.readings[1]
    lead = spend.policies["nobody"].lead
    assert lead.low > 0
    assert spend.per == 1_000
    assert spend.unit.en == "US cents of spend per 1,000 customers"
    assert spend.unit.zh == "每千名客户的消费（美分）"
    # Spend is a cent a visit, so per 1,000 customers the cents are the visits.
    visits = found.readings[0].policies
    for name, one in spend.policies.items():
        assert one.value.value == pytest.approx(visits[name].value.value, abs=1e-9)
        assert one.total.value == pytest.approx(one.value.value / 1_000 * found.test_customers)
    words = ["evaluate", str(folder), "--data", str(data), "--seed", "1"]
    printed = json.loads(CliRunner().invoke(application, [*words, "--json"]).stdout.splitlines()[-1])["also"][0]
    assert printed["per"] == 1_000
    assert printed["plan_minus"]["nobody"]["low"] == round(lead.low) > 0
    for language, unit, signed in (("en", "per 1,000 customers", "+$0."), ("zh", "每千名客户", "+$0.")):
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("BANKLOOP_LANG", language)
        said = CliRunner().invoke(application, words).stdout
        assert unit in said
        assert signed in said
    rows = found.table(Language.EN)[1]
    spent = {row[0]: row for row in rows[len(rows) // 2 :]}
    assert not spent["nobody"][4].startswith("+$0 ")


def test_money_that_a_head_shows_stays_a_heads(mailing_twin: tuple[Path, dict[str, float]], examples: Path) -> None:
    assert value_policy(examples / "first-mailing", mailing_twin[0], seed=1).readings[1].per == 1


def test_a_cost_is_no_success(edited: Edit, tmp_path: Path) -> None:
    """Where nobody came every mail still costs: that is no outcome to read."""
    table = pa.table(
        {
            "recency": [1, 2] * 900, "history": [10.0] * 1_800, "mens": [0, 1] * 900, "womens": [1, 0] * 900,
            "newbie": [0] * 1_800, "channel": ["Web", "Phone"] * 900,
            "segment": ["No E-Mail", "Mens E-Mail", "Womens E-Mail"] * 600, "visit": [0] * 1_800, "spend": [0.0] * 1_800,
        }
    )  # fmt: skip
    with pa.CompressedOutputStream(str(tmp_path / "hillstrom.csv.gz"), "gzip") as out:
        pcsv.write_csv(table, out)
    found = value_policy(edited("first-mailing", NET, costs("0.30", "0.30")), tmp_path).as_dict()
    assert all(one["unread"]["en"] == "nobody reached the goal: check the feed" for one in found["policies"].values())
    assert found["policies"]["everybody_mens"]["value"] == -30


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "said_en", "said_zh"),
    [
        ("mens: 0.30", "mens: -0.30", "spec.value", "policy.yaml:13", "must be 0 or more", "应为 0 或更多"),
        ("mens: 0.30", "mens: cheap", "spec.value", "policy.yaml:13", "write 0.045", "应写成 0.045"),
        ("mens: 0.30, ", "", "spec.value", "policy.yaml:", "mens has none; write it, 0", "缺 mens 的成本"),
        ("womens: 0.30", "womens: 0.30, men: 1", "policy.unknown_name", "policy.yaml:13", "'men'; the nearest", "没有“men”"),
        ("mens: 0.30", "mens: 0.30 CNY", "policy.currency", "policy.yaml:13", "in USD", "应为 USD"),
        (", worth: {visit: 5.00}", "", "policy.no_worth", "policy.yaml:6", "under worth what one brings, as visit: 0.50", "visit: 0.50"),
        ("worth: {visit: 5.00}", "worth: {visit: }", "spec.value", "policy.yaml:6", "write 0.045", "应写成 0.045"),
        ("worth: {visit: 5.00}", "worth: {visit: -5}", "spec.value", "policy.yaml:6", "subtract", "subtract"),
        ("{visit: 5.00}", "{visit: 5, spend: 1}", "policy.unknown_name", "policy.yaml:6", "'spend'", "没有“spend”"),
        (", after_costs: true", "", "spec.value", "policy.yaml", "after_costs: true under rewards", "一起写"),
        ("kind: money, add: [visit]", "kind: count, add: [visit]", "spec.value", "policy.yaml:6", "kind: money", "kind: money"),
    ],
)  # fmt: skip
def test_a_mistake_about_money_is_named(
    old: str, new: str, code: str, place: str, said_en: str, said_zh: str, tmp_path: Path, edited: Edit
) -> None:
    with pytest.raises(SpecError) as caught:
        value_policy(edited("first-mailing", NET, costs("0.30", "0.30"), (old, new)), tmp_path)
    assert caught.value.code == code
    assert place in caught.value.message.en
    assert said_en in caught.value.message.en
    assert said_zh in caught.value.message.zh
