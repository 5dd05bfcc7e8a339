"""A known vulnerability in a locked requirement fails the check; what cannot be looked up is said."""

from __future__ import annotations

import importlib.util
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
    assert script.main(["requirements/runtime.txt"]) == 1
    assert "3 looked up, 2 vulnerable" in capsys.readouterr().out


def test_advisories_out_of_reach_are_said_and_fail_nothing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "audit", lambda lock: None)
    assert script.main(["requirements/runtime.txt"]) == 0
    assert "not reachable" in capsys.readouterr().out


def test_every_lock_is_looked_up(script: ModuleType) -> None:
    locks = {f"requirements/{path.name}" for path in (SCRIPT.parent.parent / "requirements").glob("*.txt")}
    assert locks == set(script.LOCKS)
