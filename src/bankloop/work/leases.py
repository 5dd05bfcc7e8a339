"""What is held by a lease is renewed beside the work, so that only a process that died lets go of it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from bankloop.kit.errors import BankloopError

# Six times within a lease: a database that restarts costs nobody a job.
RENEW_SECONDS = 30.0
_LOG = logging.getLogger(__name__)


@contextmanager
def renewed(renew: Callable[[], object], seconds: float = RENEW_SECONDS) -> Iterator[None]:
    """Call ``renew`` every so many seconds while the body works; a renewal that fails is made with the next."""
    over = Event()

    def beat() -> None:
        while not over.wait(seconds):
            try:
                renew()
            except Exception as error:
                log_fault("lease", error)

    thread = Thread(target=beat, name="bankloop-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def log_fault(what: str, error: Exception) -> None:
    """Log a fault by its place alone, since its message may hold a customer's data, and a refusal by its code."""
    if isinstance(error, BankloopError):
        _LOG.warning("%s: %s", what, error.code)
        return
    place = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.error("%s: %s at %s:%s", what, type(error).__name__, place.filename, place.lineno)
