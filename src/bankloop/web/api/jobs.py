"""Long work asked for by the API: kept in the database, done one after another, its progress there to be read."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection, insert, select, update

from bankloop.kit.errors import BankloopError
from bankloop.kit.ids import uuid7
from bankloop.kit.origins import Origin, acting_from
from bankloop.loop.campaign.locks_in_force import approved_locks
from bankloop.organization.account import SIGN_IN
from bankloop.organization.account import job_table as table
from bankloop.organization.principals import system
from bankloop.store.database import Store, now_of, principal_of
from bankloop.web.api import errors
from bankloop.web.api.dependencies import plain
from bankloop.web.api.idempotency import once_in
from bankloop.web.shell.console import Console
from bankloop.web.shell.jobs import Work, work_of
from bankloop.web.shell.visitor import Visitor


class Jobs:
    """The jobs of one process: the work is in its memory, what became of it in the store."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="bankloop-job")
        self._mine: dict[UUID, Future[None]] = {}
        self._guard = threading.Lock()

    def start(self, store: Store, job_id: UUID, person: str, work: Work) -> None:
        """Do the work of a job that was kept; a job is begun once, however often its request is sent."""
        with self._guard:
            if job_id not in self._mine:
                self._mine[job_id] = self._pool.submit(self._do, store, job_id, person, work)

    def recover(self, store: Store) -> None:
        """Say of the jobs that an ended process left that they are over: their work went with it."""
        with store.begin(SIGN_IN) as connection:
            left = table.c.state.in_(("waiting", "running"))
            values = {"state": "failed", "error": errors.interrupted().as_dict(), "updated_at": now_of(connection)}
            connection.execute(update(table).where(left).values(values))

    def wait(self) -> None:
        """Return when every job begun so far is over."""
        wait(list(self._mine.values()))

    def _do(self, store: Store, job_id: UUID, person: str, work: Work) -> None:
        with acting_from(Origin("job", who=person, request=str(job_id))):
            _note(store, job_id, state="running")
            try:
                result = plain(work(lambda step: _note(store, job_id, step=step)))
            except BankloopError as error:
                _note(store, job_id, state="failed", error=error.as_dict())
            except Exception as error:
                _note(
                    store,
                    job_id,
                    state="failed",
                    error={"code": "job.fault", "zh": "作业出错", "en": "the job failed", "fields": {}},
                )
                raise error
            else:
                _note(store, job_id, state="done", step="", result=result)


def begin_job(request: Request, console: Console, visitor: Visitor, kind: str, asked: Mapping[str, Any]) -> Response:
    """Keep a job for the request's key and begin its work: once, however often the request is sent."""
    store = console.bank.store

    def effect(connection: Connection) -> dict[str, Any]:
        if kind in ("plan", "run"):
            approved_locks(console.bank, system("api"))  # 409 now rather than a job that fails later
        return keep_job(connection, kind, asked)

    answer = once_in(request, store, visitor, f"job.{kind}", "", asked, effect, 202)
    if "idempotency-replayed" not in answer.headers:
        made = UUID(json.loads(bytes(answer.body))["job_id"])
        request.app.state.jobs.start(store, made, visitor.person, work_of(console, visitor, kind, asked))
    return answer


def keep_job(connection: Connection, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a job of the acting principal and return it."""
    now = now_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    connection.execute(
        insert(table).values(
            job_id=made, kind=kind, person_id=principal_of(connection).id, request=dict(request), state="waiting", step="",
            made_at=now, updated_at=now,
        )
    )  # fmt: skip
    return job_of(connection, made)


def job_of(connection: Connection, job_id: UUID) -> dict[str, Any]:
    """Return a job of the acting principal's own; raise ``NotFoundError`` where there is none."""
    row = connection.execute(select(table).where(table.c.job_id == job_id)).mappings().first()
    if row is None:
        raise errors.no_job(str(job_id))
    return dict(row)


def jobs_of(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the acting principal's jobs, the newest first."""
    query = select(table).order_by(table.c.made_at.desc(), table.c.job_id.desc()).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def _note(store: Store, job_id: UUID, **values: Any) -> None:
    with store.begin(SIGN_IN) as connection:
        changed = {**values, "updated_at": now_of(connection)}
        connection.execute(update(table).where(table.c.job_id == job_id).values(changed))
