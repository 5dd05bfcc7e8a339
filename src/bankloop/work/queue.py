"""Long work asked for and done: a job is kept in the transaction of whoever asks, and done by a worker of some process.

A worker acts in the name of who asked, with the rights that they have by then. A refusal of a rule is the job's
answer. A machine that fails, and what nobody foresaw, is tried again. A kind that is no more is put aside and never a
crash.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any
from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import Connection

from bankloop.kit.errors import BankloopError, EnvironmentFault, LockedError
from bankloop.kit.origins import Origin, acting_from
from bankloop.kit.plain import plain
from bankloop.kit.wording import value_reason
from bankloop.loop.bank import Bank
from bankloop.organization.beginning import acting_now
from bankloop.organization.principals import system
from bankloop.organization.rights import require
from bankloop.store.contracts import Principal
from bankloop.store.database import Store, principal_of
from bankloop.store.jobs import (
    MAX_ATTEMPTS,
    Claim,
    Job,
    JobState,
    claim_job,
    end_job,
    enqueue_job,
    hand_back_job,
    postpone_job,
    renew_job,
    step_job,
)
from bankloop.work import errors
from bankloop.work.jobs import JOBS, Arguments, JobKind
from bankloop.work.leases import log_fault, renewed
from bankloop.work.workplace import Workplace

# PgBouncer's pooled transactions carry no notification, so that a queue is looked at; who asks here wakes it.
POLL_SECONDS = 2.0
# Whose cure is to come again: the machine, or another who holds what this needs.
PASSING = (EnvironmentFault, LockedError)
_WORK = system("work", "work")


def name_worker() -> str:
    """Return a name that no other worker has or had."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"


def ask_job(connection: Connection, bank: Bank, kind: str, asked: Mapping[str, Any], role: str = "") -> Job:
    """Queue a job in the name of who acts, refused at once where it could only fail.

    Raises ``DeniedError`` without the right of its kind, ``JobUnreadableError`` for arguments that it does not take,
    and what the kind's own check raises.
    """
    job = JOBS[kind]
    require(principal_of(connection), job.right)
    arguments = read_arguments(kind, job, asked)
    job.check(bank, arguments)
    return enqueue_job(connection, kind, arguments.model_dump(mode="json"), role)


def read_arguments(kind: str, job: JobKind, asked: Mapping[str, Any]) -> Arguments:
    """Return the arguments of a kind; raise ``JobUnreadableError`` for what it does not take."""
    try:
        return job.arguments.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise errors.unreadable(kind, ".".join(map(str, first["loc"])), value_reason(first)) from None


@dataclass
class Worker:
    """Does what is due, one job after another, until it is stopped; a process has one."""

    place: Workplace
    name: str = field(default_factory=name_worker)
    _turn: Lock = field(default_factory=Lock)
    _woken: Event = field(default_factory=Event)
    _over: Event = field(default_factory=Event)

    @property
    def store(self) -> Store:
        """Return the store in which the queue is."""
        return self.place.bank.store

    def wake(self) -> None:
        """Look at the queue now: something was asked for in this process."""
        self._woken.set()

    def stop(self) -> None:
        """End after the present step: what is at work waits again for another."""
        self._over.set()
        self._woken.set()

    def work(self) -> None:
        """Do what is due whenever something is, until stopped."""
        while not self._over.is_set():
            try:
                self.wait()
            except Exception as error:  # a database that is away now is back in a while
                log_fault("queue", error)
            self._woken.wait(POLL_SECONDS)
            self._woken.clear()

    def wait(self) -> int:
        """Do every job that is due, after those that this worker has begun, and return how many were done here."""
        done = 0
        with self._turn:
            while not self._over.is_set() and self._do_next():
                done += 1
        return done

    def _do_next(self) -> bool:
        with self.store.begin(_WORK) as connection:
            claim = claim_job(connection, self.name)
        if claim is None:
            return False
        with (
            acting_from(Origin("job", who=claim.person_id, request=str(claim.job_id))),
            renewed(lambda: self._renew(claim)),
        ):
            self._do(claim)
        return True

    def _renew(self, claim: Claim) -> None:
        with self.store.begin(_WORK) as connection:
            renew_job(connection, claim)

    def _do(self, claim: Claim) -> None:
        """Do one job and keep what came of it."""
        try:
            result = plain(self._act(claim))
        except errors.JobCancelledError as stop:
            self._end(claim, JobState.CANCELLED, error=stop)
        except errors.JobPutAsideError as stop:
            self._end(claim, JobState.DEAD, error=stop)
        except errors.JobHandedBackError:
            with self.store.begin(_WORK) as connection:
                hand_back_job(connection, claim)
        except errors.JobTakenOverError as stop:
            log_fault(f"job {claim.kind}", stop)
        except PASSING as error:
            self._postpone(claim, error)
        except BankloopError as error:
            self._end(claim, JobState.FAILED, error=error)
        except Exception as error:
            log_fault(f"job {claim.kind}", error)
            self._postpone(claim, errors.fault())
        else:
            self._end(claim, JobState.DONE, result)

    def _act(self, claim: Claim) -> Any:
        if claim.cancel_at is not None:
            raise errors.cancelled()
        job = JOBS.get(claim.kind)
        if job is None:
            raise errors.unknown_kind(claim.kind)
        if claim.attempts > MAX_ATTEMPTS:
            raise errors.lost(claim.attempts - 1)
        try:
            arguments = read_arguments(claim.kind, job, claim.request)
        except errors.JobUnreadableError as error:
            raise errors.put_aside(error) from error
        principal = self._principal_of(claim)
        require(principal, job.right)
        return job.act(self.place, principal, arguments, lambda step: self._say(claim, step))

    def _principal_of(self, claim: Claim) -> Principal:
        """Return who asked, with the role that they asked in and what it allows now."""
        if claim.person_id.startswith("system:"):
            return system(claim.person_id.removeprefix("system:"), claim.purpose)
        with self.store.begin(_WORK) as connection:
            return acting_now(connection, claim.person_id, claim.purpose, claim.role or None)

    def _say(self, claim: Claim, step: str) -> None:
        with self.store.begin(_WORK) as connection:
            stops = step_job(connection, claim, step)
        if stops is None:
            raise errors.taken_over()
        if stops:
            raise errors.cancelled()
        if self._over.is_set():
            raise errors.handed_back()

    def _end(self, claim: Claim, state: JobState, result: Any = None, error: BankloopError | None = None) -> None:
        with self.store.begin(_WORK) as connection:
            end_job(connection, claim, state, result, error.as_dict() if error else None)

    def _postpone(self, claim: Claim, error: BankloopError) -> None:
        with self.store.begin(_WORK) as connection:
            postpone_job(connection, claim, error.as_dict())
