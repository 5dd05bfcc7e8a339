"""What a field of a request, or of a job, may hold: one bounded type a kind, read by the one grammar of its kind.

A lenient reader takes the number 1 for a day of 1970, ``true`` for one fen, and a moment without a zone for whatever
zone the machine is in. Imported by path (``bankloop.kit.fields``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from bankloop.kit.errors import InputError
from bankloop.kit.grammar import FIRST_YEAR, LAST_YEAR, read_day, read_moment
from bankloop.kit.money import MAX_FEN
from bankloop.kit.wording import Unfit

T = TypeVar("T", date, datetime)


def _by_grammar(kind: type[T], read: Callable[[str], T]) -> BeforeValidator:
    """Return what lets through a value of the kind itself, and a text of its grammar; nothing else is one."""

    def reads(given: object) -> T:
        if type(given) is kind:
            return given
        if not isinstance(given, str):
            raise Unfit("日期和时刻写成文字", "days and moments are written as texts")
        try:
            return read(given)
        except InputError as error:
            raise Unfit(error.message.zh, error.message.en) from error

    return BeforeValidator(reads)


def _whole(given: object) -> object:
    """Let numbers through as they are: a text is none, and neither is a yes."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise Unfit("整数写成数字，不加引号", "a whole number is written as a number")
    return given


def _between(first: str, last: str) -> object:
    return Field(json_schema_extra={"formatMinimum": first, "formatMaximum": last})


Name = Annotated[str, Field(min_length=1, max_length=64)]
# What may be left unsaid, and what must be said.
Reason = Annotated[str, Field(max_length=2_000)]
Words = Annotated[str, Field(min_length=1, max_length=2_000)]
WHOLE = BeforeValidator(_whole)
Fen = Annotated[int, Field(ge=0, le=MAX_FEN), WHOLE]
Version = Annotated[int, Field(ge=1, le=1_000_000), WHOLE]
Round = Annotated[int, Field(ge=1, le=1_000), WHOLE]
# Nought is history: what was before any round.
LearnedFrom = Annotated[int, Field(ge=0, le=1_000), WHOLE]
Day = Annotated[date, _by_grammar(date, read_day), _between(f"{FIRST_YEAR}-01-01", f"{LAST_YEAR}-12-31")]
Moment = Annotated[
    datetime,
    _by_grammar(datetime, read_moment),
    _between(f"{FIRST_YEAR}-01-01T00:00:00Z", f"{LAST_YEAR}-12-31T23:59:59Z"),
]
