"""The audit trail: a row with every verb, sealed in batches into a chain of digests anchored outside the database.

A seal covers the rows of all transactions between two horizons. A horizon is the oldest transaction still running when
the seal was made, so that a late commit is never passed over, as it would be by ``id > last``. The last seal is also
written to ``data/audit-anchor`` in the bank folder: what is cut off the end of the trail is missed there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from bankloop.kit import canonical_json, digest, digest_bytes
from bankloop.store import errors
from bankloop.store.contracts import EVERY_UNIT, AuditFinding, AuditReport, Principal, Role
from bankloop.store.database import Store, principal_of

_START = digest_bytes([b"bankloop audit"])
_SEALER_LOCK = 4_242_002
_SEALER = Principal("system:sealer", frozenset({"system"}), (EVERY_UNIT,), "audit")

_INSERT = text(
    "INSERT INTO audit (principal, verb, object_kind, object_id, before, after, reason) "
    "VALUES (:principal, :verb, :kind, :id, CAST(:before AS json), CAST(:after AS json), :reason)"
)
# The very text of before and after: json keeps it, and the digest is over it.
_ROWS = (
    "SELECT id, xid, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), principal, verb, "
    "object_kind, object_id, before::text, after::text, reason FROM audit "
)
_SEALS = text("SELECT seal, horizon, row_ids, row_digests, chain FROM audit_seal ORDER BY seal")
_LAST_SEAL = text("SELECT seal, horizon, row_ids, row_digests, chain FROM audit_seal ORDER BY seal DESC LIMIT 1")
_ADD_SEAL = text(
    "INSERT INTO audit_seal (seal, horizon, row_ids, row_digests, chain) "
    "VALUES (:seal, :horizon, :ids, :digests, :chain)"
)


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    xid: int
    digest: str


@dataclass(frozen=True, slots=True)
class _Seal:
    seal: int
    horizon: int
    ids: tuple[int, ...]
    digests: tuple[str, ...]
    chain: str


def record_audit(
    connection: Connection,
    verb: str,
    object_kind: str,
    object_id: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str = "",
) -> None:
    """Write the audit row of a verb, in the verb's own transaction."""
    connection.execute(
        _INSERT,
        {
            "principal": principal_of(connection).id,
            "verb": verb,
            "kind": object_kind,
            "id": object_id,
            "before": None if before is None else canonical_json(before),
            "after": None if after is None else canonical_json(after),
            "reason": reason,
        },
    )


def seal_audit(store: Store) -> int:
    """Seal every row whose transaction is surely over and return how many; anchor the seal in the bank folder.

    Raises ``ConflictError`` when the trail no longer reaches the anchor: sealing on would hide what was cut off.
    """
    with store.begin(_SEALER, Role.OWNER) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SEALER_LOCK})
        seals = [_as_seal(row) for row in connection.execute(_LAST_SEAL)]
        last = seals[0] if seals else _Seal(0, 0, (), (), _START)
        if _cut_off(_read_anchor(store.folder), last):
            raise errors.audit_broken(store.folder / "data" / "audit-anchor")
        made = _make_seal(connection, last)
    if made or last.seal:
        _write_anchor(store.folder, made or last)
    return len(made.ids) if made else 0


def verify_audit(store: Store) -> AuditReport:
    """Recompute the whole chain and report every place where the trail is not what was sealed."""
    with store.begin(_SEALER, Role.AUDITOR) as connection:
        seals = [_as_seal(row) for row in connection.execute(_SEALS)]
        rows = list(_rows(connection, 0))
    findings = [*_chain_findings(seals), *_row_findings(seals, rows), *_anchor_findings(store.folder, seals)]
    horizon = seals[-1].horizon if seals else 0
    return AuditReport(len(rows), len(seals), sum(row.xid >= horizon for row in rows), tuple(findings))


