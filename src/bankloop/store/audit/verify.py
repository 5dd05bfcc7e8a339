"""Verifying: the whole chain recomputed, seal by seal, in little memory; every place that differs is located.

What differs is looked up a second time, so that a row that moved is told from one that was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from bankloop.store.audit.anchor import Anchor, read_anchors
from bankloop.store.audit.chain import SEALER, SEALER_LOCK, SEALS, START, Seal, as_seal, chain_of, rows_between
from bankloop.store.contracts import AuditFinding, AuditReport, Role
from bankloop.store.database import Store

# Rows that are read at once, give or take one seal.
BATCH_ROWS = 100_000

_PURGED = text(
    "SELECT unnest(p.row_ids) FROM audit_purge p WHERE EXISTS (SELECT FROM audit a WHERE a.verb = 'audit.purge' "
    "AND a.object_id = p.purge_id::text AND a.after->>'digest' = "
    "encode(sha256(convert_to(array_to_string(p.row_ids, ','), 'UTF8')), 'hex'))"
)
_SIZES = text("SELECT seal, cardinality(row_ids) FROM audit_seal ORDER BY seal")
_OWNERS = text(
    "SELECT u.digest, u.id FROM audit_seal s CROSS JOIN LATERAL unnest(s.row_ids, s.row_digests) AS u (id, digest) "
    "WHERE u.digest = ANY (:wanted)"
)
_STANDING = text("SELECT id FROM audit WHERE id = ANY (:ids)")
_LAST = 2**62


@dataclass
class _State:
    """What is known while the seals go by."""

    rows: int = 0
    findings: list[AuditFinding] = field(default_factory=list)
    missing: dict[int, int] = field(default_factory=dict)
    changed: dict[int, tuple[int, str]] = field(default_factory=dict)
    unsealed: list[tuple[int, int]] = field(default_factory=list)
    previous: str = START
    expected: int = 1
    horizon: int = 0
    anchored: dict[int, str] = field(default_factory=dict)


def verify_audit(store: Store) -> AuditReport:
    """Recompute the whole chain and report every place where the trail is not what was sealed."""
    anchors = read_anchors(store.folder)
    state = _State(anchored={a.seal: a.chain for a in anchors or () if a.chain != "unreadable"})
    with store.begin(SEALER, Role.AUDITOR) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": SEALER_LOCK})
        seals = 0
        for batch in _batches(connection):
            _check_batch(connection, state, batch)
            seals += len(batch)
        tail = sum(1 for _ in rows_between(connection, state.horizon, _LAST))
        state.findings.extend(_located(connection, state))
    state.findings.extend(_anchor_findings(anchors, seals and state.expected - 1, state.anchored))
    return AuditReport(state.rows + tail, seals, tail, tuple(sorted(state.findings, key=_place)))


def _batches(connection: Connection) -> Iterator[list[Seal]]:
    """Yield the seals, so many at a time as hold about ``BATCH_ROWS`` rows."""
    wanted, size = [], 0
    for number, rows in connection.execute(_SIZES).all():
        wanted.append(number)
        size += rows
        if size >= BATCH_ROWS:
            yield _read(connection, wanted)
            wanted, size = [], 0
    if wanted:
        yield _read(connection, wanted)


def _read(connection: Connection, numbers: Sequence[int]) -> list[Seal]:
    query = text(SEALS + "WHERE seal BETWEEN :first AND :last ORDER BY seal")
    return [as_seal(row) for row in connection.execute(query, {"first": numbers[0], "last": numbers[-1]})]


def _check_batch(connection: Connection, state: _State, batch: Sequence[Seal]) -> None:
    found = dict(rows_between(connection, state.horizon, batch[-1].horizon))
    state.rows += len(found)
    for seal in batch:
        _check_chain(state, seal)
        _check_rows(state, seal, found)
    state.unsealed += [(number, batch[-1].seal) for number in found]


def _check_chain(state: _State, seal: Seal) -> None:
    if seal.seal != state.expected:
        detail = f"seal {state.expected} is missing before seal {seal.seal}"
        state.findings.append(AuditFinding("dropped", state.expected, None, detail))
    elif chain_of(seal, state.previous) != seal.chain:
        detail = f"seal {seal.seal} does not follow from the one before it"
        state.findings.append(AuditFinding("chain", seal.seal, None, detail))
    elif state.anchored.get(seal.seal, seal.chain) != seal.chain:
        detail = f"seal {seal.seal} is not the one that was anchored"
        state.findings.append(AuditFinding("chain", seal.seal, None, detail))
    state.previous, state.expected, state.horizon = seal.chain, seal.seal + 1, seal.horizon


def _check_rows(state: _State, seal: Seal, found: dict[int, str]) -> None:
    for number, value in zip(seal.ids, seal.digests, strict=False):
        stands = found.pop(number, None)
        if stands is None:
            state.missing[number] = seal.seal
        elif stands != value:
            state.changed[number] = (seal.seal, stands)


def _located(connection: Connection, state: _State) -> Iterator[AuditFinding]:
    """Say of each place that differs what became of it."""
    gone = _gone(connection, state)
    for number, seal in gone:
        yield AuditFinding("dropped", seal, number, f"row {number} was sealed and is gone")
    for number, seal in state.missing.items():
        if (number, seal) not in gone and number in _standing(connection, state.missing):
            yield AuditFinding("changed", seal, number, f"row {number} claims another time than it was sealed with")
    wanted = [value for _, value in state.changed.values()]
    owners: dict[str, int] = {}
    if wanted:
        owners = {row.digest: row.id for row in connection.execute(_OWNERS, {"wanted": wanted})}
    for number, (seal, value) in state.changed.items():
        if value in owners:
            yield AuditFinding("reordered", seal, number, f"row {number} holds what was sealed as row {owners[value]}")
        else:
            yield AuditFinding("changed", seal, number, f"row {number} is not what was sealed")
    for number, seal in state.unsealed:
        if number not in state.missing:
            yield AuditFinding("inserted", seal, number, f"row {number} claims a time long sealed")


def _gone(connection: Connection, state: _State) -> set[tuple[int, int]]:
    """The sealed rows that stand nowhere, but for those that a recorded purge took."""
    if not state.missing:
        return set()
    purged = set(connection.scalars(_PURGED))
    standing = _standing(connection, state.missing)
    return {(n, seal) for n, seal in state.missing.items() if n not in standing and n not in purged}


def _standing(connection: Connection, numbers: Iterable[int]) -> set[int]:
    return set(connection.scalars(_STANDING, {"ids": list(numbers)}))


def _anchor_findings(anchors: Sequence[Anchor] | None, last: int, anchored: dict[int, str]) -> Iterator[AuditFinding]:
    if anchors is None:
        if last:
            yield AuditFinding("anchor", last, None, "the anchor file is missing; nothing tells where the trail ended")
        return
    newest = max(anchored, default=0)
    if newest > last:
        detail = f"the trail ends at seal {last}, but seal {newest} was anchored"
        yield AuditFinding("truncated", newest, None, detail)
    if anchors and anchors[-1].chain == "unreadable":
        yield AuditFinding("chain", 0, None, "the anchor file cannot be read")


def _place(finding: AuditFinding) -> tuple[int, int, str]:
    return finding.seal, finding.row or 0, finding.kind
