"""The standard exclusions for one customer who is here now: what the batch leaves out, as a function of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankloop.customer.consent import ANY_CHANNEL, DO_NOT_CONTACT, Purpose, Word, holds
from bankloop.kit.expression import Type, parse, to_function
from bankloop.kit.text import Text
from bankloop.loop.audience.contracts import UNTOLD, Visibility
from bankloop.loop.audience.rules import EXCLUSIONS

Row = Mapping[str, Any]
_BY_CODE = {one.code: one for one in EXCLUSIONS}


@dataclass(frozen=True, slots=True)
class StandardExclusions:
    """The conditions compiled, in the order in which they count, with the attributes that they read."""

    conditions: Mapping[str, Callable[[Row], Any]]
    names: tuple[str, ...]

    @staticmethod
    def of(types: Mapping[str, Type]) -> StandardExclusions:
        """Compile them for attributes of these types."""
        parsed = {one.code: parse(one.condition, types) for one in EXCLUSIONS}
        names = sorted({name for one in parsed.values() for name in one.names})
        return StandardExclusions({code: to_function(one) for code, one in parsed.items()}, tuple(names))

    def left_out(self, row: Row) -> str:
        """Return the code of the first that holds, '' where none does; what cannot be known leaves out.

        What is confidential is not told by its name: ``UNTOLD``, and only where nothing open holds.
        """
        known = {**dict.fromkeys(self.names), **row}
        found = [code for code, met in self.conditions.items() if met(known) is not False]
        openly = [code for code in found if _BY_CODE[code].visibility is Visibility.OPEN]
        return openly[0] if openly else (UNTOLD if found else "")


def words_of(code: str) -> Text:
    """Return the title of an open exclusion."""
    return _BY_CODE[code].title


def as_allowed(row: Row, words: Sequence[Word]) -> Row:
    """Return a customer's row with what stands now in the place of what the files of its day said."""
    ways = {one.channel for one in words} | {ANY_CHANNEL}
    consents = any(holds(words, Purpose.MARKETING, way) and not holds(words, Purpose.NO_MARKETING, way) for way in ways)
    return {
        **row,
        "marketing_consent": consents,
        "do_not_contact": holds(words, Purpose(DO_NOT_CONTACT)),
        "personalisation_off": holds(words, Purpose.NO_PERSONALISATION),
    }
