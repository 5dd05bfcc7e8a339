"""Whether an identifier can be what it says it is: one that cannot names nobody, however many bear it.

The rule stands twice: here for one value, and as ``TRUSTED`` in SQL for a column; a property test holds them equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from bankloop.customer.identity.contracts import ACCOUNT, DOCUMENT_TYPES
from bankloop.kit.text import Text

ID_CARD = "id_card"
# Eighteen places since 1999 (GB 11643): six of the place, eight of the birth date, three in order, the check digit.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_ID = re.compile(r"\d{6}(18|19|20)\d{9}[\dX]")
# 62 is UnionPay's: what begins so and is so long is a card, and other accounts have no check digit to fail.
_BANK_CARD = re.compile(r"62\d{14,17}")
# Shorter ones, or with fewer digits, are remarks and initials: passports have six digits and more.
SHORTEST, FEWEST_DIGITS = 5, 4
# What is typed where nothing is known, whole or from its beginning.
_TYPED = ("1234567890" * 2, "0123456789" * 2, "9876543210" * 2)
# An identifier in doubt is kept and found under a kind of its own, which links nobody.
_DOUBTED = "?"


class Doubt(StrEnum):
    """Why an identifier cannot be one."""

    WORD = "word"
    REPEATED = "repeated"
    TYPED = "typed"
    SHAPE = "shape"
    NO_DAY = "no_day"
    CHECK_DIGIT = "check_digit"


DOUBTS: Mapping[Doubt, Text] = {
    Doubt.WORD: Text("证件号是文字，不是号码", "the document is a word and no number"),
    Doubt.REPEATED: Text("证件号是同一个数字的重复", "the document is one digit repeated"),
    Doubt.TYPED: Text("证件号是顺手敲的 1234…", "the document is digits typed in a row"),
    Doubt.SHAPE: Text("证件号位数或格式不对", "the document is not as long, or not written, as one is"),
    Doubt.NO_DAY: Text("身份证号里的出生日期不存在", "the identity card's birth date is no day"),
    Doubt.CHECK_DIGIT: Text("证件号校验位不对", "the document's check digit is wrong"),
}


def doubt_of(kind: str, number: str) -> Doubt | None:
    """Return why a number in its one spelling cannot be a document or bank card of its kind; None where it can."""
    if kind not in (*DOCUMENT_TYPES, ACCOUNT):
        return None
    digits = re.sub(r"\D", "", number)
    if not digits:
        return Doubt.WORD
    if len(digits) >= FEWEST_DIGITS and len(set(digits)) == 1:
        return Doubt.REPEATED
    if len(digits) >= SHORTEST and any(row.startswith(digits) for row in _TYPED):
        return Doubt.TYPED
    match kind:
        case "account":
            return Doubt.CHECK_DIGIT if _BANK_CARD.fullmatch(number) and not _luhn(number) else None
        case "id_card":
            return _card_doubt(number)
    return Doubt.SHAPE if len(number) < SHORTEST or len(digits) < FEWEST_DIGITS else None


def mark_kind(kind: str, number: str) -> str:
    """Return the kind under which an identifier is kept and looked for: one of its own where it is in doubt."""
    return kind + _DOUBTED if doubt_of(kind, number) else kind


def plain_kind(kind: str) -> str:
    """Return the kind of an identifier, in doubt or not."""
    return kind.removesuffix(_DOUBTED)


DOUBTED_DOCUMENTS = tuple(kind + _DOUBTED for kind in DOCUMENT_TYPES)


def valid_card(number: str) -> bool:
    """Return whether a number can be an identity card's."""
    return doubt_of(ID_CARD, number) is None


def check_digit(digits: str) -> str:
    """Return the eighteenth place of seventeen (GB 11643, ISO 7064 MOD 11-2)."""
    return _ID_CHECKS[sum(int(digit) * weight for digit, weight in zip(digits, _ID_WEIGHTS, strict=True)) % 11]


def _card_doubt(number: str) -> Doubt | None:
    if not _ID.fullmatch(number):
        return Doubt.SHAPE
    try:
        date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError:
        return Doubt.NO_DAY
    return None if check_digit(number[:17]) == number[17] else Doubt.CHECK_DIGIT


def _luhn(number: str) -> bool:
    """Return whether the check digit of a bank card is right (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _trusted(number: str, kind: str) -> str:
    digits = f"regexp_replace({number}, '[^0-9]', '', 'g')"
    total = " + ".join(
        f"{weight} * TRY_CAST(substr({number}, {place}, 1) AS INT)" for place, weight in enumerate(_ID_WEIGHTS, 1)
    )
    typed = " OR ".join(f"starts_with('{row}', {digits})" for row in _TYPED)
    return (
        f"({digits} <> '' AND NOT (length({digits}) >= {FEWEST_DIGITS} AND replace({digits}, left({digits}, 1), '') = '') "
        f"AND NOT (length({digits}) >= {SHORTEST} AND ({typed})) AND CASE WHEN {kind} = '{ID_CARD}' THEN "
        f"CASE WHEN regexp_full_match({number}, '{_ID.pattern}') AND try_strptime(substr({number}, 7, 8), '%Y%m%d') IS NOT NULL "
        f"THEN substr('{_ID_CHECKS}', ({total}) % 11 + 1, 1) = substr({number}, 18, 1) ELSE false END "
        f"ELSE length({number}) >= {SHORTEST} AND length({digits}) >= {FEWEST_DIGITS} END)"
    )


# The condition in SQL that ``document`` of type ``document_type`` is in no doubt.
TRUSTED = _trusted("document", "document_type")
