"""Every error a person can meet, as one tree.

BankloopError
├── InputError            what was handed in is wrong            400  exit 2
│   ├── SpecError         a bank or campaign file                422  exit 2
│   ├── ExpressionError   an expression inside such a file       422  exit 2
│   └── DataError         a source file or a lake version        422  exit 3
├── DeniedError           the principal may not do this          403  exit 4
│   └── SignInError       nobody knows who this is               401  exit 4
├── ConflictError         the state does not allow it now        409  exit 5
│   ├── LockedError       another command holds what this needs  423  exit 6
│   └── StaleError        another person changed it meanwhile    412  exit 5
├── NotFoundError         no such object                         404  exit 2
└── EnvironmentFault      the machine: disk, database, port      503  exit 7

An error carries a stable code, the fields that the sentence needs, and the sentence with its cure in both languages.
Rooms raise their own subclasses from their ``errors.py``; API, console and command line render them alike.
"""

from __future__ import annotations

from typing import ClassVar

from bankloop.kit.text import Language, Text


class BankloopError(Exception):
    """Base of all expected errors; ``code`` is stable, ``message`` says what, where and the cure."""

    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: Text, **fields: object) -> None:
        self.code = code
        self.message = message.filled(**fields)
        self.fields = fields
        super().__init__(f"[{code}] {self.message.en}")

    def say(self, language: Language) -> str:
        """Return the sentence with the cure in ``language``."""
        return self.message.say(language)

    def as_dict(self) -> dict[str, object]:
        """Return the form the API and ``--json`` print."""
        return {
            "code": self.code,
            "zh": self.message.zh,
            "en": self.message.en,
            "fields": {
                name: value.en if isinstance(value, Text) else str(value) for name, value in self.fields.items()
            },
        }


class InputError(BankloopError):
    """What was handed in is wrong; the sentence names the place and the cure."""

    http_status = 400
    exit_code = 2


class SpecError(InputError):
    """A bank folder or campaign file says something that cannot be."""

    http_status = 422


class ExpressionError(InputError):
    """An expression cannot be parsed or typed; fields ``line`` and ``column`` are 1-based."""

    http_status = 422


class DataError(InputError):
    """A source file or a lake version breaks its contract."""

    http_status = 422
    exit_code = 3


class DeniedError(BankloopError):
    """The principal has no right to do this."""

    http_status = 403
    exit_code = 4


class SignInError(DeniedError):
    """Nobody knows who asks: not signed in, expired, or the proof was wrong."""

    http_status = 401


class ConflictError(BankloopError):
    """The present state does not allow this."""

    http_status = 409
    exit_code = 5


class LockedError(ConflictError):
    """Another command is at work on the same thing; waiting and calling again is the cure."""

    http_status = 423
    exit_code = 6


class StaleError(ConflictError):
    """Somebody changed the object since the caller last read it; reading it again is the cure."""

    http_status = 412


class NotFoundError(BankloopError):
    """No object of that name."""

    http_status = 404
    exit_code = 2


class EnvironmentFault(BankloopError):
    """The machine cannot do it now: disk full, database down, port taken."""

    http_status = 503
    exit_code = 7
