"""Passwords, codes and tokens: made here, kept as digests only."""

from __future__ import annotations

import functools
import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_CODE_GROUPS, _CODE_LENGTH = 4, 5


@functools.cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, profiles

    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


@functools.cache
def _nobody() -> str:
    """The hash against which the password of who is not there is checked, so that the answer takes as long."""
    return _hasher().hash(secrets.token_urlsafe(16))


def hashed(password: str) -> str:
    """Return the argon2id hash of a password, salt and parameters in it."""
    return _hasher().hash(password)


def verified(kept: str | None, password: str) -> bool:
    """Return whether a password is that of a hash; without a hash it takes as long and is false."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return _hasher().verify(kept or _nobody(), password) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Return whether a hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(kept)


def new_token(prefix: str = "") -> str:
    """Return a token of 256 bits; ``prefix`` lets scanners find one that was written down where it should not be."""
    return prefix + secrets.token_urlsafe(32)


def new_code() -> str:
    """Return a code that a person types once: 99 bits in four groups without letters that look alike."""
    letters = [secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH * _CODE_GROUPS)]
    return "-".join("".join(letters[i : i + _CODE_LENGTH]) for i in range(0, len(letters), _CODE_LENGTH))


def digest_of(token: str) -> str:
    """Return what is kept of a token; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
