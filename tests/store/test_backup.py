"""A backup is the whole bank or none; restoring it gives the same bank, and the trail says so and goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DataError
from bankloop.store import backup
from bankloop.store.audit import check_audit, record_audit, seal_audit, verify_audit
from bankloop.store.backup import make_backup, read_backup, restore_backup
from bankloop.store.contracts import DecisionBatch, LakeVersion, Principal, Role
from bankloop.store.database import Store, open_store
from bankloop.store.embedded import remove_cluster
from bankloop.store.history import append_decisions, append_events
from bankloop.store.outbox import enqueue
from bankloop.store.registry import publish_version
from bankloop.store.schema import FIRST, REPLACED
from bankloop.store.vault import keep_identifiers, read_identifiers

PROGRAM = Principal("system:backup", frozenset({"system"}), ("*",), "test")
COUNTED = ("event", "decision", "outbox", "identifier", "lake_version", "audit_seal")


@pytest.fixture
def filled(store: Store, events: Callable[..., pa.Table], decisions: Callable[..., DecisionBatch]) -> Store:
    lake = store.folder / "data" / "lake" / "customer" / "v1"
    lake.mkdir(parents=True)
    (lake / "part-0.parquet").write_bytes(b"rows")
    (lake.parent / "staged").mkdir()
    (lake.parent / "staged" / "half").write_bytes(b"a load under way")
    (store.folder / "bank.yaml").write_text("format: 1\n")
    with store.begin(PROGRAM, Role.LOADER) as connection:
        now = store.clock.now()
        version = LakeVersion("customer", "v1", ("customer/v1/part-0.parquet",), 1, "d", now.date(), now)
        publish_version(connection, version)
    with store.begin(PROGRAM) as connection:
        append_events(connection, events(40))
        append_decisions(connection, decisions(40))
        enqueue(connection, "delivery", "1", "B01", {"a": "tab\there"})
        keep_identifiers(connection, "phone", ["C1"], ["13800138000"])
        record_audit(connection, "test.act", "thing", "a", None, {"n": "中文\n\t\\"}, "why")
    seal_audit(store)
    return store


@pytest.fixture
def restored(filled: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("restored")
    try:
        yield home / "bank"
    finally:
        remove_cluster(home / "bank")


def counts(store: Store) -> dict[str, int | None]:
    with store.begin(PROGRAM) as app, store.begin(PROGRAM, Role.AUDITOR) as auditor:
        return {
            table: (auditor if table == "audit_seal" else app).scalar(text(f"SELECT count(*) FROM {table}"))
            for table in COUNTED
        }


def test_what_is_restored_is_the_same_bank(
    filled: Store, restored: Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts(filled)
    made = make_backup(filled, PROGRAM, tmp_path.parent / f"{tmp_path.name}-backup", "0.1.0")
    with filled.begin(PROGRAM) as connection:
        record_audit(connection, "test.act", "thing", "after the backup", None, None)
    assert read_backup(made.place) == made
    monkeypatch.setenv("BANKLOOP_KEYS", filled.keys.written())
    assert restore_backup(made.place, restored, clock, PROGRAM).digest == made.digest
    assert (restored / "data" / "lake" / "customer" / "v1" / "part-0.parquet").read_bytes() == b"rows"
    assert not (restored / "data" / "lake" / "customer" / "staged").exists()
    with open_store(restored, clock) as store:
        assert counts(store) == {**before, "audit_seal": (before["audit_seal"] or 0) + 1}
        with store.begin(PROGRAM) as connection:
            assert read_identifiers(connection, ["C1"], ["phone"])[0].value == "13800138000"
            assert enqueue(connection, "delivery", "2", "B01", {})
        report = check_audit(store)
        assert report.ok
        assert report.unsealed <= 1
        with store.begin(PROGRAM, Role.AUDITOR) as connection:
            verbs = connection.scalars(text("SELECT verb FROM audit ORDER BY id")).all()
        assert "backup.restore" in verbs
        for number in range(3):
            with store.begin(PROGRAM) as connection:
                record_audit(connection, "test.act", "thing", str(number), None, None)
        assert seal_audit(store) >= 3
        assert verify_audit(store).ok
    with pytest.raises(ConflictError, match="not_empty"):
        restore_backup(made.place, restored, clock, PROGRAM)
    shutil.rmtree(restored)
    with pytest.raises(ConflictError, match="left_behind"):
        restore_backup(made.place, restored, clock, PROGRAM)
    assert not restored.exists()


@pytest.mark.parametrize(
    ("change", "code", "cure"),
    [
        ({"format": 2}, "newer_backup", "install that version"),
        ({"schema": "9999"}, "newer_backup", "install that version"),
        ({"schema": "0001"}, "older_backup", "restore it with that version"),
        ({"schema": "0019"}, "older_backup", "restore it with that version"),
        ({"format": "?"}, "no_backup", "bankloop backup"),
    ],
)
def test_another_format_is_refused_with_the_cure(
    filled: Store,
    clock: FixedClock,
    tmp_path_factory: pytest.TempPathFactory,
    change: dict[str, object],
    code: str,
    cure: str,
) -> None:
    home = tmp_path_factory.mktemp("backups")
    made = make_backup(filled, PROGRAM, home / "b", "0.1.0")
    path = made.place / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DataError, match=code) as refused:
        restore_backup(made.place, home / "bank", clock, PROGRAM)
    assert cure in refused.value.message.en
    assert not (home / "bank").exists()


def test_a_damaged_backup_is_refused(
    filled: Store, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("damaged")
    made = make_backup(filled, PROGRAM, home / "b", "0.1.0")
    with pytest.raises(ConflictError, match="backup_exists"):
        make_backup(filled, PROGRAM, home / "b", "0.1.0")
    event = made.place / "tables" / "event"
    event.write_bytes(event.read_bytes()[:-1])
    with pytest.raises(DataError, match="damaged_backup"):
        restore_backup(made.place, home / "bank", clock, PROGRAM)


def test_no_key_is_in_a_backup(filled: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = make_backup(filled, PROGRAM, tmp_path_factory.mktemp("keys") / "b", "0.1.0")
    keys = json.loads(filled.keys.written())
    secrets = [*keys["keys"].values(), keys["blind"]]
    for path in made.place.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            assert not any(secret.encode() in body for secret in secrets), path


def test_a_backup_of_the_first_schema_under_its_earlier_name_is_one_of_the_first(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_backup(filled, PROGRAM, tmp_path.parent / f"{tmp_path.name}-earlier", "0.1.0")
    path = made.place / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": REPLACED}))
    monkeypatch.setattr(backup, "HEAD", FIRST)
    assert read_backup(made.place).rows == made.rows
