"""One spelling of an identifier, so that the same person's number is found however it was typed."""

from __future__ import annotations

import unicodedata

from bankloop.kit.grammar import normal_phone


def normal_identifier(kind: str, value: str) -> str:
    """Return ``value`` of a kind (``name``, ``phone``, ``id_no``, …) in its one spelling: full-width forms folded."""
    if kind == "phone":
        return normal_phone(value)
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind == "id_no":
        return plain.upper().replace(" ", "")
    return plain
