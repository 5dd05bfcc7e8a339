"""Those at work in one process: a worker at the queue and a clock for each duty, begun and ended together."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from threading import Event, Thread

from bankloop.kit.errors import BankloopError
from bankloop.work.clock import DUTIES, Duty, do_duty, keep_duty, seal_trail
from bankloop.work.leases import log_fault
from bankloop.work.queue import Worker
from bankloop.work.workplace import Workplace

# Imported late, since a command that does not learn has no use for their second. Two threads that import one of them
# at once can lock each other out, so a process has them before it has threads.
LATE = ("sklearn.ensemble", "sklearn.cluster", "sklearn.isotonic")


@dataclass
class Crew:
    """One process's worker and clocks at one bank."""

    place: Workplace
    duties: tuple[Duty, ...] = DUTIES
    _over: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give the crew its worker, under whose name its clocks claim as well."""
        self.worker = Worker(self.place)

    def start(self) -> None:
        """Begin to work."""
        for name in LATE:
            import_module(name)
        self._threads.append(Thread(target=self.worker.work, name="bankloop-job", daemon=True))
        for duty in self.duties:
            given = (self.place, duty, self.worker.name, self._over)
            self._threads.append(Thread(target=keep_duty, args=given, name=f"bankloop-{duty.name}", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the present steps, what is at work waiting again for another, and seal the trail."""
        self._over.set()
        self.worker.stop()
        for thread in self._threads:
            thread.join()
        try:
            seal_trail(self.place, "")
        except BankloopError as error:
            log_fault("seal", error)

    def do_what_is_due(self) -> tuple[int, int]:
        """Do every duty and job that is due now, and return how many duties and how many jobs were done."""
        duties = sum(do_duty(self.place, duty, self.worker.name) for duty in self.duties)
        return duties, self.worker.wait()
