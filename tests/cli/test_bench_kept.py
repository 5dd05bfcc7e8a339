"""What was measured is kept beside what was measured before, each with its day, its size and its machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankloop.cli import benchmarks
from bankloop.cli.application import application


def test_results_are_kept_by_name_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(range(1, 9))
    monkeypatch.setattr(
        benchmarks, "BENCHMARKS", {"one": lambda _: {"ratio": next(made)}, "two": lambda _: {"ratio": next(made)}}
    )
    place = tmp_path / "kept" / "results.json"

    def measure(*words: str) -> dict[str, dict[str, object]]:
        done = CliRunner().invoke(application, ["bench", *words, "--write", str(place), "--json"])
        assert done.exit_code == 0, done.output
        found: dict[str, dict[str, object]] = json.loads(place.read_text(encoding="utf-8"))
        return found

    assert measure("one", "--quick")["one"]["result"] == {"ratio": 1}
    both = measure("two")
    assert [(name, kept["quick"], kept["result"]) for name, kept in both.items()] == [
        ("one", True, {"ratio": 1}), ("two", False, {"ratio": 2}),
    ]  # fmt: skip
    again = measure("all")
    assert [kept["result"] for kept in again.values()] == [{"ratio": 3}, {"ratio": 4}]
    assert {"date", "version", "machine"} <= set(again["one"])
    assert CliRunner().invoke(application, ["bench", "three"]).exit_code != 0
