"""Commands on customers: who is one person, found, shown, linked, merged and taken apart; and erasing personal data."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, show_table
from bankloop.cli.who import acting
from bankloop.kit.clock import local_day
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bankloop.customer.identity import MergeEvent, Party
    from bankloop.loop.bank import Bank

_HERE = Path()
_ZONE = "Asia/Shanghai"

group = typer.Typer(
    help="客户：查找、识别、合并与拆分、清除。Find, link, merge and take apart customers; erase personal data.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Number = Annotated[str, typer.Argument(help="客户号 / customer number")]
Reason = Annotated[str, typer.Option("--reason", help="原因 / why")]


@group.command("find")
@handled
def find(
    kind: Annotated[str, typer.Argument(help="标识种类，如 phone、id_card、name / kind of identifier")],
    value: Annotated[
        str, typer.Argument(help="值；- 从标准输入读取，不留在命令历史中 / the value; - reads it from stdin")
    ],
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """按标识查找客户（经盲索引），只列本人范围内的。Find customers by an identifier, as far as one may see them."""
    from bankloop.customer.identity import search_parties

    sought = sys.stdin.readline().strip() if value == "-" else value
    with acting_in(bank, as_, "customer.read") as connection:
        found = [_party(one) for one in search_parties(connection, kind, sought)]
    _show("客户 / customers", found)
    finish({"parties": found}, as_json)


@group.command("show")
@handled
def show(number: Number, bank: Folder = _HERE, as_: Person = "steward", as_json: AsJson = False) -> None:
    """显示一个客户：各字段及其来源、全部标识、合并历史；默认脱敏。Show a customer: fields with their sources, masked."""
    from bankloop.customer.identity import open_party

    with acting_in(bank, as_, "customer.read") as connection:
        seen = open_party(connection, number)
    values = [
        {
            "field": v.field,
            "value": v.value,
            "masked": v.masked,
            "from": v.customer_no,
            "source": v.source,
            "rule": v.rule,
        }
        for v in seen.values
    ]
    identifiers = [
        {
            "kind": one.kind,
            "value": one.value,
            "of": one.customer_no,
            "since": _at(one.valid_from),
            "until": _at(one.valid_to),
        }
        for one in seen.identifiers
    ]
    history = [_event(one) for one in seen.history]
    for title, rows in (("字段 / fields", values), ("标识 / identifiers", identifiers), ("历史 / history", history)):
        _show(title, rows)
    finish({**_party(seen.party), "values": values, "identifiers": identifiers, "history": history}, as_json)


@group.command("link")
@handled
def link(
    file: Annotated[Path | None, typer.Argument(help="记录文件（CSV 或 Parquet）/ file of records")] = None,
    source: Annotated[str, typer.Option("--source", help="来源系统 / source system")] = "core",
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="数据日期 / day of the data")
    ] = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="先从本行记录重新学习 / learn from the bank's records first")
    ] = False,
    whole: Annotated[bool, typer.Option("--whole", help="全部重新比较 / compare everybody anew")] = False,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """收入一个来源的记录并识别同一人：先证件，后概率。Take records in and link those that are one person."""
    from bankloop.customer import identity

    taken: dict[str, Any] = {}
    if file is not None:
        day = as_of.date() if as_of else local_day(bank_clock(bank).now(), _ZONE)
        records = identity.read_records(file)
        with acting_in(bank, as_, "identity.load") as connection:
            done = identity.register(connection, source, records, day, file.name)
        taken = {
            "new": done.new,
            "changed": done.changed,
            "known": done.known,
            "stale": done.stale,
            "refused": dict(done.refused),
        }
    with acting_in(bank, as_, "identity.link") as connection:
        if learn:
            identity.learn_matching(connection)
        told = identity.link_identities(connection, whole=whole)
    linked = {
        "identities": told.identities, "pairs": told.pairs, "links": dict(told.links), "merges": told.merges,
        "queued": told.queued, "flagged": told.flagged,
    }  # fmt: skip
    _show("识别 / linked", [{**taken, **linked}])
    finish({"taken": taken, "linked": linked}, as_json)


@group.command("merge")
@handled
def merge(
    one: Number,
    other: Annotated[str, typer.Argument(help="另一客户号 / the other customer number")],
    reason: Reason = "",
    run: Annotated[bool, typer.Option("--run", help="执行已批准的合并 / do what was approved")] = False,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """申请人工合并两个客户；他人批准后用 --run 执行。Ask that two customers be merged; --run once another approved."""
    from bankloop.customer.identity import ask_merge, merge_parties

    with acting_in(bank, as_, "merge.run" if run else "merge.submit") as connection:
        if run:
            _told(merge_parties(connection, one, other), as_json)
            return
        request = ask_merge(connection, one, other, reason)
    show_table(f"{one} + {other}", ["申请 / request"], [[request]])
    finish({"request": str(request)}, as_json)


@group.command("unmerge")
@handled
def unmerge(
    number: Number,
    reason: Reason = "",
    event: Annotated[UUID | None, typer.Option("--event", help="整次撤销的合并 / the merge to undo whole")] = None,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """把一个号码拆出，或撤销一次合并；此后的事件各归其主。Take a number out, or undo a merge; events follow whom they are about."""
    from bankloop.customer.identity import undo_merge

    with acting_in(bank, as_, "merge.undo") as connection:
        _told(undo_merge(connection, number, reason, event), as_json)


@group.command("queue")
@handled
def queue(
    same: Annotated[UUID | None, typer.Option("--same", help="判为同一人 / decide: one person")] = None,
    apart: Annotated[UUID | None, typer.Option("--apart", help="判为两人 / decide: two people")] = None,
    reason: Reason = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多行数 / most rows")] = 50,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """待判队列：列出，或判定其中一对。The steward's queue: list it, or decide a pair of it."""
    from bankloop.customer.identity import WHYS, candidates, decide_candidate

    decided = same or apart
    with acting_in(bank, as_, "merge.decide" if decided else "merge.read") as connection:
        if decided is not None:
            _told(decide_candidate(connection, decided, same is not None, reason), as_json)
            return
        found = [
            {
                "candidate": str(c.candidate_id),
                "a": c.a,
                "b": c.b,
                "bits": round(c.weight, 1),
                "why": c.why,
                "evidence": dict(c.evidence),
            }
            for c in candidates(connection, limit=limit)
        ]
    _show("待判 / queue", [{**one, "why": WHYS[str(one["why"])].say(language())} for one in found])
    finish({"queue": found}, as_json)


