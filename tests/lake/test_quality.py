"""Control totals are reconciled, quality is measured at each load and watched over time, a limit can stop a load."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.lake.conftest import NOW
from tests.lake.test_load import BANK, EMPLOYERS, UNITS, employers, event, write, write_events

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import DataError, SpecError
from bankloop.lake.expectations import Dimension
from bankloop.lake.inventory import watched
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

NEXT = "2026-11-22"


def declared(*lines: str) -> str:
    """BANK whose employers promise something."""
    return BANK.replace("    reject_above: 40%\n", "".join(f"    {line}\n" for line in ("reject_above: 90%", *lines)))


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(declared("control: [rows, 发薪日]"), encoding="utf-8")
    write(tmp_path, "unit.csv", UNITS)
    return tmp_path


def deliver(bank: Path, flag: str, *rows: tuple[str, ...], day: str = "2026-11-21") -> None:
    write(bank, "employer.csv", employers(*(rows or EMPLOYERS)), day)
    write(bank, "employer.csv.ok", flag, day)


def test_declared_totals_are_reconciled_with_what_the_file_holds(bank: Path, lake: Lake) -> None:
    deliver(bank, "rows=3\nsum(发薪日)=50")
    load_bank(bank, lake)
    found = {one.dimension: one for one in watched(lake) if one.source == "employers"}
    assert (found[Dimension.CONTROL].checked, found[Dimension.CONTROL].passed) == (2, True)


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        ("rows=4\nsum(发薪日)=50", r"lake\.control_total.*rows is 3.*4"),
        ("rows=3\nsum(发薪日)=49", r"lake\.control_total.*发薪日 is 50.*49"),
        ("rows=3", r"lake\.no_control_total.*发薪日"),
        ("3", r"lake\.no_control_total.*发薪日"),
        ("", r"lake\.no_control_total.*rows"),
        ("rows=3\nsum(发薪日)=50\nsum(没有)=1", r"lake\.control_total.*没有"),
    ],
)
def test_a_total_that_is_wrong_or_missing_stops_the_load(
    bank: Path, lake: Lake, manifest: MemoryManifest, flag: str, code: str
) -> None:
    deliver(bank, flag)
    with pytest.raises(DataError, match=code):
        load_bank(bank, lake)
    assert manifest.rows == []


def test_a_sum_counts_the_rows_that_go_to_quarantine_too(bank: Path, lake: Lake) -> None:
    deliver(
        bank,
        "rows=3\nsum(发薪日)=1,124",
        ("E1", "甲", "10", "0100"),
        ("E2", "乙", "99", "0100"),
        ("E3", "丙", "1015", "9999"),
    )
    load_bank(bank, lake)
    found = {one.dimension: one for one in watched(lake) if one.source == "employers"}
    assert found[Dimension.VALID].values == (333_333,)


def test_each_dimension_is_measured_with_its_limit_and_kept_over_time(bank: Path, lake: Lake) -> None:
    (bank / "bank.yaml").write_text(declared("quality: {complete: 80%, fresh: 0d}"), encoding="utf-8")
    write(bank, "employer.csv", employers(*EMPLOYERS))
    load_bank(bank, lake)
    bad = [("", "甲", "1", "0100"), ("E5", "乙", "99", "0100"), ("E6", "丙", "9", "9999"), ("E1", "丁", "9", "0100")]
    write(bank, "employer.csv", employers(*EMPLOYERS, *bad, *[(f"F{n}", "好", "5", "0100") for n in range(3)]), NEXT)
    load_bank(bank, lake)
    found = {one.dimension: one for one in watched(lake) if one.source == "employers"}
    for dimension in (Dimension.COMPLETE, Dimension.VALID, Dimension.UNIQUE):
        assert found[dimension].values == (1_000_000, 900_000), dimension
    assert found[Dimension.COMPLETE].passed  # by its own limit
    assert (found[Dimension.VALID].passed, found[Dimension.VALID].column) == (False, "payday")
    assert found[Dimension.REFERENTIAL].values == (1_000_000, 900_000)
    assert found[Dimension.FRESH].days == ("2026-11-21", NEXT)
    assert found[Dimension.FRESH].values[0] - found[Dimension.FRESH].values[1] == 1
    assert Dimension.DISTRIBUTION not in found  # too few rows to speak of
    assert [one.passed for one in watched(lake)][:2] == [False, False]


def test_another_population_shows_and_can_stop_a_load(bank: Path, lake: Lake, manifest: MemoryManifest) -> None:
    (bank / "bank.yaml").write_text(BANK, encoding="utf-8")
    usual = [event(n, amount_fen=1_000 + n % 700, type="login" if n % 2 else "payroll") for n in range(2_000)]
    write_events(bank, *usual)
    load_bank(bank, lake)
    alike = [event(10_000 + n, amount_fen=1_000 + n % 700, type="login" if n % 2 else "payroll") for n in range(1_500)]
    write_events(bank, *alike, day=NEXT)
    load_bank(bank, lake)
    (bank / "bank.yaml").write_text(
        BANK.replace('"*/event.parquet",', '"*/event.parquet", block: [distribution],'), encoding="utf-8"
    )
    other = [event(20_000 + n, amount_fen=9_000, type="login") for n in range(1_500)]
    lake.clock = FixedClock(NOW + timedelta(days=1))
    write_events(bank, *other, day="2026-11-23")
    before = list(manifest.rows)
    with pytest.raises(DataError, match=r"lake\.below_quality.*amount_fen"):
        load_bank(bank, lake)
    assert manifest.rows == before
    (bank / "bank.yaml").write_text(BANK, encoding="utf-8")
    load_bank(bank, lake)
    moved = next(one for one in watched(lake) if one.dimension is Dimension.DISTRIBUTION)
    assert (moved.passed, moved.column, len(moved.values)) == (False, "amount_fen", 2)
    assert moved.values[0] < 100_000 < 250_000 < moved.values[1]


@pytest.mark.parametrize("line", ["quality: {complete: 120%}", "quality: {nothing: 1%}", "quality: {fresh: x}", "quality: {fresh: 1e99999999d}", "quality: {distribution: '1e999999'}", "quality: {complete: .nan}", "quality: {unique: '1e99999999'}", "block: unique", "block: [control]", "control: rows"])  # fmt: skip
def test_a_promise_that_cannot_be_is_refused(bank: Path, lake: Lake, line: str) -> None:
    (bank / "bank.yaml").write_text(declared(line), encoding="utf-8")
    with pytest.raises(SpecError):
        load_bank(bank, lake)
