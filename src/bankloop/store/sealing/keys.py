"""The key ring: where keys come from, sealing and unsealing, blind indexes, rotation.

A sealed value is ``1 · length of the key's id · id · nonce of 12 bytes · ciphertext and tag``. What it is (``kind``) and
whose (``about``) are authenticated with it: a value moved to another row does not open. Blind indexes have a key of
their own that is never rotated with the others, as every index would change with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bankloop.kit.bounded import read_json
from bankloop.store import errors
from bankloop.store.embedded.places import Places
from bankloop.store.sealing.normal import normal_identifier

KEYS = "BANKLOOP_KEYS"
KEY_FILE = "BANKLOOP_KEY_FILE"
FORMAT = 1

_KEY_BYTES = 32
_NONCE_BYTES = 12
_BLOCK_BYTES = 64
# NIST SP 800-38D 8.3: under one key at most 2^32 random nonces; rotate long before.
MAX_SEALS_PER_KEY = 2**32


@dataclass(frozen=True)
class KeyRing:
    """The bank's keys: ``current`` seals, every one of ``ring`` opens, ``blind`` makes indexes; nothing shows them."""

    current: str
    ring: Mapping[str, bytes] = field(repr=False)
    blind_key: bytes = field(repr=False)
    place: str = ""

    @classmethod
    def read(cls, written: str, place: str) -> Self:
        """Return the ring of its JSON form; raise ``EnvironmentFault`` when that is not one."""
        try:
            found = read_json(written, place)
            ring = {str(name): _key(value) for name, value in found["keys"].items()}
            made = cls(str(found["current"]), ring, _key(found["blind"]), place)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise errors.bad_keys(place, type(error).__name__) from None
        if found.get("format") != FORMAT or made.current not in ring:
            raise errors.bad_keys(place, "format or current key")
        return made

    def written(self) -> str:
        """Return the JSON form."""
        keys = {name: _text(key) for name, key in self.ring.items()}
        return json.dumps({"format": FORMAT, "current": self.current, "keys": keys, "blind": _text(self.blind_key)})

    def seal(self, kind: str, plain: str | bytes, about: str = "") -> bytes:
        """Return ``plain`` encrypted under the current key, bound to what it is and whose."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name, nonce = self.current.encode(), os.urandom(_NONCE_BYTES)
        data = plain.encode() if isinstance(plain, str) else plain
        body = AESGCM(self.ring[self.current]).encrypt(nonce, data, _bound(kind, about))
        return bytes([FORMAT, len(name)]) + name + nonce + body

    def seal_many(self, kind: str, plain: Iterable[str], about: Iterable[str]) -> list[bytes]:
        """Return many values sealed, each bound to its own ``about``: the key schedule is made once."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name, cipher = self.current.encode(), AESGCM(self.ring[self.current])
        head, encrypt, start = bytes([FORMAT, len(name)]) + name, cipher.encrypt, _bound(kind, "")
        pairs = list(zip(plain, about, strict=True))
        noise = os.urandom(_NONCE_BYTES * len(pairs))
        sealed = []
        for place, (value, whose) in enumerate(pairs):
            nonce = noise[_NONCE_BYTES * place : _NONCE_BYTES * (place + 1)]
            sealed.append(head + nonce + encrypt(nonce, value.encode(), start + whose.encode()))
        return sealed

    def unseal_bytes(self, kind: str, sealed: bytes, about: str = "") -> bytes:
        """Return the plain bytes; raise ``EnvironmentFault`` without the key, ``ConflictError`` when it was tampered with."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name, rest = split_sealed(sealed)
        if name not in self.ring:
            raise errors.key_missing(name, self.place)
        try:
            return AESGCM(self.ring[name]).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(kind, about))
        except InvalidTag:
            raise errors.seal_broken(kind) from None

    def unseal(self, kind: str, sealed: bytes, about: str = "") -> str:
        """Return the plain text; errors as ``unseal_bytes``."""
        return self.unseal_bytes(kind, sealed, about).decode()

    def blind(self, kind: str, value: str) -> str:
        """Return the blind index of an identifier: equal values give equal indexes, nothing leads back."""
        return blind_index(self.blind_key, kind, normal_identifier(kind, value))

    def blind_many(self, kind: str, normal: Iterable[str]) -> list[str]:
        """Return the blind indexes of values that are in their one spelling already: the key is hashed in once."""
        inner, outer = (hashlib.sha256(pad) for pad in _pads(self.blind_key))
        head = f"{kind}:".encode()
        found = []
        for value in normal:
            first, second = inner.copy(), outer.copy()
            first.update(head + value.encode())
            second.update(first.digest())
            found.append(second.hexdigest()[:INDEX_DIGITS])
        return found

    @staticmethod
    def fresh_key() -> bytes:
        """Return a new random key."""
        return secrets.token_bytes(_KEY_BYTES)

    def rotated(self) -> KeyRing:
        """Return the ring with a new current key; the old ones go on opening."""
        name = _new_name(self.ring)
        return KeyRing(name, {**self.ring, name: secrets.token_bytes(_KEY_BYTES)}, self.blind_key, self.place)

    def without(self, name: str) -> KeyRing:
        """Return the ring without a retired key; what is still sealed under it opens no more."""
        if name == self.current:
            raise errors.bad_keys(self.place, f"{name} is current")
        return KeyRing(self.current, {k: v for k, v in self.ring.items() if k != name}, self.blind_key, self.place)

    def fingerprints(self) -> dict[str, str]:
        """Return what tells each key from another without showing it."""
        return {name: hashlib.sha256(b"bankloop key\x1f" + key).hexdigest()[:16] for name, key in self.ring.items()}


# Hexadecimal digits of an index: 128 bits, where doubles among 1e9 people are out of reach. The lake's tokens are these.
INDEX_DIGITS = 32


def blind_index(key: bytes, kind: str, normal: str) -> str:
    """Return HMAC-SHA256 of kind and normal value, truncated (RFC 2104 section 5)."""
    return hmac.digest(key, f"{kind}:{normal}".encode(), "sha256").hex()[:INDEX_DIGITS]


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded keys of HMAC-SHA256 (RFC 2104 section 2); our keys are shorter than a block."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)


def split_sealed(sealed: bytes) -> tuple[str, bytes]:
    """Return the key's id and what follows it."""
    if len(sealed) < 2 or sealed[0] != FORMAT:
        raise errors.seal_broken("unknown")
    end = 2 + sealed[1]
    return sealed[2:end].decode("ascii", "replace"), sealed[end:]


