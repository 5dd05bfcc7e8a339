"""Commands on segments: what a condition comes to, versions, customers by hand, plans, activated and retired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table, tell
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.customer.segment import SegmentVersion

_HERE = Path()

group = typer.Typer(
    help="客群：看人数、保存、手工增减、方案、启用。Segments: count, save, customers by hand, plan, activate.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="客群名称 / name of the segment")]
Condition = Annotated[str, typer.Argument(help="条件，如 aum >= 50000 and segment('payroll') / condition")]
Numbers = Annotated[list[str] | None, typer.Option(help="客户号，可多次 / customer number, may be repeated")]
_NONE: list[str] = []


def count(condition: Condition, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """一个条件选中多少人、谁被排除，并提醒容易漏掉的人。What a condition comes to, who is left out, and whom it may lose unsaid."""
    from bankloop.store.database import principal_of
    from bankloop.web.shell.console import Console

    with opened_in(bank, as_, "segment.read") as (opened, connection):
        found = Console(opened).look(principal_of(connection), condition)
    small = bool(found.fewer_than)
    rows: list[list[object]] = [["命中 / meet it", f"< {found.fewer_than}" if small else f"{found.hit:,}"]]
    if not small:
        rows += [[one.title.say(language()), f"−{one.count:,}"] for one in found.falls]
        rows.append(["可用 / usable", f"{found.usable:,}"])
    show_table("客群 / audience", ["", "人数 / customers"], rows, right=[1])
    for warning in found.warnings:
        tell(warning)
    answer = {
        "everybody": found.everybody,
        "hit": None if small else found.hit,
        "usable": None if small else found.usable,
        "falls": {one.code: one.count for one in found.falls},
        "fewer_than": found.fewer_than or None,
        "warnings": [one.say(language()) for one in found.warnings],
    }
    finish(answer, as_json)


def listed(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """全部客群的最新一版。The newest version of every segment."""
    from bankloop.customer.segment import segments

    with opened_in(bank, as_, "segment.read") as (_, connection):
        found = segments(connection)
    _told("客群 / segments", found, as_json)


def show(name: Name, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """一个客群的各版，及最新一版的手工名单。A segment's versions, and whom the newest has by hand."""
    from bankloop.customer.segment import versions_of

    with opened_in(bank, as_, "segment.read") as (_, connection):
        found = versions_of(connection, name)
    rows = [
        [one.customer_no, "加入 / in" if one.within else "移出 / out", one.by, one.at, one.why]
        for one in found[0].listed
    ]
    if rows:
        show_table("手工名单 / by hand", ["客户 / customer", "", "谁 / who", "何时 / when", "原因 / why"], rows)
    _told(name, found, as_json)


def save(
    name: Name,
    condition: Condition,
    zh: Annotated[str, typer.Option(help="中文标题 / title in Chinese")],
    en: Annotated[str, typer.Option(help="英文标题 / title in English")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """把条件存为客群的下一版。Save a condition as the next version of a segment."""
    from bankloop.customer.segment import save_segment

    with opened_in(bank, as_, "segment.save") as (opened, connection):
        found = save_segment(connection, opened.catalogue, name, Text(zh, en), condition)
    _told(name, [found], as_json)


def load(
    file: Annotated[Path, typer.Argument(help="YAML 文件：客群名 → zh、en、when / YAML: name → zh, en, when")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """从文件保存客群，全部存下或一个不存。Save segments from a file, all of them or none."""
    from bankloop.customer.segment import save_written, written_segments

    with opened_in(bank, as_, "segment.save") as (opened, connection):
        found = save_written(connection, opened.catalogue, written_segments(file))
    _told(str(file), found, as_json)


def by_hand(
    name: Name,
    why: Annotated[str, typer.Option(help="原因 / why")],
    add: Numbers = None,
    take_out: Numbers = None,
    forget: Numbers = None,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """手工加入、移出客户，或重新只按规则；存为下一版，启用后生效。Add customers, take them out, or leave them to the rule again: the next version."""
    from bankloop.customer.segment import ListChange, list_customers

    change = ListChange(tuple(add or _NONE), tuple(take_out or _NONE), tuple(forget or _NONE), why)
    with opened_in(bank, as_, "segment.list") as (_, connection):
        found = list_customers(connection, name, change)
    _told(name, [found], as_json)


def plan(
    name: Name,
    title: Annotated[str, typer.Option(help="方案名称 / name of the plan")],
    owner: Annotated[str, typer.Option(help="负责的机构或员工 / unit or staff who answers for it")],
    does: Annotated[str, typer.Option(help="做什么 / what is done")],
    version: Annotated[int, typer.Option(min=1, help="版本 / version")] = 1,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """写明一版的方案；没有方案不能启用。Name a version's plan, without which it cannot be activated."""
    from bankloop.customer.segment import plan_segment

    with opened_in(bank, as_, "segment.plan") as (_, connection):
        found = plan_segment(connection, name, version, title, owner, does)
    _told(name, [found], as_json)


def activate(
    name: Name,
    version: Annotated[int, typer.Option(min=1, help="版本 / version")] = 1,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """启用一版，代替原来启用的。Put a version into use in place of the one that was."""
    from bankloop.customer.segment import activate_segment

    with opened_in(bank, as_, "segment.activate") as (_, connection):
        found = activate_segment(connection, name, version)
    _told(name, [found], as_json)


def retire(
    name: Name,
    why: Annotated[str, typer.Option(help="原因 / why")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """停用一个客群。Take a segment out of use."""
    from bankloop.customer.segment import retire_segment

    with opened_in(bank, as_, "segment.retire") as (_, connection):
        found = retire_segment(connection, name, why)
    _told(name, [found], as_json)


def _told(title: str, found: Sequence[SegmentVersion], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "version": one.version,
            "kind": one.kind.value,
            "zh": one.title.zh,
            "en": one.title.en,
            "expression": one.expression,
            "active": one.active,
            "plan": one.plan.title if one.plan else None,
            "listed": [
                {"customer_no": who.customer_no, "within": who.within, "by": who.by, "at": who.at, "why": who.why}
                for who in one.listed
            ],
        }
        for one in found
    ]
    shown = [
        [
            one.name,
            f"v{one.version}",
            one.title.say(language()),
            one.expression or "聚类 / cluster",
            "启用 / active" if one.active else "",
            one.plan.title if one.plan else "—",
            len(one.listed) or "",
        ]
        for one in found
    ]
    heads = [
        "客群 / segment",
        "版本 / version",
        "名称 / title",
        "条件 / condition",
        "状态 / state",
        "方案 / plan",
        "手工 / by hand",
    ]
    show_table(title, heads, shown, right=[6])
    finish({"segments": rows}, as_json)


COMMANDS: dict[str, Callable[..., None]] = {
    "count": count,
    "all": listed,
    "show": show,
    "save": save,
    "load": load,
    "hand": by_hand,
    "plan": plan,
    "activate": activate,
    "retire": retire,
}
