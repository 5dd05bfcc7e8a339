"""Commands on events: their types, a file of them taken in, what came of those told."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.customer.event import GivenEvent

_HERE = Path()
# As many at a time as one request may tell.
_PART = 1_000
_MOST_BYTES, _MOST_LINE = 1 << 30, 1 << 16
group = typer.Typer(
    help="事件：类型、报送、收入情况。Events: their types, told from a file, what came of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("types")
@handled
def types(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """列出可以报送的事件类型和字段。List the types of events that may be told, and their fields."""
    from bankloop.customer.event import read_event_types
    from bankloop.kit.plain import plain

    with opened_in(bank, as_, "event.read") as (opened, _):
        found = read_event_types(opened.folder)
    rows = [
        [
            one.name,
            one.title.say(language()),
            ", ".join(one.sources),
            ", ".join(f"{name}{'*' if field.required else ''}" for name, field in one.fields.items()) or "—",
        ]
        for one in found.values()
    ]
    show_table("事件类型 / types of events", ["类型 / type", "名称 / title", "来源 / told by", "字段 / fields"], rows)
    fields = {
        name: {key: {"type": str(field.type), "required": field.required} for key, field in one.fields.items()}
        for name, one in found.items()
    }
    listed = [{**plain(one), "fields": fields[one.name]} for one in found.values()]
    finish({"types": listed}, as_json)


@group.command("take")
@handled
def take(
    file: Annotated[Path, typer.Argument(help="每行一个 JSON 事件 / one event as JSON a line")],
    source: Annotated[str, typer.Option("--source", help="报送的系统 / the system that tells them")],
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """收入一个文件里的事件；不合规的逐行说明，其余照收。Take in a file of events; what does not fit is said line by line."""
    from bankloop.customer.event import EventState, read_event_types, take_events, unreadable_events
    from bankloop.kit.bounded import size_within
    from bankloop.kit.plain import plain

    try:
        size_within(file.name, file.stat().st_size, _MOST_BYTES)
        given = _read(file)
    except OSError as error:
        raise unreadable_events(str(file)) from error
    counts = dict.fromkeys(("taken", "late", "known"), 0)
    refused: list[dict[str, Any]] = []
    for begin in range(0, len(given), _PART):
        part = given[begin : begin + _PART]
        with opened_in(bank, as_, "event.append") as (opened, connection):
            kinds = read_event_types(opened.folder)
            done = take_events(connection, kinds, source, [one for _, one in part], opened.lake.zone)
        counts["taken"] += done.count(EventState.TAKEN)
        counts["known"] += done.count(EventState.KNOWN)
        counts["late"] += sum(one.late for one in done.verdicts)
        refused += [
            {"line": part[one.at][0], "number": one.number, "code": one.code, "reason": plain(one.reason)}
            for one in done.verdicts
            if one.state is EventState.REFUSED
        ]
    say(
        Text(
            f"收入 {counts['taken']:,}（迟到 {counts['late']:,}），重复 {counts['known']:,}，拒绝 {len(refused):,}。",
            f"{counts['taken']:,} taken in ({counts['late']:,} late), {counts['known']:,} known already, "
            f"{len(refused):,} refused.",
        )
    )
    if refused:
        rows = [[one["line"], one["number"], one["reason"][language().value]] for one in refused[:20]]
        show_table("拒绝的 / refused", ["行 / line", "编号 / number", "原因 / reason"], rows, right=[0])
    finish({**counts, "refused": refused}, as_json)


@group.command("traffic")
@handled
def traffic(
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="最近几天 / how many days back")] = 7,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """最近收到的事件：收入、迟到、重复、拒绝及原因。What came of the events told: taken in, late, known, refused and why."""
    from bankloop.customer.event import traffic_of
    from bankloop.kit.plain import plain

    with opened_in(bank, as_, "event.read") as (opened, connection):
        found = traffic_of(connection, opened.clock.now() - timedelta(days=days))
    heads = ["类型 / type", "来源 / source", "收入 / taken", "迟到 / late", "重复 / known", "拒绝 / refused"]
    rows = [
        [
            one.type or "—",
            one.source,
            f"{one.taken:,}",
            f"{one.late:,}",
            f"{one.known:,}",
            f"{sum(one.refused.values()):,}",
        ]
        for one in found
    ]
    show_table("收到的事件 / events told", heads, rows, right=[2, 3, 4, 5])
    finish({"traffic": plain(found)}, as_json)


def _read(file: Path) -> list[tuple[int, GivenEvent]]:
    """Return a file's events with their lines; raise ``InputError`` at the first line that is none."""
    from bankloop.customer.event import GivenEvent, bad_event_lines
    from bankloop.kit.bounded import read_json
    from bankloop.kit.errors import BankloopError
    from bankloop.kit.grammar import read_moment

    found: list[tuple[int, GivenEvent]] = []
    known = ("number", "type", "customer_no", "occurred_at", "channel", "fields")
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for at, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                told = read_json(line, f"{file.name}:{at}", _MOST_LINE)
                json.dumps(told, ensure_ascii=False).encode()  # half a sign that UTF-16 writes in two is none
                if not isinstance(told, dict) or not isinstance(told.get("fields", {}), dict):
                    raise ValueError("{…}")
                if unknown := [key for key in told if key not in known]:
                    raise ValueError(f"{unknown[0]} ({', '.join(known)})")
                moment = read_moment(str(told["occurred_at"]))
                number, kind, customer = (str(told[key]) for key in known[:3])
                one = GivenEvent(number, kind, customer, moment, str(told.get("channel", "")), told.get("fields", {}))
            except BankloopError as error:
                raise bad_event_lines(file.name, at, error.message.say(language())) from error
            except (ValueError, KeyError, RecursionError) as error:
                raise bad_event_lines(file.name, at, str(error)[:100]) from error
            found.append((at, one))
    return found
