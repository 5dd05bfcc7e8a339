"""One spelling of an identifier, so that the same person's number is found however it was typed."""

from __future__ import annotations

import re
import unicodedata

_PHONE_NOISE = re.compile(r"[ +\-()]")
_CHINA = "86"
_MOBILE_DIGITS = 11


def normal_identifier(kind: str, value: str) -> str:
    """Return ``value`` of a kind (``name``, ``phone``, ``id_no``, …) in its one spelling: full-width forms folded."""
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind == "phone":
        digits = _PHONE_NOISE.sub("", plain)
        long = len(digits) == _MOBILE_DIGITS + len(_CHINA) and digits.startswith(_CHINA)
        return digits[len(_CHINA) :] if long else digits
    if kind == "id_no":
        return plain.upper().replace(" ", "")
    return plain