def key_file(folder: Path) -> Path:
    """Return where the keys of a bank folder lie unless the environment holds them: never inside the bank's folder."""
    if named := os.environ.get(KEY_FILE):
        return Path(named)
    return Places.of(folder).root.parent / "keys" / f"{Places.of(folder).root.name}.json"


def open_keys(folder: Path) -> KeyRing:
    """Return the bank's ring: BANKLOOP_KEYS, else the file of BANKLOOP_KEY_FILE, else our own file, made on first use."""
    if written := os.environ.get(KEYS):
        return KeyRing.read(written, KEYS)
    path = key_file(folder)
    if not path.exists():
        if KEY_FILE in os.environ:
            raise errors.bad_keys(str(path), "no such file")
        make_key_file(path)
    if path.stat().st_mode & 0o077:
        raise errors.bad_keys(str(path), "readable by others: chmod 600")
    return KeyRing.read(path.read_text(encoding="ascii"), str(path))


_known: dict[Path, tuple[tuple[str | None, str, int], KeyRing]] = {}


def keys_in_force(folder: Path) -> KeyRing:
    """Return the ring, read again when the environment or the file has changed since."""
    path = key_file(folder)
    try:
        written = path.stat().st_mtime_ns
    except FileNotFoundError:
        written = 0
    state = (os.environ.get(KEYS), str(path), written)
    known = _known.get(folder)
    if known is None or known[0] != state:
        ring = open_keys(folder)
        _known[folder] = (state, ring)
        return ring
    return known[1]


def make_key_file(path: Path) -> None:
    """Make a new ring's file, readable by us alone; whoever is faster wins and nobody's keys are overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    ring = {"k1": secrets.token_bytes(_KEY_BYTES)}
    draft = _draft(path, KeyRing("k1", ring, secrets.token_bytes(_KEY_BYTES)))
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def rotate_keys(folder: Path) -> KeyRing:
    """Give the ring's file a new current key and return the ring; keys of the environment are rotated there."""
    if KEYS in os.environ:
        raise errors.bad_keys(KEYS, "rotate where the variable is set")
    return keep_keys(open_keys(folder).rotated(), key_file(folder))


def keep_keys(ring: KeyRing, path: Path) -> KeyRing:
    """Write a changed ring over its file, whole or not at all."""
    _draft(path, ring).rename(path)
    return ring


def _draft(path: Path, ring: KeyRing) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".keys-")  # mode 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(ring.written())
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _bound(kind: str, about: str) -> bytes:
    return f"bankloop\x1f{kind}\x1f{about}".encode()


def _new_name(ring: Mapping[str, bytes]) -> str:
    number = max((int(name[1:]) for name in ring if name[1:].isdigit()), default=0) + 1
    return f"k{number}"


def _key(written: str) -> bytes:
    key = base64.b64decode(written, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError
    return key


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
