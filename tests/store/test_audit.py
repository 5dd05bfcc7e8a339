"""The audit chain: sealed behind open transactions, and every way of tampering is located."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, EnvironmentFault, NotFoundError
from bankloop.kit.origins import Origin, acting_from
from bankloop.organization.principals import compliance, system
from bankloop.store.audit import (
    anchor_file,
    check_audit,
    check_clock,
    check_due,
    last_check,
    personal_of,
    place_hold,
    purge_audit,
    read_audit,
    record_access,
    record_audit,
    release_hold,
    seal_age,
    seal_audit,
    verify_audit,
)
from bankloop.store.audit.checks import LATEST_SEAL, SealAge
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, under_approval
from bankloop.store.vault import erase_sealed

ROOT = Principal("root", units=("*",))


def act(store: Store, *names: str) -> None:
    for name in names:
        with store.begin(ROOT) as connection:
            record_audit(connection, "test.act", "thing", name, {"n": 1.50}, {"name": "中文", "n": 2}, "because")


@pytest.fixture
def sealed(store: Store) -> Store:
    """A trail of six rows under two seals."""
    act(store, "a", "b", "c")
    assert seal_audit(store) == 3
    act(store, "d", "e", "f")
    assert seal_audit(store) == 3
    return store


def tamper(store: Store, *statements: str) -> None:
    with store.begin(ROOT, Role.OWNER) as connection:
        for statement in statements:
            connection.execute(text(statement))


def found(store: Store) -> list[tuple[str, int, int | None]]:
    return [(f.kind, f.seal, f.row) for f in verify_audit(store).findings]


def test_an_honest_trail_verifies(sealed: Store) -> None:
    act(sealed, "g")
    report = verify_audit(sealed)
    assert report.ok
    assert (report.rows, report.seals, report.unsealed) == (7, 2, 1)
    assert seal_audit(sealed) == 1
    assert seal_audit(sealed) == 0
    assert verify_audit(sealed).unsealed == 0


def test_an_empty_trail_verifies(store: Store) -> None:
    assert seal_audit(store) == 0
    assert verify_audit(store).ok


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE audit SET reason = 'no reason' WHERE id = 2", ("changed", 1, 2)),
        ("UPDATE audit SET after = '{\"n\": 3}' WHERE id = 5", ("changed", 2, 5)),
        ("UPDATE audit SET recorded_at = recorded_at + interval '1 second' WHERE id = 4", ("changed", 2, 4)),
        ("DELETE FROM audit WHERE id = 3", ("dropped", 1, 3)),
        ("DELETE FROM audit WHERE id = 6", ("dropped", 2, 6)),
        ("UPDATE audit_seal SET row_digests[2] = repeat('0', 64) WHERE seal = 1", ("chain", 1, None)),
        ("DELETE FROM audit_seal WHERE seal = 1", ("dropped", 1, None)),
        (
            "INSERT INTO audit (xid, principal, verb, object_kind, object_id, reason) "
            "SELECT xid, 'm', 'v', 'k', 'o', '' FROM audit WHERE id = 1",
            ("inserted", 2, 7),
        ),
    ],
)
def test_tampering_is_located(sealed: Store, statement: str, finding: tuple[str, int, int | None]) -> None:
    tamper(sealed, statement)
    assert finding in found(sealed)


def test_reordered_rows_are_located(sealed: Store) -> None:
    tamper(
        sealed,
        "UPDATE audit a SET object_id = b.object_id FROM audit b WHERE (a.id, b.id) IN ((1, 2), (2, 1))",
    )
    assert found(sealed) == [("reordered", 1, 1), ("reordered", 1, 2)]


def test_a_cut_tail_is_missed_and_sealing_on_is_refused(sealed: Store) -> None:
    tamper(sealed, "DELETE FROM audit_seal WHERE seal = 2", "DELETE FROM audit WHERE id > 3")
    assert found(sealed) == [("truncated", 2, None)]
    act(sealed, "x")
    with pytest.raises(ConflictError, match="audit_broken"):
        seal_audit(sealed)
    assert found(sealed) == [("truncated", 2, None)]


@pytest.mark.parametrize("seals", ["", "DELETE FROM audit_seal WHERE seal > 1"])
def test_fifty_rows_cut_from_the_end_are_missed(store: Store, seals: str) -> None:
    for minute in range(6):
        act(store, *(f"{minute}-{number}" for number in range(10)))
        seal_audit(store)  # as a serving process does every minute
    act(store, "not yet sealed")
    tamper(store, "DELETE FROM audit WHERE id > 10", *([seals] if seals else []))
    report = check_audit(store)
    assert not report.ok
    if seals:
        assert [(one.kind, one.seal) for one in report.findings] == [("truncated", 6)]
    else:
        assert [(one.kind, one.row) for one in report.findings] == [("dropped", row) for row in range(11, 61)]


def test_the_age_of_the_seal_is_that_of_the_oldest_row_without_one(store: Store) -> None:
    def age() -> SealAge:
        with store.begin(ROOT, Role.AUDITOR) as connection:
            return seal_age(connection)

    now = store.clock.now()
    assert age() == SealAge(None, 0, None)
    act(store, "a", "b")
    assert age() == SealAge(None, 2, now)
    assert not age().late(now + LATEST_SEAL)
    assert age().late(now + LATEST_SEAL + timedelta(seconds=1))
    assert "2 rows are not sealed yet, the oldest for 7 minutes" in age().told(now + timedelta(minutes=7)).en
    seal_audit(store)
    assert age() == SealAge(now, 0, None)
    assert not age().late(now + timedelta(days=9))  # nothing waits
    assert age().told(now).en == "every row is sealed"


def test_a_trail_written_anew_is_not_the_anchored_one(sealed: Store) -> None:
    tamper(sealed, "DELETE FROM audit_seal", "UPDATE audit SET reason = 'other'")
    anchor = sealed.folder / "data" / "audit-anchor"
    kept = anchor.read_text()
    anchor.unlink()
    assert seal_audit(sealed) == 6
    act(sealed, "g")
    seal_audit(sealed)
    anchor.write_text(kept)
    assert ("chain", 2, None) in found(sealed)


def test_a_missing_or_broken_anchor_is_said(sealed: Store) -> None:
    anchor: Path = sealed.folder / "data" / "audit-anchor"
    assert [json.loads(line)["seal"] for line in anchor.read_text().splitlines()] == [1, 2]
    anchor.write_text("?")
    assert found(sealed) == [("chain", 0, None)]
    anchor.unlink()
    assert found(sealed) == [("anchor", 2, None)]


def test_a_late_commit_is_sealed_too(store: Store) -> None:
    """A row with a lower id that commits after higher ones were sealed: ``id > last`` would lose it."""
    with store.begin(ROOT) as slow:
        record_audit(slow, "test.act", "thing", "slow", None, None)
        act(store, "fast")
        assert seal_audit(store) == 0
    assert seal_audit(store) == 2
    assert verify_audit(store).ok


def test_a_row_says_from_where_for_what_and_under_which_approval(store: Store) -> None:
    approval = UUID(int=7)
    with acting_from(Origin("api", "partner 7", "10.0.0.9", "r-1")), store.begin(ROOT) as connection:
        record_audit(connection, "test.act", "thing", "a", None, None)
        under_approval(connection, approval)
        record_audit(connection, "test.act", "thing", "b", None, None)
    act(store, "c")
    with store.begin(ROOT, Role.AUDITOR) as connection:
        found = {row.object_id: row for row in read_audit(connection)}
        assert [row.object_id for row in read_audit(connection, object_id="b")] == ["b"]
        assert read_audit(connection, limit=1, before_id=2)[0].id == 1
    assert found["a"].origin == "api partner_7 10.0.0.9 r-1"
    assert (found["a"].approval_id, found["b"].approval_id) == (None, approval)
    assert (found["c"].origin, found["c"].approval_id) == ("", None)


def test_personal_data_lie_sealed_and_the_chain_outlives_their_key(store: Store) -> None:
    with store.begin(ROOT) as connection:
        record_audit(connection, "test.act", "customer", "C1", None, None, subject="C1", personal={"name": "王芳"})
    seal_audit(store)
    with store.begin(ROOT, Role.AUDITOR) as connection:
        row = read_audit(connection)[0]
        assert "王芳".encode() not in bytes(row.sealed or b"")
        assert personal_of(connection, row) == {"name": "王芳"}
    with store.begin(ROOT) as connection:
        erase_sealed(connection, "C1")
    assert verify_audit(store).ok
    with store.begin(ROOT, Role.AUDITOR) as connection, pytest.raises(NotFoundError, match="erased"):
        personal_of(connection, read_audit(connection)[0])
    tamper(store, "UPDATE audit SET sealed = NULL WHERE id = 1")
    assert found(store) == [("changed", 1, 1)]


def test_what_is_old_is_purged_by_class_and_known_by_its_digests(store: Store) -> None:
    with store.begin(ROOT) as connection:
        for number in ("C1", "C2", "C3"):
            record_access(connection, "customer", [number], ["phone"])
        record_audit(connection, "test.act", "thing", "kept", None, None)
    with store.begin(compliance("legal")) as connection:
        hold = place_hold(connection, "customer", "C2", "court order 7")
    seal_audit(store)
    assert purge_audit(store, system(), "access", "term") == 0
    store.clock = FixedClock(store.clock.now() + timedelta(days=4 * 366))
    assert purge_audit(store, system(), "access", "term") == 2
    assert verify_audit(store).ok
    with store.begin(compliance("legal")) as connection:
        release_hold(connection, hold, "lifted")
    assert purge_audit(store, system(), "access", "term") == 1
    seal_audit(store)
    assert verify_audit(store).ok
    tamper(store, "DELETE FROM audit WHERE object_id = 'kept'")
    assert [kind for kind, *_ in found(store)] == ["dropped"]


def test_a_purge_that_nobody_recorded_hides_nothing(sealed: Store) -> None:
    tamper(
        sealed,
        "DELETE FROM audit WHERE id = 2",
        "INSERT INTO audit_purge (purge_id, class, before_day, row_ids) VALUES (gen_random_uuid(), 'access', "
        "'2026-01-01', '{2}')",
    )
    assert found(sealed) == [("dropped", 1, 2)]


def test_a_row_moved_in_time_is_located(sealed: Store) -> None:
    tamper(sealed, "UPDATE audit SET xid = 2^60 WHERE id = 2")
    assert found(sealed) == [("changed", 1, 2)]


def test_the_last_verification_is_remembered_and_due_once_a_day(sealed: Store) -> None:
    assert check_audit(sealed).ok
    assert check_due(sealed) is None
    with sealed.begin(ROOT) as connection:
        last = last_check(connection)
    assert last is not None
    assert last.ok
    tamper(sealed, "UPDATE audit SET reason = 'x' WHERE id = 2")
    sealed.clock = FixedClock(sealed.clock.now() + timedelta(days=1))
    report = check_due(sealed)
    assert report is not None
    assert not report.ok
    with sealed.begin(ROOT) as connection:
        last = last_check(connection)
    assert last is not None
    assert [finding["row"] for finding in last.findings] == [2]


def test_a_torn_anchor_is_written_again(sealed: Store) -> None:
    anchor = anchor_file(sealed.folder)
    with anchor.open("ab") as file:
        file.write(b'{"seal":3,"cha')
    assert verify_audit(sealed).ok
    act(sealed, "g")
    assert seal_audit(sealed) == 1
    assert verify_audit(sealed).ok
    assert json.loads(anchor.read_text().splitlines()[-1])["seal"] == 3


def test_an_anchored_seal_that_was_written_anew_is_located(sealed: Store) -> None:
    anchor = anchor_file(sealed.folder)
    lines = [json.loads(line) for line in anchor.read_text().splitlines()]
    lines[0]["chain"] = "0" * 64
    anchor.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert found(sealed) == [("chain", 1, None)]


def test_a_clock_behind_the_trail_writes_nothing_and_reads_all(store: Store, system: Principal) -> None:
    now = store.clock.now()
    with store.begin(system) as connection:
        record_audit(connection, "test.act", "thing", "a", None, None)
    store.clock = FixedClock(now - timedelta(minutes=4))
    check_clock(store)
    with store.begin(system) as connection:
        record_audit(connection, "test.act", "thing", "b", None, None)  # machines differ by less
    store.clock = FixedClock(now - timedelta(hours=1))
    check_clock(store)
    with store.begin(system) as connection:
        assert connection.scalar(text("SELECT count(*) FROM campaign")) == 0
    with store.begin(system) as connection, pytest.raises(EnvironmentFault, match=r"store\.clock_behind"):
        record_audit(connection, "test.act", "thing", "c", None, None)
    store.clock = FixedClock(now + timedelta(minutes=1))
    check_clock(store)
    with store.begin(system) as connection:
        record_audit(connection, "test.act", "thing", "d", None, None)
