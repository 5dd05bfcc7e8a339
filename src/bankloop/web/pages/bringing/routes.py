"""Bringing files: sent, looked at, mapped, tried, made a bank of and loaded; every step by who may load."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError, NotFoundError
from bankloop.lake.proposal.asking import unanswered
from bankloop.lake.proposal.bringing import is_free, look_at_file
from bankloop.lake.proposal.contracts import FileLook, Proposal
from bankloop.lake.proposal.draft import (
    Draft,
    drop_file,
    keep_answers,
    keep_files,
    make_of_draft,
    propose_draft,
    read_draft,
    receiving,
    stale,
)
from bankloop.lake.proposal.trying import kept_trial
from bankloop.organization.rights import require
from bankloop.store.jobs import Job, JobState, open_jobs, own_jobs
from bankloop.web.pages.bringing.campaign import first_steps
from bankloop.web.pages.bringing.page import (
    BroughtFile,
    bringing_page,
    brought,
    findings_table,
    left_open,
    preview_table,
    size_said,
    to_answer,
    wanted_table,
)
from bankloop.web.pages.bringing.words import TEXTS
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console
from bankloop.web.shell.forms import Acting, Form, Here, visitor
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.uploads import most_upload, receive_files
from bankloop.web.shell.visitor import Visitor, foreign, proven
from bankloop.work.queue import ask_job

RIGHT = "lake.load"
_LATEST = 20


def sender(request: Request) -> Visitor:
    """Let somebody send files: who may load, from a page of ours; asked before the first byte is taken."""
    if foreign(request):
        raise errors.forged()
    found = visitor(request)
    require(found.principal, RIGHT)
    return found


Sending = Annotated[Visitor, Depends(sender)]


def add_pages(app: FastAPI) -> None:
    """Add the routes."""
    _add_files(app)
    _add_mapping(app)


def _add_files(app: FastAPI) -> None:
    @app.get("/bring")
    def bring(request: Request, visitor: Here) -> Response:
        require(visitor.principal, RIGHT)
        return _page(request, visitor)

    @app.post("/bring/files")
    async def send(request: Request, visitor: Sending) -> Response:
        try:
            return await _received(request)
        except BankloopError as error:
            return await asyncio.to_thread(_page, request, visitor, error)

    @app.post("/bring/drop")
    def drop(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, RIGHT)
        console = console_of(request)
        try:
            with console.bank.store.begin(visitor.principal) as connection:
                drop_file(connection, console.folder, form.get("file", ""))
        except NotFoundError as error:
            return _page(request, visitor, error)
        _try(request, visitor)
        return RedirectResponse("/bring", 303)


def _add_mapping(app: FastAPI) -> None:
    @app.post("/bring/answers")
    def answer(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, RIGHT)
        console = console_of(request)
        try:
            draft, looks = _seen(console, form)
            proposal, _ = propose_draft(draft, looks, _day(console))
            given = replace(draft, answers=to_answer(proposal, form))
            _, kept = propose_draft(given, looks, _day(console))
            with console.bank.store.begin(visitor.principal) as connection:
                keep_answers(connection, draft, kept.answers)
        except BankloopError as error:
            return _page(request, visitor, error, form)
        _try(request, visitor)
        return RedirectResponse("/bring#trial", 303)

    @app.post("/bring/try")
    def again(request: Request, visitor: Acting) -> Response:
        require(visitor.principal, RIGHT)
        _try(request, visitor)
        return RedirectResponse("/bring#trial", 303)

    @app.post("/bring/make")
    def make(request: Request, form: Form, visitor: Acting) -> Response:
        require(visitor.principal, RIGHT)
        console = console_of(request)
        try:
            draft, looks = _seen(console, form)
            proposal, fitting = propose_draft(draft, looks, _day(console))
            if left := left_open(proposal, fitting):
                raise unanswered(left)
            with console.bank.store.begin(visitor.principal) as connection:
                # Last what no rollback takes back: files that have arrived.
                ask_job(connection, console.bank, "load", {}, visitor.role)
                make_of_draft(connection, console.bank.lake, draft, proposal)
        except BankloopError as error:
            return _page(request, visitor, error)
        vars(console.bank).pop("spec", None)
        request.app.state.jobs.wake()
        return RedirectResponse("/bring", 303)

    @app.post("/bring/load")
    def load(request: Request, visitor: Acting) -> Response:
        require(visitor.principal, RIGHT)
        _ask(request, visitor, "load")
        return RedirectResponse("/bring", 303)


async def _received(request: Request) -> Response:
    console = console_of(request)
    with receiving(console.folder, most_upload()) as room:
        fields, files = await receive_files(request, room)
        await asyncio.to_thread(_keep, request, fields, files)
    return RedirectResponse("/bring", 303)


def _keep(request: Request, fields: Mapping[str, str], files: Mapping[str, Path]) -> None:
    """Keep what arrived: who sent it is asked for again, since a session or a right may have ended meanwhile."""
    found, console = sender(request), console_of(request)
    proven(request, found, fields.get("csrf", ""))
    with console.bank.store.begin(found.principal) as connection:
        keep_files(connection, console.folder, files, most_upload())
    _try(request, found)


def _seen(console: Console, form: Mapping[str, str]) -> tuple[Draft, tuple[FileLook, ...]]:
    """Return the draft that a form was made of, and its files; raise ``StaleError`` where it is another by now."""
    draft = read_draft(console.folder)
    if draft.seen != form.get("seen"):
        raise stale()
    return draft, tuple(_look(console, draft, at) for at in range(len(draft.files)))


def _look(console: Console, draft: Draft, at: int) -> FileLook:
    """Return what a file of the draft is, kept for as long as it lies there as it does."""
    place = draft.files[at]
    written = place.stat()
    key = ("look", str(place), written.st_size, written.st_mtime_ns)
    return console.looks.get(key, lambda: look_at_file(place))


def _day(console: Console) -> date:
    return console.today - timedelta(days=1)


def _try(request: Request, visitor: Visitor) -> None:
    """Ask that the draft be tried, where anything is proposed of it."""
    console = console_of(request)
    _, proposal, _, _ = _proposed(console)
    if proposal is not None:
        _ask(request, visitor, "try")


def _ask(request: Request, visitor: Visitor, kind: str) -> None:
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        ask_job(connection, console.bank, kind, {}, visitor.role)
    request.app.state.jobs.wake()


def _proposed(console: Console) -> tuple[Draft, Proposal | None, BankloopError | None, list[BroughtFile]]:
    """Return the draft, what is proposed of it or why nothing is, and its files, read or not."""
    draft, files = read_draft(console.folder), []
    for at, place in enumerate(draft.files):
        try:
            files.append(brought(place, _look(console, draft, at), None))
        except BankloopError as error:
            files.append(brought(place, None, error))
    looks = [one.look for one in files if one.look is not None]
    if not looks:
        return draft, None, None, files
    try:
        proposal, draft = propose_draft(draft, looks, _day(console))
    except BankloopError as error:
        return draft, None, error, files
    return draft, proposal, None, files


def _page(
    request: Request, visitor: Visitor, error: BankloopError | None = None, form: Mapping[str, str] | None = None
) -> Response:
    request.state.visitor = visitor
    console = console_of(request)
    status = error.http_status if error else 200
    if not is_free(console.folder) and not read_draft(console.folder).files:
        return page(
            request, "begun.html", status, at="bring", error=error, texts=TEXTS, **first_steps(request, visitor)
        )
    draft, proposal, fault, files = _proposed(console)
    kept = read_draft(console.folder)
    job = newest_job(console, visitor, "try")  # before its result: what ends in between is shown as ended
    shown = bringing_page(draft, files, proposal, fault, kept_trial(kept))
    return page(
        request,
        "bringing.html",
        status,
        at="bring",
        error=error,
        texts=TEXTS,
        page=shown,
        seen=kept.seen,
        chosen=lambda one: (form or {}).get(one.key) or draft.answers.get(one.key) or one.proposed or "",
        previews=[preview_table(one) for one in shown.trial.sources] if shown.trial else (),
        findings=findings_table(shown.trial) if shown.trial and shown.trial.findings else None,
        trying=shown.trial is None and is_going(job),
        failed=None if job is None or job.error is None else job,
        wanted=None if shown.files else wanted_table(),
        most=size_said(most_upload()),
        quoted=quote,
    )


def newest_job(console: Console, visitor: Visitor, kind: str) -> Job | None:
    """Return the newest job of a kind: whoever asked for it while it goes on, else the visitor's own."""
    with console.bank.store.begin(console.principal) as connection:
        going = [one for one in open_jobs(connection) if one.kind == kind]
    with console.bank.store.begin(visitor.principal) as connection:
        own = [one for one in own_jobs(connection, _LATEST) if one.kind == kind]
    return next(iter([*going, *own]), None)


def is_going(job: Job | None) -> bool:
    """Return whether a job waits or is at work."""
    return job is not None and job.state in (JobState.WAITING, JobState.RUNNING)