def _make_seal(connection: Connection, last: _Seal) -> _Seal | None:
    horizon = connection.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0
    rows = [row for row in _rows(connection, last.horizon) if row.xid < horizon]
    if not rows:
        return None
    ids, digests = tuple(row.id for row in rows), tuple(row.digest for row in rows)
    seal = _Seal(last.seal + 1, horizon, ids, digests, "")
    chain = _chain(seal, last.chain)
    connection.execute(
        _ADD_SEAL,
        {"seal": seal.seal, "horizon": horizon, "ids": list(ids), "digests": list(digests), "chain": chain},
    )
    return _Seal(seal.seal, horizon, ids, digests, chain)


def _chain(seal: _Seal, previous: str) -> str:
    head = canonical_json([seal.seal, seal.horizon, seal.ids])
    return digest_bytes(part.encode() for part in (previous, head, *seal.digests))


def _rows(connection: Connection, horizon: int) -> Iterator[_Row]:
    result = connection.execute(text(_ROWS + "WHERE xid >= :horizon ORDER BY id"), {"horizon": horizon})
    for number, xid, *facts in result:
        yield _Row(number, xid, digest(facts))


def _as_seal(row: Any) -> _Seal:
    return _Seal(row.seal, row.horizon, tuple(row.row_ids), tuple(row.row_digests), row.chain)


def _chain_findings(seals: Sequence[_Seal]) -> Iterator[AuditFinding]:
    previous, expected = _START, 1
    for seal in seals:
        if seal.seal != expected:
            yield AuditFinding("dropped", expected, None, f"seal {expected} is missing before seal {seal.seal}")
        elif _chain(seal, previous) != seal.chain:
            yield AuditFinding("chain", seal.seal, None, f"seal {seal.seal} does not follow from the one before it")
        previous, expected = seal.chain, seal.seal + 1


def _row_findings(seals: Sequence[_Seal], rows: Sequence[_Row]) -> Iterator[AuditFinding]:
    found = {row.id: row for row in rows}
    sealed = {number: seal.seal for seal in seals for number in seal.ids}
    owner = {value: number for seal in seals for number, value in zip(seal.ids, seal.digests, strict=False)}
    for seal in seals:
        for number, value in zip(seal.ids, seal.digests, strict=False):
            row = found.get(number)
            if row is None:
                yield AuditFinding("dropped", seal.seal, number, f"row {number} was sealed and is gone")
            elif row.digest != value and row.digest in owner:
                detail = f"row {number} holds what was sealed as row {owner[row.digest]}"
                yield AuditFinding("reordered", seal.seal, number, detail)
            elif row.digest != value:
                yield AuditFinding("changed", seal.seal, number, f"row {number} is not what was sealed")
    horizon = seals[-1].horizon if seals else 0
    for row in rows:
        if row.xid < horizon and row.id not in sealed:
            yield AuditFinding("inserted", seals[-1].seal, row.id, f"row {row.id} claims a time long sealed")


def _anchor_findings(folder: Path, seals: Sequence[_Seal]) -> Iterator[AuditFinding]:
    anchor = _read_anchor(folder)
    last = seals[-1].seal if seals else 0
    if anchor is None:
        if seals:
            yield AuditFinding(
                "anchor", last, None, "data/audit-anchor is missing; nothing tells where the trail ended"
            )
        return
    number, chain = anchor
    if number > last:
        yield AuditFinding("truncated", number, None, f"the trail ends at seal {last}, but seal {number} was anchored")
    elif chain not in {seal.chain for seal in seals if seal.seal == number}:
        yield AuditFinding("chain", number, None, f"seal {number} is not the one that was anchored")


def _cut_off(anchor: tuple[int, str] | None, last: _Seal) -> bool:
    if anchor is None:
        return False
    number, chain = anchor
    return number > last.seal or (number == last.seal and chain != last.chain)


def _read_anchor(folder: Path) -> tuple[int, str] | None:
    try:
        found = json.loads((folder / "data" / "audit-anchor").read_text())
        return int(found["seal"]), str(found["chain"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return 0, "unreadable"


def _write_anchor(folder: Path, seal: _Seal) -> None:
    """Write the anchor whole or not at all."""
    path = folder / "data" / "audit-anchor"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name("audit-anchor.new")
    with draft.open("w") as file:
        file.write(canonical_json({"seal": seal.seal, "chain": seal.chain}))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
