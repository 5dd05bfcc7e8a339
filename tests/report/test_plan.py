"""The plan's page: exact waterfalls, words in both languages, what is kept equals what was planned, one limit changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bankloop.kit.errors import InputError, NotFoundError
from bankloop.kit.text import Language, Text
from bankloop.loop.audience import EXCLUSIONS, Visibility
from bankloop.report.keeping import kept_plans, load_window_view, save_window
from bankloop.report.plan import plan_page
from bankloop.report.record import UNLISTED, PlanRecord, record_of
from bankloop.report.what_if import changeable, what_if
from bankloop.view.figures import StepKind, Waterfall
from tests.bankfixture import SmallBank

CHINESE = re.compile(r"[一-鿿]")


@pytest.fixture(scope="module")
def record(small: SmallBank) -> PlanRecord:
    return load_window_view(small.open.folder, small.window.plan.plan_id)


def texts_of(value: object) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif is_dataclass(value):
        for one in fields(value):
            yield from texts_of(getattr(value, one.name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_of(one)


def test_waterfalls_sum_exactly_from_audience_to_plan(small: SmallBank, record: PlanRecord) -> None:
    view = plan_page(record)
    for name, picture in view.waterfalls.items():
        chart = picture.chart
        assert isinstance(chart, Waterfall)
        assert chart.sums
        assert chart.steps[0].count == small.window.audiences[name].hit
        reached = sum(line.customers for line in small.window.plan.lines if line.campaign == name)
        assert chart.steps[-1].kind is StepKind.END
        assert chart.steps[-1].count == reached
        rows = view.left_out[name].said(Language.ZH)
        whole = [int(row[1].replace(",", "")) for row in rows]
        assert whole[0] - sum(whole[1:-1]) == whole[-1]


def test_rows_behind_a_number_are_as_many_as_it_says(record: PlanRecord) -> None:
    for campaign in record.campaigns:
        rows = [r for r in record.rows.to_pylist() if r["campaign"] == campaign.name]
        for fall in campaign.left_out:
            listed = 0 if fall.code in UNLISTED else fall.count
            assert sum(r["reason"] == fall.code for r in rows) == listed
        assert campaign.reached + sum(fall.count for fall in campaign.left_out) == campaign.usable
        gone = [r for r in record.excluded.to_pylist() if r["campaign"] == campaign.name]
        for fall in campaign.falls:
            assert sum(r["reason"] == fall.code for r in gone) == fall.count


def test_confidential_reasons_stand_nowhere(small: SmallBank, record: PlanRecord) -> None:
    secret = {e.code for e in EXCLUSIONS if e.visibility is Visibility.CONFIDENTIAL}
    titles = {e.title.zh for e in EXCLUSIONS if e.code in secret}
    assert not secret & set(record.excluded["reason"].to_pylist())
    assert not secret & {fall.code for campaign in record.campaigns for fall in campaign.falls}
    kept = (small.open.folder / "data" / "plans" / record.plan_id / "plan.json").read_text(encoding="utf-8")
    page = small.report.read_text(encoding="utf-8")
    for word in secret | titles:
        assert f'"{word}"' not in kept
        assert word not in page


def test_every_text_is_in_both_languages(record: PlanRecord) -> None:
    found = list(texts_of(plan_page(record)))
    assert len(found) > 100
    for text in found:
        assert bool(text.zh) == bool(text.en)
        assert not CHINESE.search(text.en), text.en


def test_kept_plan_is_the_planned_one(small: SmallBank, record: PlanRecord) -> None:
    fresh = record_of(small.window)
    assert record.plan_id in kept_plans(small.open.folder)
    assert plan_page(record) == plan_page(fresh)
    assert plan_page(small.window).figures == plan_page(record).figures
    assert np.array_equal(record.problem.value, fresh.problem.value)
    assert save_window(small.window, small.open.folder).name == record.plan_id


def test_a_plan_that_was_not_kept_is_named_in_the_error(small: SmallBank) -> None:
    for plan_id in ("0" * 32, "../../etc", ""):
        with pytest.raises(NotFoundError) as caught:
            load_window_view(small.open.folder, plan_id)
        assert caught.value.code == "plan.not_kept"


def test_a_larger_limit_never_makes_the_plan_worth_less(record: PlanRecord) -> None:
    line = next(one for one in changeable(record) if one.name == "budget:bind-card")
    limits = [0.0, line.used * 0.3, line.used * 0.7, line.used, line.limit]
    values = [_value(record, line.name, limit) for limit in limits]
    assert values[0] < values[-1]
    for less, more in pairwise(values):
        assert more >= less * 0.999 - 1


def _value(record: PlanRecord, name: str, limit: float) -> float:
    answer = what_if(record, name, limit)
    row = answer.table.said(Language.EN)[1]
    assert row[0] == "Value"
    words = row[2].replace("¥", "").replace("−", "-").replace(",", "")
    size = {"k": 1e3, "M": 1e6}.get(words[-1])
    return float(words[:-1]) * size if size else float(words)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf"), 1e18])
def test_a_limit_that_makes_no_sense_is_refused(record: PlanRecord, limit: float) -> None:
    with pytest.raises(InputError) as caught:
        what_if(record, "budget:bind-card", limit)
    assert caught.value.code == "what_if.limit"


def test_an_unknown_resource_names_those_there_are(record: PlanRecord) -> None:
    with pytest.raises(InputError, match="budget:bind-card"):
        what_if(record, "budget:nothing", 1.0)


def test_a_plan_is_kept_whole_or_not_at_all(small: SmallBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bankloop.report.keeping.pq.write_table", fails)
    with pytest.raises(OSError, match="No space"):
        save_window(small.window, tmp_path)
    assert list((tmp_path / "data" / "plans").iterdir()) == []
    assert kept_plans(tmp_path) == frozenset()
