"""Leaves that every room stands on: money, clock, identifiers, texts, errors, the expression language.

Nothing here imports another room, touches a disk or asks the machine for the time (``SystemClock`` apart).
"""

from bankloop.kit.clock import Clock, FixedClock, SystemClock, local_day, local_moment
from bankloop.kit.errors import (
    BankloopError,
    ConflictError,
    DataError,
    DeniedError,
    EnvironmentFault,
    ExpressionError,
    InputError,
    LockedError,
    NotFoundError,
    SignInError,
    SpecError,
    StaleError,
)
from bankloop.kit.ids import CELL_BUCKETS, canonical_json, cell_bucket, digest, digest_bytes, uuid7
from bankloop.kit.money import MAX_FEN, MINOR_UNITS, Money, parse_money, say_fen, to_fen
from bankloop.kit.origins import Origin, acting_from, present_origin
from bankloop.kit.text import Language, Text
from bankloop.kit.worktime import WorkTime, is_working_day

__all__ = [
    "CELL_BUCKETS",
    "MAX_FEN",
    "MINOR_UNITS",
    "BankloopError",
    "Clock",
    "ConflictError",
    "DataError",
    "DeniedError",
    "EnvironmentFault",
    "ExpressionError",
    "FixedClock",
    "InputError",
    "Language",
    "LockedError",
    "Money",
    "NotFoundError",
    "Origin",
    "SignInError",
    "SpecError",
    "StaleError",
    "SystemClock",
    "Text",
    "WorkTime",
    "acting_from",
    "canonical_json",
    "cell_bucket",
    "digest",
    "digest_bytes",
    "is_working_day",
    "local_day",
    "local_moment",
    "parse_money",
    "present_origin",
    "say_fen",
    "to_fen",
    "uuid7",
]
