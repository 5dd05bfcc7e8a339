"""The queue of long work: asked for in the transaction of whoever asks, done by whichever worker claims it first.

A worker claims by row lock, skips what others hold, and holds what it claimed by a lease that it renews while it
works: a job whose lease ran out is anybody's again. Every write of a worker names its claim, so that one who was
given up for dead changes nothing any more. What failed through no fault of its own waits longer each time, and after
``MAX_ATTEMPTS`` is put aside as dead, with its reason, for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from bankloop.kit.errors import ConflictError, NotFoundError
from bankloop.kit.ids import canonical_json, uuid7
from bankloop.kit.text import Text
from bankloop.store import errors
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of
from bankloop.store.tables import job as table
from bankloop.store.verbs import verb

# A plan may hold the interpreter for a while, so that its process renews late; a dead one's job waits this long.
LEASE = timedelta(minutes=3)
# One minute after the first failure, then two, four, eight: a quarter of an hour in which a machine comes back.
MAX_ATTEMPTS = 5
_OPEN = ("waiting", "running", "dead")
_CLAIM = text(
    "UPDATE job SET state = 'running', step = '', attempts = attempts + 1, worker = :worker, held_until = :until, "
    "updated_at = :now WHERE job_id = (SELECT job_id FROM job WHERE due_at <= :now AND (state = 'waiting' "
    "OR (state = 'running' AND coalesce(held_until <= :now, true))) ORDER BY due_at, job_id LIMIT 1 "
    "FOR UPDATE SKIP LOCKED) RETURNING job_id, kind, person_id, role, purpose, request, attempts, cancel_at, worker"
)
_MINE = "WHERE job_id = :job AND worker = :worker AND attempts = :attempts AND state = 'running'"
_RENEW = text(f"UPDATE job SET held_until = :until {_MINE}")
_STEP = text(f"UPDATE job SET step = :step, updated_at = :now {_MINE} RETURNING cancel_at IS NOT NULL")
_END = text(
    "UPDATE job SET state = :state, step = '', result = CAST(:result AS jsonb), error = CAST(:error AS jsonb), "
    f"worker = NULL, held_until = NULL, updated_at = :now {_MINE}"
)
_WAIT = text(
    "UPDATE job SET state = 'waiting', step = '', error = CAST(:error AS jsonb), due_at = :due, worker = NULL, "
    f"held_until = NULL, attempts = :left, updated_at = :now {_MINE}"
)
_CANCEL = text(
    "UPDATE job SET cancel_at = coalesce(cancel_at, :now), updated_at = :now, "
    "state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END "
    "WHERE job_id = :job AND state IN ('waiting', 'running', 'dead') RETURNING state"
)
_AGAIN = text(
    "UPDATE job SET state = 'waiting', attempts = 0, due_at = :now, cancel_at = NULL, error = NULL, updated_at = :now "
    "WHERE job_id = :job AND state = 'dead' RETURNING kind"
)


class JobState(StrEnum):
    """Where a job is: ``failed`` is an answer, ``dead`` waits for a person."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in the hands of one worker: what is asked, by whom, in which role, for what, and which attempt it is."""

    job_id: UUID
    kind: str
    person_id: str
    role: str
    purpose: str
    request: Mapping[str, Any]
    attempts: int
    cancel_at: datetime | None
    worker: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is shown to whoever asked, and to those who keep the queue."""

    job_id: UUID
    kind: str
    person_id: str
    request: Mapping[str, Any]
    state: JobState
    step: str
    result: Any
    error: Mapping[str, Any] | None
    attempts: int
    due_at: datetime
    cancel_at: datetime | None
    made_at: datetime
    updated_at: datetime


_SHOWN = tuple(table.c[name] for name in Job.__dataclass_fields__)


def enqueue_job(connection: Connection, kind: str, request: Mapping[str, Any], role: str = "") -> Job:
    """Queue a job of the acting principal, who asks in ``role``; it is there when the transaction is."""
    now, who = now_of(connection), principal_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    connection.execute(
        insert(table).values(
            job_id=made,
            kind=kind,
            person_id=who.id,
            role=role,
            purpose=who.purpose,
            request=dict(request),
            state=JobState.WAITING,
            step="",
            made_at=now,
            updated_at=now,
            due_at=now,
        )
    )
    return job_of(connection, made)


def job_of(connection: Connection, job_id: UUID) -> Job:
    """Return a job that the acting principal sees; raise ``NotFoundError`` where there is none."""
    row = connection.execute(select(*_SHOWN).where(table.c.job_id == job_id)).first()
    if row is None:
        raise _no_job(job_id)
    return _job(row)


def own_jobs(connection: Connection, limit: int) -> list[Job]:
    """Return the acting principal's own jobs, the newest first."""
    query = select(*_SHOWN).where(table.c.person_id == principal_of(connection).id)
    rows = connection.execute(query.order_by(table.c.made_at.desc(), table.c.job_id.desc()).limit(limit))
    return [_job(row) for row in rows]


