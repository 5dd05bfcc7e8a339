"""A known vulnerability in a locked requirement fails the check; what cannot be looked up is said."""

from __future__ import annotations

import importlib.util
import json
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "advisories.py"
ANSWER = {
    "dependencies": [
        {"name": "good", "version": "1.0", "vulns": []},
        {"name": "bad", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]},
        {"name": "hopeless", "version": "3.0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]},
        {"name": "unseen", "skip_reason": "not found"},
    ]
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("advisories", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_what_is_vulnerable_is_named_with_its_cure(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = ["bad 2.0: PYSEC-1; mended in 2.1", "hopeless 3.0: PYSEC-2; mended in no version yet"]
    assert script.findings(ANSWER) == (known, ["unseen"])
    monkeypatch.setattr(script, "audit", lambda lock: ANSWER)
    monkeypatch.setattr(script, "judge", lambda *_: "")
    assert script.main(["requirements/runtime.txt"]) == 1
    assert "3 looked up, 2 vulnerable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("digest", "days", "said"),
    [("same", 60, ""), ("same", 61, "61 days ago"), ("other", 0, "nobody wrote down when")],
)
def test_a_lock_out_of_reach_stands_for_sixty_days(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    digest: str, days: int, said: str,
) -> None:  # fmt: skip
    lock, begun = "requirements/runtime.txt", date(2026, 11, 25)
    kept = {lock: {"digest": script.digest_of(lock) if digest == "same" else "0", "locked": begun.isoformat()}}
    (tmp_path / "checked.json").write_text(json.dumps(kept))
    monkeypatch.setattr(script, "KEPT", tmp_path / "checked.json")
    monkeypatch.setattr(script, "audit", lambda lock: None)
    assert script.main([lock], begun + timedelta(days=days)) == (1 if said else 0)
    out = capsys.readouterr().out
    assert "not reachable" in out
    assert said in out


def test_what_was_looked_up_whole_is_written_down_and_counts_from_there(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock, begun = "requirements/runtime.txt", date(2026, 11, 25)
    monkeypatch.setattr(script, "KEPT", tmp_path / "checked.json")
    script.write_down("locked", [lock], begun)
    whole = {"dependencies": [{"name": "good", "version": "1.0", "vulns": []}]}
    monkeypatch.setattr(script, "audit", lambda lock: whole)
    assert script.main([lock], begun + timedelta(days=50)) == 0
    monkeypatch.setattr(script, "audit", lambda lock: None)
    assert script.main([lock], begun + timedelta(days=110)) == 0
    assert script.main([lock], begun + timedelta(days=111)) == 1


def test_the_locks_as_they_are_have_their_dates(script: ModuleType) -> None:
    kept = json.loads(script.KEPT.read_text(encoding="utf-8"))
    assert {lock: script.digest_of(lock) for lock in script.LOCKS} == {
        name: one["digest"] for name, one in kept.items()
    }


def test_every_lock_is_looked_up(script: ModuleType) -> None:
    locks = {f"requirements/{path.name}" for path in (SCRIPT.parent.parent / "requirements").glob("*.txt")}
    assert locks == set(script.LOCKS)
