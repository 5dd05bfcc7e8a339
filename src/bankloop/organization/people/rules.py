"""Pure rules: what an id and a name may be, who may take which task."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from bankloop.organization.people import errors
from bankloop.organization.people.contracts import Licence

# From this rating on a product may be sold by licensed staff only (适当性管理: 中高风险).
LICENSED_FROM = 3
# What is on record beside licences under such a kind is training: it lets nobody sell.
TRAINING = "training."
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_NAME_LENGTH = 64
# Planes 2 and 3: people's names have characters there that Python's tables do not know yet.
_IDEOGRAPHS = range(0x20000, 0x3FFFE)


def checked_id(value: str) -> str:
    """Return an id of ours, or raise ``InputError``: what goes into lists of settings holds no separator."""
    if not _ID.fullmatch(value):
        raise errors.bad_name(ascii(value)[:80])
    return value


def checked_name(value: str) -> str:
    """Return a name to show, in NFC; raise ``InputError`` for an empty, long or invisible one.

    What is not seen, such as control and bidirectional characters, is refused: it lets a name look like another.
    """
    found = unicodedata.normalize("NFC", value).strip()
    if not found or len(found) > _NAME_LENGTH or not all(c.isprintable() or ord(c) in _IDEOGRAPHS for c in found):
        raise errors.bad_name(ascii(value)[:80])
    return found


def may_take(person: str, risk: int, licence: str, held: Iterable[Licence], day: date) -> None:
    """Raise ``DeniedError`` unless a task of this risk may be given: from R3 on with a licence valid on the day.

    ``licence`` is the kind that the task needs; '' is content with any.
    """
    if risk < LICENSED_FROM:
        return
    selling = (one for one in held if not one.kind.startswith(TRAINING))
    if not any(one.covers(day) and licence in ("", one.kind) for one in selling):
        raise errors.no_licence(person, licence or "*", day)
