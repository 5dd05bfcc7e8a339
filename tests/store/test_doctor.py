"""Each thing the doctor looks at is found out when it is wrong, with its place, reason and cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock, SystemClock
from bankloop.kit.holidays import OwnYear
from bankloop.kit.machine_memory import LEAST_BYTES, MemoryBound
from bankloop.kit.text import Text
from bankloop.kit.worktime import take_calendar
from bankloop.store import doctor as room
from bankloop.store.audit import record_audit, seal_audit
from bankloop.store.backup import make_backup
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from bankloop.store.doctor import Finding, examine
from bankloop.store.duties import claim_duty, fail_duty
from bankloop.store.jobs import JobState, claim_job, end_job, enqueue_job
from bankloop.store.outbox import MAX_ATTEMPTS, claim_outbox, enqueue, mark_failed
from bankloop.store.resealing import rotate
from bankloop.store.sealing import KeyRing
from bankloop.store.vault import keep_identifiers

PROGRAM = Principal("system:doctor", frozenset({"system"}), ("*",), "test")


@pytest.fixture
def well(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A bank with nothing wrong, whose file says the working days of years to come."""
    take_calendar({year: OwnYear(frozenset(), frozenset()) for year in range(2020, 2101)})
    store.clock = SystemClock()
    with store.begin(PROGRAM) as connection:
        keep_identifiers(connection, "phone", ["C1"], ["13800138000"])
        record_audit(connection, "test.act", "thing", "a", None, None)
    seal_audit(store)
    make_backup(store, PROGRAM, tmp_path_factory.mktemp("backups") / "b", "0.1.0")
    yield store
    take_calendar({})


def wrong(store: Store) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(store) if not finding.ok}


def test_a_bank_that_is_well_has_no_findings(well: Store) -> None:
    assert wrong(well) == {}
    assert {finding.check for finding in examine(well)} == {
        "migrations", "clocks", "disk", "memory", "keys", "sealed", "private", "seals", "chain", "backups", "messages",
        "jobs", "duties", "calendar",
    }  # fmt: skip


def _wrong_clock(store: Store, _: pytest.MonkeyPatch) -> None:
    store.clock = FixedClock(SystemClock().now() + timedelta(seconds=30))


def _full_disk(_: Store, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(room, "LEAST_FREE_BYTES", 2**62)


def _little_memory(_: Store, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        room, "memory_bounds", lambda: iter([MemoryBound(LEAST_BYTES - 1, LEAST_BYTES, Text("容器", "a container"))])
    )


def _lost_key(store: Store, patch: pytest.MonkeyPatch) -> None:
    ring = store.keys.rotated()
    patch.setenv(
        "BANKLOOP_KEYS", KeyRing(ring.current, {ring.current: ring.ring[ring.current]}, ring.blind_key).written()
    )


def _old_key(store: Store, _: pytest.MonkeyPatch) -> None:
    rotate(store, PROGRAM)


def _tampered(store: Store, _: pytest.MonkeyPatch) -> None:
    with store.begin(PROGRAM, Role.OWNER) as connection:
        connection.execute(text("UPDATE audit SET reason = 'x' WHERE id = 1"))


def _never_sealed(store: Store, _: pytest.MonkeyPatch) -> None:
    with store.begin(PROGRAM) as connection:
        record_audit(connection, "test.act", "thing", "late", None, None)
    store.clock = FixedClock(SystemClock().now() + timedelta(minutes=6))


def _open_file(store: Store, _: pytest.MonkeyPatch) -> None:
    place = store.folder / "data" / "delivery" / "sms"
    place.mkdir(parents=True)
    (place / "part.csv").write_text("C1,13800138000\n")
    (place / "part.csv").chmod(0o640)


def _no_backup(store: Store, _: pytest.MonkeyPatch) -> None:
    store.clock = FixedClock(SystemClock().now() + timedelta(days=2))


def _unknown_days(store: Store, _: pytest.MonkeyPatch) -> None:
    take_calendar({})
    store.clock = FixedClock(SystemClock().now() + timedelta(days=3_650))


def _late_clock(store: Store, _: pytest.MonkeyPatch) -> None:
    store.clock = FixedClock(SystemClock().now() - timedelta(hours=1))


def _failed_message(store: Store, _: pytest.MonkeyPatch) -> None:
    with store.begin(PROGRAM) as connection:
        enqueue(connection, "delivery", "part/1", "*", {"contacts": []})
        (found,) = claim_outbox(connection, "delivery", 1)
        for _attempt in range(MAX_ATTEMPTS):
            mark_failed(connection, found.id, Text("网关不通", "the gateway is away"))


def _dead_job(store: Store, _: pytest.MonkeyPatch) -> None:
    with store.begin(PROGRAM) as connection:
        enqueue_job(connection, "teleport", {})
        claim = claim_job(connection, "a worker")
        assert claim is not None
        end_job(connection, claim, JobState.DEAD, error={"zh": "没有", "en": "no such kind"})


def _failed_duty(store: Store, _: pytest.MonkeyPatch) -> None:
    with store.begin(PROGRAM) as connection:
        claim = claim_duty(connection, "morning", store.clock.now(), "a clock")
        assert claim is not None
        fail_duty(connection, claim, "the disk is full")


@pytest.mark.parametrize(
    ("harm", "check", "cure"),
    [
        (_unknown_days, "calendar", "calendar.yaml"),
        (_late_clock, "clock_behind", "NTP"),
        (_failed_message, "messages", "bankloop messages"),
        (_dead_job, "jobs", "bankloop jobs"),
        (_failed_duty, "duties", "every minute"),
        (_wrong_clock, "clocks", "NTP"),
        (_full_disk, "disk", "free some space"),
        (_little_memory, "memory", "larger machine"),
        (_lost_key, "keys", "restore the missing keys"),
        (_old_key, "sealed", "bankloop keys renew"),
        (_never_sealed, "seals", "bankloop serve"),
        (_open_file, "private", "chmod -R go="),
        (_tampered, "chain", "bankloop audit verify"),
        (_no_backup, "backups", "bankloop backup"),
    ],
)
def test_what_is_wrong_is_found_with_its_cure(
    well: Store,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Store, pytest.MonkeyPatch], None],
    check: str,
    cure: str,
) -> None:
    harm(well, monkeypatch)
    found = wrong(well)
    assert check in found
    assert cure in found[check].cure.en
    assert found[check].place
    assert found[check].reason.zh


def test_another_schema_is_found(well: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "HEAD", "9999")
    assert "9999" in wrong(well)["migrations"].cure.en


def test_a_fault_is_a_finding(well: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BANKLOOP_KEY_FILE", str(tmp_path / "none"))
    assert wrong(well)["keys"].reason.en.startswith("the keys of")
