"""What stands beside a plan: ways that never beat it by more than its gap, who is next, who lost, levers, exports."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bankloop.kit.errors import InputError
from bankloop.loop import reach
from bankloop.loop.reach import NONE
from bankloop.organization.principals import system
from bankloop.report.comparing import fair_table, lost_table, truth_picture, ways_picture
from bankloop.report.exporting import PARTS, csv_of, exported, harmless, xlsx_of
from bankloop.report.keeping import load_window_view
from bankloop.report.simulated_truth import truth_of
from bankloop.report.what_if import levers, what_if_by_fiat
from bankloop.store.history import read_decisions
from tests.bankfixture import ROUND, SmallBank
from tests.loop.reach.test_quotas import CANDIDATES, plan_with


def test_no_simple_way_is_worth_more_than_the_bound_and_none_breaks_a_limit(small: SmallBank) -> None:
    plan = small.window.plan
    kept = load_window_view(small.open.folder, plan.plan_id).beside
    assert {one.way for one in kept.ways} == {"best_product", "propensity_first", "balance_first", "random"}
    for one in kept.ways:
        assert one.value <= plan.solution.bound * (1 + 1e-9)
        assert one.value <= plan.value * (1 + 1e-9)


def test_the_oracle_is_the_best_by_the_truth_and_only_a_simulated_bank_has_one(
    small: SmallBank, tmp_path: Path
) -> None:
    kept = load_window_view(small.open.folder, small.window.plan.plan_id)
    lines = {one.way: one for one in kept.beside.truth}
    assert set(lines) == {"oracle", "plan", *(one.way for one in kept.beside.ways)}
    truth = truth_of(small.window, small.open.folder)
    assert truth is not None
    assert lines["plan"].value == pytest.approx(truth[small.window.plan.solution.pairs].sum())
    for one in lines.values():
        assert one.value <= lines["oracle"].value * (1 + 1e-3)
    assert lines["oracle"].value > lines["random"].value
    picture = truth_picture(kept)
    assert picture is not None
    assert "A real bank has no such card" in picture.alt.en
    assert truth_of(small.window, tmp_path) is None
    assert truth_picture(replace(kept, beside=replace(kept.beside, truth=()))) is None


def test_ways_are_the_same_again_and_stay_within_limits() -> None:
    plan = plan_with(quotas=[{"key": "few", "at_most": 120}])
    balance = np.arange(len(CANDIDATES.rows), dtype=float)
    first = reach.compare_ways(plan, balance, 3)
    assert first == reach.compare_ways(plan, balance, 3)
    assert all(one.customers <= 120 for one in first)
    assert len(reach.compare_ways(plan, None, 3)) == 3


def test_one_more_unit_goes_to_whom_the_plan_says_is_next() -> None:
    plan = plan_with(quotas=[{"key": "few", "at_most": 120}])
    index = next(i for i, family in enumerate(plan.problem.families) if family.name == "quota:few")
    waiting = reach.waiting_for(plan, index, 0, 5)
    assert waiting
    assert all(plan.issued[one.row].max() == NONE for one in waiting)
    assert [one.missing for one in waiting] == sorted(one.missing for one in waiting)
    family = plan.problem.families[index]
    more = replace(family, limit=family.limit + 1)
    families = tuple(more if at == index else one for at, one in enumerate(plan.problem.families))
    again = reach.solve(replace(plan.problem, families=families), plan.solution.price)
    gained = again.objective - plan.solution.objective
    # One more contact is worth what its price says, and goes to somebody at the head of the line.
    assert gained == pytest.approx(float(plan.solution.price[index][0]), rel=0.2)


@pytest.mark.capability("E19")
def test_of_several_campaigns_one_wins_and_the_others_are_recorded_as_lost_to_it(small: SmallBank) -> None:
    plan = small.window.plan
    record = load_window_view(small.open.folder, plan.plan_id)
    assert lost_table(record) is not None
    losers = {(one.campaign, one.winner): one.customers for one in record.beside.lost}
    counted: dict[tuple[str, str], int] = {}
    for name in small.window.locks:
        with small.open.store.begin(system()) as connection:
            rows = read_decisions(
                connection, [name], ROUND, columns=("customer_no", "reasons", "issued_action")
            ).to_pylist()
        for row in rows:
            for reason in [one for one in row["reasons"][1:] if one.startswith("lost_to:")]:
                assert not row["issued_action"]
                pair = (name, reason.removeprefix("lost_to:"))
                counted[pair] = counted.get(pair, 0) + 1
    assert counted == losers
    assert counted


def test_levers_cost_what_closing_them_costs(small: SmallBank) -> None:
    record = load_window_view(small.open.folder, small.window.plan.plan_id)
    named = {(one.kind, one.key): one.value for one in record.beside.levers}
    answer = what_if_by_fiat(record, "campaign:keep-deposits")
    assert answer.after - answer.before == pytest.approx(named[("campaign", "keep-deposits")], rel=0.01)
    assert answer.after < answer.before
    more = what_if_by_fiat(record, "several:2")
    assert more.after >= more.before * 0.999
    with pytest.raises(InputError, match="no lever"):
        what_if_by_fiat(record, "campaign:nothing")
    assert "channel:sms" in levers(record)


def test_the_fairness_table_and_the_picture(small: SmallBank) -> None:
    record = load_window_view(small.open.folder, small.window.plan.plan_id)
    table = fair_table(record)
    assert table is not None
    assert {row[0].text.en.split()[0] for row in table.rows} == {"Age", "Gender", "Region"}
    for one in record.beside.fair:
        assert 0 <= one.reached <= one.customers
        assert 0 <= one.eligible <= one.customers
    picture = ways_picture(record)
    assert picture is not None
    assert "the plan" in picture.alt.en


@pytest.mark.parametrize("part", PARTS[:3])
def test_every_part_in_every_format_says_the_same(small: SmallBank, part: str) -> None:
    record = load_window_view(small.open.folder, small.window.plan.plan_id)
    table = pq.read_table(io.BytesIO(exported(record, part, "parquet")))
    rows = json.loads(exported(record, part, "json"))["rows"]
    sheet = openpyxl.load_workbook(io.BytesIO(exported(record, part, "xlsx"))).active
    text = exported(record, part, "csv").decode("utf-8-sig").strip().splitlines()
    assert len(rows) == table.num_rows == sheet.max_row - 1 == len(text) - 1 > 0
    with pytest.raises(InputError, match="choose of"):
        exported(record, part, "exe")


def test_what_looks_like_a_formula_stays_a_word() -> None:
    table = pa.table({"name": ["=1+1", "@SUM(A1)", "-2+3", "+7", "\tx", "泉江"], "n": [-1, 2, 3, 4, 5, 6]})
    lines = csv_of(table).decode("utf-8-sig").splitlines()
    assert lines[1] == "'=1+1,-1"
    assert all(not line.startswith(("=", "@", "+", "-")) for line in lines)
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_of(table, "rows"))).active
    assert [cell.data_type for cell in sheet["A"]][1:] == ["s"] * 6
    assert sheet["A2"].value == "=1+1"
    assert sheet["B2"].value == -1
    assert harmless(-5) == -5
