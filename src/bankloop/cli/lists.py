"""Commands on lists: take an xlsx in, see the lists, take one back where nobody has begun."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, show_table
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.simulate.clock import bank_clock

_HERE = Path()
Number = Annotated[UUID, typer.Argument(help="名单编号 / id of the list")]
group = typer.Typer(
    help="名单：xlsx 下发、查看、回收。Lists: xlsx in, sent down as tasks, recalled.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("take")
@handled
def take(
    file: Annotated[Path, typer.Argument(help="xlsx，首行含“客户号” / xlsx whose first row has 客户号")],
    name: Annotated[str, typer.Option("--name", help="名单名称 / name of the list")],
    due: Annotated[datetime, typer.Option("--due", formats=["%Y-%m-%d"], help="截止日 / to be done by")],
    target: Annotated[
        UUID | None,
        typer.Option("--target", help="按任务目标分到各机构 / as the tasks of a target, by its weights"),
    ] = None,
    returned: Annotated[
        Path | None, typer.Option("--returned", help="把退回的行和原因写入这个 xlsx / write what is returned here")
    ] = None,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """下发名单：可用的行成为任务，其余逐行退回原因。Take a list in: usable rows become tasks, the others come back."""
    from bankloop.care.worklist import take_list
    from bankloop.performance.instruction import instruct
    from bankloop.report.exporting import returned_rows, xlsx_of

    try:
        sent_in = file.read_bytes()
    except OSError as error:
        raise InputError(
            "list.unreadable",
            Text(
                "读不了名单文件 {file}；请检查路径和权限",
                "the list {file} cannot be read; check its path and permissions",
            ),
            file=file,
        ) from error
    with opened_in(bank, as_, "worklist.take") as (opened, connection):
        today = opened.lake.today()
        hours = WorkTime(opened.lake.zone)
        if target is None:
            done = take_list(connection, name, sent_in, due.date(), today, hours)
        else:
            done = instruct(connection, opened.folder, target, name, sent_in, due.date(), today, hours)
    if returned is not None and done.refused:
        returned.write_bytes(xlsx_of(returned_rows(done.refused), "returned"))
    one = done.work_list
    show_table(
        one.name, ["行 / rows", "可用 / usable", "退回 / returned"], [[one.read, one.usable, one.read - one.usable]]
    )
    rows = [[r.line, r.customer_no, r.reason.say(language())] for r in done.refused[:20]]
    show_table("退回，前 20 行 / returned, first 20", ["行 / line", "客户 / customer", "原因 / reason"], rows)
    sent = done.dispatched
    finish(
        {
            "list": str(one.list_id), "name": one.name, "read": one.read, "usable": one.usable, "known": done.known,
            "returned": [{"line": r.line, "customer": r.customer_no, "code": r.code} for r in done.refused],
            "dispatched": None if sent is None else {"keeper": sent.keeper, "backup": sent.backup, "pool": sent.pool, "left": sent.left},
        },
        as_json,
    )  # fmt: skip


@group.command("show")
@handled
def show(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """列出名单。List the lists that one may see."""
    from bankloop.care.worklist import work_lists

    with opened_in(bank, as_, "worklist.read") as (_, connection):
        found = work_lists(connection)
    rows = [[one.name, str(one.list_id), one.read, one.usable, one.due_on, one.recalled_at or "—"] for one in found]
    columns = ["名单 / list", "编号 / id", "行 / rows", "可用 / usable", "截止 / due", "收回 / recalled"]
    show_table("名单 / lists", columns, rows)
    finish(
        {"lists": [{"list": str(o.list_id), "name": o.name, "read": o.read, "usable": o.usable} for o in found]},
        as_json,
    )


@group.command("recall")
@handled
def recall(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="原因 / why")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """收回名单中尚未动手的任务。Take back the tasks of a list that nobody has begun."""
    from bankloop.care.worklist import recall_list

    with opened_in(bank, as_, "worklist.recall") as (_, connection):
        gone = recall_list(connection, number, reason)
    show_table("✓", ["收回 / recalled"], [[gone]])
    finish({"list": str(number), "recalled": gone}, as_json)


tasks_group = typer.Typer(help="任务：时钟。Tasks: their clocks.", no_args_is_help=True, rich_markup_mode=None)


@tasks_group.callback()
def tasks() -> None:
    """任务的命令。Commands on tasks."""


@tasks_group.command("escalate")
@handled
def escalate(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """升级超时的任务，每级一次。Escalate tasks whose working time runs out, each level once."""
    from bankloop.organization.principals import system
    from bankloop.organization.task import escalate_tasks
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened, opened.store.begin(system("clock")) as connection:
        raised = escalate_tasks(connection, WorkTime(opened.lake.zone))
    titles = ["提醒经理 / manager", "升级支行 / sub-branch", "升级分行 / branch"]
    show_table("✓", titles, [[raised.get(level, 0) for level in (1, 2, 3)]])
    finish({"raised": {str(level): count for level, count in raised.items()}}, as_json)


@tasks_group.command("escalated")
@handled
def escalated(
    bank: Folder = _HERE,
    as_: Person = "commander",
    as_json: AsJson = False,
) -> None:
    """升级到本人的任务：没人动的在前。List the tasks escalated to who asks: those that nobody has touched first."""
    from bankloop.kit.plain import plain
    from bankloop.organization.task import escalations

    with opened_in(bank, as_, "task.read") as (_, connection):
        found = escalations(connection)
    rows = [
        [
            one.task.task_id,
            one.task.unit_id,
            one.task.staff_id or "—",
            one.task.escalated,
            one.since,
            "✓" if one.touched else "",
        ]
        for one in found
    ]
    titles = ["任务 / task", "机构 / unit", "经办 / for", "级 / level", "升级于 / since", "有人动 / touched"]
    show_table("✓", titles, rows, right=[3])
    finish(
        {"escalated": [{**plain(one.task), "since": plain(one.since), "touched": one.touched} for one in found]},
        as_json,
    )