@contextmanager
def opened_in(bank: Path, person: str, permission: str) -> Iterator[tuple[Bank, Connection]]:
    """Open the bank as who is at this terminal, for the purpose of the first of their roles that has the permission."""
    from bankloop.organization.principals import system
    from bankloop.organization.rights import ROLES, grants_of, require
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        with opened.store.begin(system("cli")) as connection:
            held = [ROLES[one.role] for one in grants_of(connection, person)]
        fit = next((one for one in held if permission in one.rights), held[0] if held else None)
        purpose = min(fit.purposes) if fit else "quality"
        principal = acting(opened.store, person, purpose)
        require(principal, permission)
        with opened.store.begin(principal) as connection:
            yield opened, connection


@contextmanager
def acting_in(bank: Path, person: str, permission: str) -> Iterator[Connection]:
    """Open a transaction as who is at this terminal; see ``opened_in``."""
    with opened_in(bank, person, permission) as (_, connection):
        yield connection


def _party(party: Party) -> dict[str, Any]:
    members = [
        {"number": m.customer_no, "source": m.source, "as_of": m.as_of.isoformat(), "load": m.load_id}
        for m in party.members
    ]
    return {"party": party.party_no, "members": members}


def _event(one: MergeEvent) -> dict[str, Any]:
    return {
        "event": str(one.event_id), "kind": one.kind, "party": one.party_no, "other": one.other_no, "moved": list(one.moved),
        "flags": list(one.flags), "by": one.by, "reason": one.reason, "at": _at(one.at),
    }  # fmt: skip


def _told(events: Sequence[MergeEvent], as_json: bool) -> None:
    rows = [_event(one) for one in events]
    _show("变化 / what changed", rows)
    finish({"events": rows}, as_json)


def _show(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    show_table(title, list(rows[0]) if rows else [""], [[_cell(value) for value in row.values()] for row in rows])


def _cell(value: object) -> object:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(str(one.get("number", one)) if isinstance(one, Mapping) else str(one) for one in value)
    return "" if value is None else value


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
