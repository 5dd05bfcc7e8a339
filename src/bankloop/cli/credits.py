"""Commands on credit: what each person was credited with and by which deals, and a joint sale shared by hand."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, show_table, yuan
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text

_HERE = Path()
_DAY = ["%Y-%m-%d"]
Since = Annotated[
    datetime | None, typer.Option("--from", formats=_DAY, help="起，默认年初 / first day, the year's by default")
]
Until = Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="止，默认今天 / last day, today by default")]
group = typer.Typer(
    help="业绩归属：查看、登记联合业绩。Credit for what was sold: listed, a joint sale recorded.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list")
@handled
def list_(
    person: Annotated[str, typer.Option("--person", help="某人的逐笔依据 / the deals behind one person's")] = "",
    first: Since = None,
    last: Until = None,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """按人列出归属的业绩；--person 列出其每一笔与依据。List credit by person, or the deals behind one person's."""
    from bankloop.performance.credit import credited_fen, credits_of, scorecards
    from bankloop.view.format import masked_number

    with opened_in(bank, as_, "credit.read") as (opened, connection):
        until = last.date() if last else opened.lake.today()
        since = first.date() if first else date(until.year, 1, 1)
        cards = scorecards(connection, since, until)
        deals = credits_of(connection, person, since, until) if person else ()
    if not person:
        found = [
            {"staff": o.staff_id, "unit": o.unit_id, "deals": o.deals, "share_ppm": o.share_ppm, "fen": o.amount_fen}
            for o in cards
        ]
        columns = ["人员 / person", "机构 / unit", "笔数 / deals", "份额 / share", "归属 / credited"]
        shown = [[o.staff_id, o.unit_id, f"{o.deals:,}", _share(o.share_ppm), yuan(o.amount_fen)] for o in cards]
        show_table("业绩归属 / credit", columns, shown, right=[2, 3, 4])
        finish({"since": since.isoformat(), "until": until.isoformat(), "people": found}, as_json)
        return
    rows = [
        {
            "key": deal.source_key, "what": deal.what, "customer": masked_number(deal.customer_no),
            "day": deal.happened_on.isoformat(), "line": share.line, "share_ppm": share.share_ppm,
            "fen": credited_fen(deal.amount_fen, share.share_ppm), "task": str(share.task_id) if share.task_id else None,
        }
        for deal, share in deals
    ]  # fmt: skip
    columns = [
        "编号 / deal",
        "事项 / what",
        "客户 / customer",
        "日期 / day",
        "条线 / line",
        "份额 / share",
        "归属 / credited",
        "任务 / task",
    ]
    told: list[list[object]] = [
        [*list(row.values())[:5], _share(s.share_ppm), yuan(credited_fen(d.amount_fen, s.share_ppm)), row["task"] or ""]
        for row, (d, s) in zip(rows, deals, strict=True)
    ]
    show_table(person, columns, told, right=[5, 6])
    finish({"since": since.isoformat(), "until": until.isoformat(), "person": person, "deals": rows}, as_json)


@group.command("record")
@handled
def record(
    key: Annotated[str, typer.Argument(help="成交编号 / number of the deal")],
    customer: Annotated[str, typer.Option("--customer", help="客户号 / customer number")],
    unit: Annotated[str, typer.Option("--unit", help="机构号 / unit")],
    what: Annotated[str, typer.Option("--what", help="事项 / what was sold")],
    amount: Annotated[str, typer.Option("--amount", help="金额，元 / yuan")],
    day: Annotated[datetime, typer.Option("--day", formats=_DAY, help="日期 / day")],
    share: Annotated[
        list[str], typer.Option("--share", help="份额，可重复，如 M00001:retail=0.6 / a share, repeatable")
    ],
    task: Annotated[UUID | None, typer.Option("--task", help="依据的任务 / the task that shows it")] = None,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """登记一笔业绩并分给各人，合计不超过 1；同一编号再登记是追加份额。Record a deal and share it, never above the whole."""
    from bankloop.kit.money import to_fen
    from bankloop.performance.credit import read_shares, record_deal

    with opened_in(bank, as_, "credit.record") as (_, connection):
        shares = read_shares(_shared(share))
        deal = record_deal(connection, key, customer, unit, what, to_fen(amount), day.date(), shares, task)
    show_table(
        deal.source_key,
        ["人员 / person", "条线 / line", "份额 / share"],
        [[one.staff_id, one.line, _share(one.share_ppm)] for one in shares],
        right=[2],
    )
    finish(
        {"deal": str(deal.deal_id), "key": deal.source_key, "fen": deal.amount_fen, "credited_ppm": deal.credited_ppm},
        as_json,
    )


def _share(ppm: int) -> str:
    """Return a share as people read it; of a deal it is at most the whole, of a person's deals a number of them."""
    return f"{ppm / 1_000_000:.2f}"


def _shared(said: list[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for words in said:
        staff, part = _said(words)
        # Of two for one person the later one would silently be all that they get.
        if staff in found:
            raise _bad(words)
        found[staff] = part
    return found


def _said(words: str) -> tuple[str, tuple[str, str]]:
    who, sign, part = words.partition("=")
    staff, colon, line = who.partition(":")
    if not sign or not colon or not staff.strip() or not line.strip():
        raise _bad(words)
    return staff.strip(), (line.strip(), part)


def _bad(words: str) -> InputError:
    return InputError(
        "credit.words",
        Text(
            "份额“{words}”不能用；每人一条，写 工号:条线=份额，如 M00001:retail=0.6",
            "the share '{words}' cannot be used; write one a person, PERSON:LINE=SHARE such as M00001:retail=0.6",
        ),
        words=words[:64],
    )
