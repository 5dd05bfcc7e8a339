"""Identifiers and digests: UUIDv7 made in the application, stable cells by sha256, canonical digests of values."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

CELL_BUCKETS = 1_000_000

_lock = threading.Lock()
_last_ms = 0
_sequence = 0


def uuid7(moment_ms: int) -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562 §5.7) at ``moment_ms`` milliseconds; rising within one process."""
    global _last_ms, _sequence
    with _lock:
        if moment_ms > _last_ms:
            _last_ms, _sequence = moment_ms, int.from_bytes(os.urandom(2)) & 0x7FF
        else:
            _sequence += 1
            if _sequence > 0xFFF:
                _last_ms, _sequence = _last_ms + 1, 0
        stamp, sequence = _last_ms, _sequence
    random = int.from_bytes(os.urandom(8)) & (2**62 - 1)
    return uuid.UUID(int=(stamp << 80) | (0x7 << 76) | (sequence << 64) | (0b10 << 62) | random)


def cell_bucket(salt: str, number: str) -> int:
    """Return the sticky bucket, 0 … 999,999, of a party's first number under a salt (sha256, big-endian)."""
    digest = hashlib.sha256(f"{salt}\x1f{number}".encode()).digest()
    return int.from_bytes(digest[:8]) * CELL_BUCKETS >> 64


def digest_bytes(parts: Iterable[bytes]) -> str:
    """Return the sha256 of ``parts`` one after another, hexadecimal."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()


def digest(value: object) -> str:
    """Return the sha256 of a value's canonical JSON: sorted keys, no spaces, UTF-8."""
    return digest_bytes([canonical_json(value).encode()])


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value; dates as ISO, decimals as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    raise TypeError(f"no canonical JSON for {type(value).__name__}")
