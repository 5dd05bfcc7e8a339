"""One strict grammar a type: what a text must look like to be an amount, a whole number, a day, a moment, a key, a number to call.

A lenient reader takes ``1.234,56`` for 1.23 and ``24-02-03`` for the year 24, and nobody is told. Patterns are written in
the part of regular expressions that Python and the engines read alike, so that a load, a list and the API agree; each is
for the whole text. Imported by path (``bankloop.kit.grammar``).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal

from bankloop.kit import money
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text

# No living customer and no contract of a bank lies outside.
FIRST_YEAR, LAST_YEAR = 1900, 2100

_DAY = r"(19[0-9][0-9]|20[0-9][0-9]|2100)[-/](0?[1-9]|1[0-2])[-/](0?[1-9]|[12][0-9]|3[01])"
_OFFSET = r"Z|UTC|[+-][01][0-9](:?[0-5][0-9])?"
INTEGER = r"[+-]?[0-9]+"
AMOUNT = money.AMOUNT
# A spreadsheet or a database writes a day with the midnight that begins it.
DAY = _DAY + r"([ T]00:00(:00(\.0+)?)?)?"
MOMENT = _DAY + r"([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?( ?(" + _OFFSET + "))?)?"
# How a moment says its zone; without one it is in the zone of its source.
ZONED = r"[0-9] ?(" + _OFFSET + ")$"
# What a spreadsheet makes of a long number, or of any: the code itself is lost.
NUMBER_SHOWN = r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]+\.0*"
# Signs that are no part of any word, key or name; a line break and a tab may be part of a note.
UNPRINTABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
# Nobody sees these, and they make two keys of one.
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
BLANKS = " \t\r\n\x0b\x0c\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
# Mainland mobile numbers: 11 digits from 1, behind the country's code or not.
MOBILE = "1[0-9]{10}"
PHONE_NOISE = r"[-()（）.·\s\x{a0}\x{2002}-\x{200f}\x{202a}-\x{202f}\x{2060}-\x{2069}\x{3000}\x{feff}\x{ad}－]"
PHONE_PREFIX = r"^(\+|00)?86(1[0-9]{10})$"
FULL_WIDTH, HALF_WIDTH = "０１２３４５６７８９＋", "0123456789+"
# A number that a spreadsheet kept as a number ends in this.
PHONE_TAIL = r"\.0+$"

_AMOUNT, _TAIL, _PREFIX = re.compile(AMOUNT), re.compile(PHONE_TAIL), re.compile(PHONE_PREFIX)
_A_DAY = re.compile(DAY)
_A_MOMENT = re.compile(rf"(?P<day>{_DAY})([ T](?P<clock>[0-9:.]+)( ?(?P<offset>{_OFFSET}))?)?")
_WHOLE_MOMENT = re.compile(MOMENT)
_NOISE = re.compile(re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), PHONE_NOISE))
_ENDS = BLANKS + INVISIBLE


def clean_text(text: str) -> str:
    """Return a text without blanks and invisible signs around it."""
    return text.strip(_ENDS)


def normal_phone(text: str) -> str:
    """Return a number to call in its one spelling; a mainland mobile number without the country's code."""
    plain = _TAIL.sub("", clean_text(unicodedata.normalize("NFKC", text)))
    bare = _NOISE.sub("", plain)
    found = _PREFIX.fullmatch(bare)
    return found[2] if found else bare.lstrip("+")


def read_amount(text: str) -> int:
    """Return an amount of yuan in fen; raise ``InputError`` for what is none, be it only by its commas."""
    plain = clean_text(text)
    if not _AMOUNT.fullmatch(plain):
        raise InputError(
            "money.grammar",
            Text(
                "“{amount}”不是金额；请写成 1234.56 或 1,234.56",
                "'{amount}' is not an amount; write 1234.56 or 1,234.56",
            ),
            amount=text[:40],
        )
    return money.to_fen(Decimal(plain.replace(",", "")))


def read_day(text: str) -> date:
    """Return the day that a text says; raise ``InputError`` for what is none, or lies where no bank's day does."""
    plain = clean_text(text)
    found = _A_DAY.fullmatch(plain)
    try:
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass  # a month has no such day
    raise InputError(
        "day.grammar",
        Text(
            "“{day}”不是 {first} 至 {last} 年间的日期；请写成 2026-06-30",
            "'{day}' is not a day of the years {first} to {last}; write 2026-06-30",
        ),
        day=text[:40],
        first=FIRST_YEAR,
        last=LAST_YEAR,
    )


def read_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Return the moment that a text says, in the zone that it says, or in ``zone`` where it says none.

    Raises ``InputError`` for what is no moment, and for one without any zone.
    """
    plain = clean_text(text)
    found = _A_MOMENT.fullmatch(plain) if _WHOLE_MOMENT.fullmatch(plain) else None
    where = zone if found is None or found["offset"] is None else _zone_of(found["offset"])
    if found is None or where is None:
        raise InputError(
            "moment.grammar",
            Text(
                "“{moment}”不是带时区的时刻；请写成 2026-06-30T10:00:00+08:00",
                "'{moment}' is not a moment with its zone; write 2026-06-30T10:00:00+08:00",
            ),
            moment=text[:40],
        )
    return datetime.combine(read_day(found["day"]), time.fromisoformat(found["clock"] or "00:00"), where)


def _zone_of(offset: str) -> tzinfo:
    """Return the zone of an offset as texts write it: ``Z``, ``UTC``, ``+08``, ``+0800``, ``+08:00``."""
    if offset in ("Z", "UTC"):
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)