def open_jobs(connection: Connection, limit: int = 1_000) -> list[Job]:
    """Return what waits, runs or is dead of all that the acting principal sees: the dead first, then the oldest."""
    query = select(*_SHOWN).where(table.c.state.in_(_OPEN))
    rows = connection.execute(query.order_by(table.c.state != JobState.DEAD, table.c.made_at).limit(limit))
    return [_job(row) for row in rows]


def claim_job(connection: Connection, worker: str) -> Claim | None:
    """Claim the job that is due longest, or was left by a worker that renews no more; None where there is none."""
    now = now_of(connection)
    row = connection.execute(_CLAIM, {"worker": worker, "now": now, "until": now + LEASE}).first()
    return None if row is None else Claim(*row)


def renew_job(connection: Connection, claim: Claim) -> bool:
    """Hold a claimed job longer; return whether it still is the worker's."""
    return connection.execute(_RENEW, {**_of(claim), "until": now_of(connection) + LEASE}).rowcount == 1


def step_job(connection: Connection, claim: Claim, step: str) -> bool | None:
    """Say at which step a claimed job is; return whether to cancel it, None where it is the worker's no more."""
    found: bool | None = connection.scalar(_STEP, {**_of(claim), "step": step[:200], "now": now_of(connection)})
    return found


def end_job(connection: Connection, claim: Claim, state: JobState, result: object = None, error: object = None) -> bool:
    """End a claimed job with what came of it; return whether it was the worker's to end."""
    values = {"state": state, "result": _json(result), "error": _json(error), "now": now_of(connection)}
    return connection.execute(_END, {**_of(claim), **values}).rowcount == 1


def postpone_job(connection: Connection, claim: Claim, error: object) -> JobState:
    """Let a claimed job that failed through no fault of its own wait, longer each time; at the last it is dead."""
    now = now_of(connection)
    if claim.attempts >= MAX_ATTEMPTS:
        end_job(connection, claim, JobState.DEAD, error=error)
        return JobState.DEAD
    due = now + timedelta(minutes=2 ** (claim.attempts - 1))
    values = {"error": _json(error), "due": due, "left": claim.attempts, "now": now}
    connection.execute(_WAIT, {**_of(claim), **values})
    return JobState.WAITING


def hand_back_job(connection: Connection, claim: Claim) -> None:
    """Give a claimed job back as if it had not been claimed: its worker stops."""
    now = now_of(connection)
    values = {"error": None, "due": now, "left": claim.attempts - 1, "now": now}
    connection.execute(_WAIT, {**_of(claim), **values})


@verb("job.cancel")
def cancel_job(connection: Connection, job_id: UUID) -> JobState:
    """Cancel a job that waits or is dead, or let one that runs end at its next step; return its state then.

    Raises ``NotFoundError`` for a job that the principal does not see, ``DeniedError`` for one that it only sees,
    ``ConflictError`` for one that is over.
    """
    before = job_of(connection, job_id)
    state = connection.scalar(_CANCEL, {"job": job_id, "now": now_of(connection)})
    if state is None and job_of(connection, job_id).state in _OPEN:
        raise errors.denied(
            principal_of(connection).id,
            Text("作业是别人的，也没有管理队列的权限", "the job is another's, and to keep the queue is not theirs"),
        )
    if state is None:
        raise _over(before)
    record_audit(connection, "job.cancel", "job", str(job_id), {"state": before.state}, {"state": state})
    return JobState(state)


@verb("job.retry")
def retry_job(connection: Connection, job_id: UUID) -> None:
    """Let a dead job be tried again from the beginning; raise ``ConflictError`` for one that is not dead."""
    before = job_of(connection, job_id)
    kind = connection.scalar(_AGAIN, {"job": job_id, "now": now_of(connection)})
    if kind is None:
        raise _not_dead(before)
    record_audit(connection, "job.retry", "job", str(job_id), {"state": before.state}, {"state": JobState.WAITING})


def _of(claim: Claim) -> dict[str, Any]:
    return {"job": claim.job_id, "worker": claim.worker, "attempts": claim.attempts}


def _job(row: Any) -> Job:
    found = row._mapping
    return Job(**{**found, "state": JobState(found["state"])})


def _json(value: object) -> str | None:
    return None if value is None else canonical_json(value)


def _no_job(job_id: UUID) -> NotFoundError:
    return NotFoundError(
        "job.none",
        Text(
            "没有作业 {job}；用 bankloop jobs 或 /api/v1/jobs 查看",
            "there is no job {job}; see bankloop jobs or /api/v1/jobs",
        ),
        job=job_id,
    )


def _over(job: Job) -> ConflictError:
    return ConflictError(
        "job.over",
        Text(
            "作业 {job} 已结束（{state}），不能再取消；要重做请再提交一次",
            "job {job} is over ({state}) and cannot be cancelled; to do it again, ask for it again",
        ),
        job=job.job_id,
        state=job.state,
    )


def _not_dead(job: Job) -> ConflictError:
    return ConflictError(
        "job.not_dead",
        Text(
            "作业 {job} 没有搁置（{state}）；只有搁置的作业可以再试",
            "job {job} was not put aside ({state}); only one that was can be tried again",
        ),
        job=job.job_id,
        state=job.state,
    )
