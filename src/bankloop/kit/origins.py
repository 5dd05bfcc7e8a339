"""From where somebody acts: set once at the edge, by command, request or page, and written with every audit row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from: ``kind`` is cli, api, page or job; ``who`` a host's user or client; ``address`` where.

    ``request`` names the request, so that the audit rows of one call are found together with its log lines.
    """

    kind: str
    who: str = ""
    address: str = ""
    request: str = ""

    def __str__(self) -> str:
        """Return the one line that the trail keeps."""
        return " ".join(part.replace(" ", "_") for part in (self.kind, self.who, self.address, self.request) if part)


_HERE: ContextVar[Origin | None] = ContextVar("bankloop_origin", default=None)


@contextmanager
def acting_from(origin: Origin) -> Iterator[None]:
    """Let everything that is done inside be recorded as coming from ``origin``."""
    token = _HERE.set(origin)
    try:
        yield
    finally:
        _HERE.reset(token)


def present_origin() -> Origin | None:
    """Return where the present call came from, if the edge said."""
    return _HERE.get()
