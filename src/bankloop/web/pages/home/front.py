"""The home of who works by tasks alone, without customers of one's own: what is done and ahead, what may be offered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bankloop.kit.text import Text
from bankloop.loop.offering.shelf import shelf_of
from bankloop.loop.script import newest_approved
from bankloop.organization.task import OPEN, TaskState, tasks_for
from bankloop.report.shelf import shelf_table
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table
from bankloop.web.pages.workbench.own import tasks_rows
from bankloop.web.shell.console import Console
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

# As far back as a month's work, and as far ahead as tasks are made.
_BEFORE, _AHEAD = timedelta(days=30), timedelta(days=14)
_ON_PAGE = 12
# Of the shelf: product, line, class, risk, whether it is offered.
_OFFERED = 5
_CALL = "rm_call"
_ANYBODY = Text("维护客户", "keeping in touch")


def front(console: Console, visitor: Visitor) -> tuple[tuple[Figure, ...], tuple[Table, ...]]:
    """Return the figures of one's tasks, those that are late or to come, and the shelf where one may see it."""
    today, own = console.today, visitor.principal.book or visitor.principal.tasks
    with console.bank.store.begin(visitor.principal) as connection:
        found = tasks_for(connection, own, today - _BEFORE, today + _AHEAD)
        shelf = shelf_of(connection) if may(visitor, "product.read") else None
    still = [task for task in found if task.state in OPEN]
    late, ahead = ([task for task in still if (task.due_on - today).days * way > 0] for way in (-1, 1))
    done = sum(task.state is TaskState.DONE for task in found)
    figures = (
        Figure(Text("今天的任务", "Tasks today"), say.count(len(still) - len(late) - len(ahead))),
        Figure(Text("已超时", "Late"), say.count(len(late)), Text("最近 30 天", "of the last 30 days")),
        Figure(Text("接下来", "To come"), say.count(len(ahead)), Text("今后 14 天", "within 14 days")),
        Figure(Text("已办结", "Done"), say.count(done), Text("最近 30 天", "in the last 30 days")),
    )
    tables = []
    if late or ahead:
        title = Text("超时与接下来的任务", "Tasks that are late or to come")
        shown = [*late, *ahead][:_ON_PAGE]
        columns, rows = tasks_rows(console, shown)
        due = tuple(
            (Cell(say.same(task.due_on.isoformat())), *row[:-2], row[-1]) for task, row in zip(shown, rows, strict=True)
        )
        tables.append(Table("ahead", title, (Column(Text("日期", "Due")), *columns[:-2], columns[-1]), due))
    if may(visitor, "script.read") and (talks := _talks(console)).rows:
        tables.append(talks)
    if shelf is not None:
        whole = shelf_table(tuple(console.bank.spec.products.values()), shelf, console.bank.spec.policies)
        offered = tuple(row[:_OFFERED] for row in whole.rows[:_ON_PAGE])
        title = Text("可以介绍的产品", "What may be offered")
        tables.append(replace(whole, caption=title, columns=whole.columns[:_OFFERED], rows=offered, note=None))
    return figures, tuple(tables)


def _talks(console: Console) -> Table:
    """Return what calls are about, by the newest approved version of each script that says it."""
    spec, rows = console.bank.spec, []
    for script in spec.scripts.values():
        approved = newest_approved(script)
        if approved is None or _CALL not in approved.bodies:
            continue
        titles = [spec.products[key].title.text for key in script.products if key in spec.products]
        about = Text("、".join(one.zh for one in titles), ", ".join(one.en for one in titles)) if titles else _ANYBODY
        rows.append((Cell(about), Cell(approved.bodies[_CALL].text)))
    columns = (Column(Text("谈什么", "About")), Column(Text("怎么说", "What to say")))
    return Table("talks", Text("电话话术", "What calls say"), columns, tuple(rows[:_ON_PAGE]))
