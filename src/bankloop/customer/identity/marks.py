"""Identifiers in their one spelling, what of a record is looked for by blind index, and how a value is masked.

A mark is one identifier of one identity: a phone, a document, an account, a channel's id. The same words are normalised
here for storing and for finding, so that a number typed with spaces is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bankloop.customer.identity import errors
from bankloop.customer.identity.contracts import ACCOUNT, ADDRESS, CHANNELS, DOCUMENT_TYPES, EMAIL, PHONE
from bankloop.customer.identity.features import new_id
from bankloop.customer.identity.names import plain_name
from bankloop.customer.identity.plausible import ID_CARD, Doubt, doubt_of, mark_kind, plain_kind

NAME = "name"
KINDS = (NAME, PHONE, EMAIL, ADDRESS, ACCOUNT, *DOCUMENT_TYPES, *CHANNELS)
_CHINESE_MOBILE = re.compile(r"(?:0086|86)(1\d{10})")
MASK = "***"


def normal_value(kind: str, value: str) -> str:
    """Return an identifier in its one spelling, '' where nothing is left; raise ``InputError`` for an unknown kind."""
    if kind not in KINDS:
        raise errors.unknown_kind(kind, list(KINDS))
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind == NAME:
        return plain_name(value)
    if kind == PHONE:
        digits = re.sub(r"\D", "", plain)
        return found[1] if (found := _CHINESE_MOBILE.fullmatch(digits)) else digits
    if kind == EMAIL:
        return _composed(plain.lower().replace(" ", ""))
    if kind == ADDRESS:
        return _composed(re.sub(r"[\W_]", "", plain.lower()))
    if kind in CHANNELS:
        return plain
    bare = re.sub(r"[^0-9A-Za-z]", "", plain).upper()
    return new_id(bare) if kind == ID_CARD and re.fullmatch(r"\d{15}", bare) else bare


def _composed(plain: str) -> str:
    """Put together what stood apart before something between was left out: an accent, the parts of a syllable."""
    return unicodedata.normalize("NFKC", plain)


def marks_of(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (kind, normal value) of all by which a record can be found; what is in doubt under a kind of its own."""
    for kind, value in _identifiers_of(record):
        yield mark_kind(kind, value), value


def doubts_of(record: Mapping[str, Any]) -> Iterator[tuple[str, str, Doubt]]:
    """Yield (kind, normal value, why) of the identifiers of a record that cannot be what they say they are."""
    for kind, value in _identifiers_of(record):
        if doubt := doubt_of(kind, value):
            yield kind, value, doubt


def _identifiers_of(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pairs = [(kind, record.get(kind)) for kind in (NAME, PHONE, EMAIL, ADDRESS)]
    pairs.append((record.get("document_type") or ID_CARD, record.get("document_no")))
    pairs += [tuple(item.split(":", 1)) for item in record.get("also") or () if ":" in item]
    for kind, value in pairs:
        if value and kind in KINDS and (plain := normal_value(kind, value)):
            yield kind, plain


def unknown_marks(records: Sequence[Mapping[str, Any]]) -> int:
    """Return how many further identifiers are of no known kind: they are left out, and told."""
    return sum(item.split(":", 1)[0] not in KINDS for record in records for item in record.get("also") or ())


def masked(kind: str, value: str) -> str:
    """Return a value as staff see it by default (JR/T 0171): 138****1234, 110***********1234, 王*."""
    match plain_kind(kind):
        case "name":
            return value[:1] + "*" * min(max(len(value) - 1, 1), 3)
        case "phone":
            return f"{value[:3]}****{value[-4:]}" if len(value) >= 11 else f"{MASK}{value[-2:]}"
        case "birth":
            return f"{value[:4]}****"
        case "gender":
            return "*"
        case "email":
            return f"{value[:1]}{MASK}@{value.rpartition('@')[2]}"
        case "address":
            return f"{value[:3]}{MASK}"
        case "account":
            return f"{value[:6]}******{value[-4:]}" if len(value) >= 14 else f"{MASK}{value[-2:]}"
        case _:
            return f"{value[:3]}{'*' * (len(value) - 7)}{value[-4:]}" if len(value) >= 15 else f"{MASK}{value[-2:]}"


def document_of(record: Mapping[str, Any]) -> str:
    """Return a record's document in its one spelling, '' where it has none; one of an unknown kind as an identity card."""
    kind = str(record.get("document_type") or ID_CARD)
    return normal_value(kind if kind in DOCUMENT_TYPES else ID_CARD, str(record.get("document_no") or ""))
