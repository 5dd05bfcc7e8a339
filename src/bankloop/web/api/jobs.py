"""Long work asked for by the API: kept with the request's key, its progress read, cancelled, tried again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.store.jobs import cancel_job, job_of, open_jobs, own_jobs, retry_job
from bankloop.web.api.dependencies import PREFIX, Limit, Open, Reads, Writes, does
from bankloop.web.api.idempotency import once_in
from bankloop.web.shell.console import Console
from bankloop.web.shell.visitor import Visitor
from bankloop.work.jobs import JOBS
from bankloop.work.queue import ask_job

router = APIRouter(prefix=PREFIX, tags=["jobs"])


def begin_job(request: Request, console: Console, visitor: Visitor, kind: str, asked: Mapping[str, Any]) -> Response:
    """Queue a job for the request's key, once however often the request is sent; 403 without the right of its kind."""
    require(visitor.principal, JOBS[kind].right)

    def effect(connection: Connection) -> Any:
        return ask_job(connection, console.bank, kind, asked, visitor.role)

    answer = once_in(request, console.bank.store, visitor, f"job.{kind}", "", asked, effect, 202)
    request.app.state.jobs.wake()
    return answer


@router.get("/jobs")
def listed(console: Open, visitor: Reads, limit: Limit = 50) -> dict[str, Any]:
    """List the caller's jobs, the newest first."""
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(own_jobs(connection, limit)), "next": None}


@router.get("/jobs/open")
def opened(console: Open, visitor: Reads, limit: Limit = 50) -> dict[str, Any]:
    """List what waits, runs or was put aside, of everybody's: those that wait for a person first."""
    require(visitor.principal, "job.read")
    with console.bank.store.begin(visitor.principal) as connection:
        return {"items": plain(open_jobs(connection, limit)), "next": None}


@router.get("/jobs/{job_id}")
def job(job_id: UUID, console: Open, visitor: Reads) -> Any:
    """Return one of the caller's jobs: its state, step, result or error."""
    with console.bank.store.begin(visitor.principal) as connection:
        return plain(job_of(connection, job_id))


@router.post("/jobs/{job_id}/cancel", openapi_extra=does("job.cancel"))
def cancel(request: Request, job_id: UUID, console: Open, visitor: Writes) -> Response:
    """Cancel a job: one that waits at once, one that runs at its next step; what was done before is kept."""

    def effect(connection: Connection) -> dict[str, Any]:
        return {"job_id": job_id, "state": cancel_job(connection, job_id)}

    return once_in(request, console.bank.store, visitor, "job.cancel", str(job_id), None, effect)


@router.post("/jobs/{job_id}/retry", openapi_extra=does("job.retry"))
def retry(request: Request, job_id: UUID, console: Open, visitor: Writes) -> Response:
    """Let a job that was put aside be tried again from the beginning."""

    def effect(connection: Connection) -> dict[str, Any]:
        retry_job(connection, job_id)
        return {"job_id": job_id, "state": "waiting"}

    answer = once_in(request, console.bank.store, visitor, "job.retry", str(job_id), None, effect)
    request.app.state.jobs.wake()
    return answer
