"""Short links of codes: the code and a signature, so that nobody makes one up or turns one into another's."""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from bankloop.growth.codes import errors
from bankloop.lake.secret import token_key

PATH = "/c/"
# 40 random bits name a code, 40 bits sign it: 16 letters, so that the picture stays coarse enough to print small.
_CODE_BYTES, _SIGNED_BYTES = 5, 5
_LETTERS = 8


def new_code() -> str:
    """Return the name of a code that nobody guesses."""
    return _letters(secrets.token_bytes(_CODE_BYTES))


def link_of(folder: Path, code: str) -> str:
    """Return the path of a code's link."""
    return f"{PATH}{code}{_signature(folder, code)}"


def read_link(folder: Path, token: str) -> str:
    """Return the code of a link's last part; raise ``NotFoundError`` for one that the bank did not make."""
    code, signed = token[:_LETTERS].lower(), token[_LETTERS:].lower()
    if not hmac.compare_digest(_signature(folder, code).encode(), signed.encode()):
        raise errors.bad_link()
    return code


def address_of(start: str, link: str, place: str = "") -> str:
    """Return the whole address that is printed; a place where it hangs comes with it."""
    return start.rstrip("/") + link + (f"?at={quote(place)}" if place else "")


def device_of(folder: Path, day: str, address: str, agent: str) -> str:
    """Return what tells devices of one day apart and nothing else: without the bank's key nobody gets back from it."""
    return _letters(hmac.digest(_key(folder, b"device"), f"{day}|{address}|{agent}".encode(), sha256)[:_CODE_BYTES])


def _signature(folder: Path, code: str) -> str:
    return _letters(hmac.digest(_key(folder, b"link"), code.encode(), sha256)[:_SIGNED_BYTES])


def _key(folder: Path, use: bytes) -> bytes:
    return hmac.digest(token_key(folder), b"channel code " + use, sha256)


def _letters(given: bytes) -> str:
    return base64.b32encode(given).decode("ascii").lower()
