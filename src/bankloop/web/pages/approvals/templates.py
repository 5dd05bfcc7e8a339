"""What a reviewer looks up of a campaign: its templates' filing numbers, and what must be recorded."""

from __future__ import annotations

from bankloop.kit.text import Text
from bankloop.loop.script import newest_approved
from bankloop.loop.spec import Lock
from bankloop.organization.approval import Approval
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.shell.console import Console
from bankloop.web.shell.visitor import Visitor
from bankloop.web.shell.ways import may

# What goes out through an operator, whose templates are on file with it.
_FILED = ("sms",)


def templates_table(found: Approval, visitor: Visitor, console: Console) -> tuple[Table, ...]:
    """Return the tables beside a campaign's request; none for other kinds, and for who reads no campaigns."""
    if found.kind != "campaign" or not may(visitor, "campaign.read"):
        return ()
    lock = console.lock(found.digest)
    return tuple(one for one in (_filings(lock), _recordings(lock)) if one.rows)


def _filings(lock: Lock) -> Table:
    rows = []
    for script in lock.scripts:
        version = newest_approved(script)
        for channel in _FILED:
            if version is None or channel not in version.bodies or channel not in lock.campaign.reach.channels:
                continue
            number = version.filings.get(channel)
            rows.append(
                (
                    Cell(say.same(f"{script.script} v{version.version}")),
                    Cell(lock.policies.channels[channel].title.text),
                    Cell(say.same(number)) if number else Cell(Text("未备案", "not on file"), Tone.BAD, tag=True),
                    Cell(version.bodies[channel].text),
                )
            )
    columns = (
        Column(Text("话术", "Script")),
        Column(Text("渠道", "Channel")),
        Column(Text("模板备案号", "Filing number")),
        Column(Text("正文", "Body")),
    )
    return Table("filings", Text("模板备案", "Templates on file"), columns, tuple(rows))


def _recordings(lock: Lock) -> Table:
    rows = tuple(
        (
            Cell(one.title.text),
            Cell(say.same(f"R{one.risk.level}" if one.risk else "—")),
            Cell(say.same("、".join(f"{document.title.zh} {document.version}" for document in one.documents) or "—")),
        )
        for one in lock.products
        if one.is_investment
    )
    columns = (Column(Text("产品", "Product")), Column(Text("风险", "Risk")), Column(Text("材料", "Documents")))
    note = Text(
        "销售时须录音录像（双录）；编号随成交结果登记在任务上，客户页与任务经过可查。",
        "A sale is recorded in sound and picture; its number is kept with the outcome on the task.",
    )
    return Table("recordings", Text("须双录的产品", "To be recorded when sold"), columns, rows, note)
