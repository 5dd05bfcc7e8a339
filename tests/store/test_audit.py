"""The audit chain: sealed behind open transactions, and every way of tampering is located."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.kit import ConflictError
from bankloop.store import Principal, Role, Store, record_audit, seal_audit, verify_audit

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
