"""The command on long work that was asked for: what waits, runs or was put aside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table
from bankloop.cli.who import acting
from bankloop.simulate.clock import bank_clock

_HERE = Path()


def jobs(
    bank: Folder = _HERE,
    retry: Annotated[
        UUID | None, typer.Option(help="让搁置的这一项再试 / try this one again that was put aside")
    ] = None,
    cancel: Annotated[UUID | None, typer.Option(help="取消这一项 / cancel this one")] = None,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """作业：列出等待、进行中与搁置的，再试或取消。List the jobs that wait, run or were put aside; try one again, or cancel it."""
    from bankloop.kit.plain import plain
    from bankloop.organization.rights import require
    from bankloop.store.database import open_store, principal_of
    from bankloop.store.jobs import cancel_job, open_jobs, retry_job

    with open_store(bank, bank_clock(bank)) as store:
        person = acting(store, as_, "campaign")
        with store.begin(person) as connection:
            require(principal_of(connection), "job.read")
            if retry is not None:
                retry_job(connection, retry)
            if cancel is not None:
                cancel_job(connection, cancel)
            found = open_jobs(connection)
    rows = [
        [str(one.job_id), one.kind, one.person_id, one.state, one.attempts, (one.error or {}).get(language().value, "")]
        for one in found
    ]
    columns = ["编号 / id", "作业 / job", "提出人 / asked by", "状态 / state", "已试 / attempts", "原因 / why"]
    show_table("没有做完的 / not over", columns, rows, right=[4])
    finish({"jobs": plain(found)}, as_json)


COMMANDS = {"jobs": jobs}
