"""The key that turns personal identifiers into tokens: made on first use, readable by its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

KEY_FILE = Path("data") / "secret.key"
_KEY_BYTES = 32
_BLOCK_BYTES = 64


def token_key(folder: Path) -> bytes:
    """Return the bank's token key, creating ``data/secret.key`` (mode 0600) when absent."""
    path = folder / KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    with os.fdopen(handle, "w", encoding="ascii") as file:
        key = os.urandom(_KEY_BYTES)
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Return the inner and outer padded keys of HMAC-SHA256 (RFC 2104), for an engine that has only sha256."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)
