"""Commands on targets: set, split a level further, shown against time; and a branch's own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from bankloop.cli.customers import Reason, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, show_table, yuan
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text

_HERE = Path()
_DAY = ["%Y-%m-%d"]
Number = Annotated[UUID, typer.Argument(help="目标编号 / id of the target")]
Unit = Annotated[str, typer.Argument(help="机构号 / unit")]
Weights = Annotated[
    str, typer.Option("--weights", help="权重，如 B001=5,B002=3 或 B001=60%,B002=40% / weights of who is right below")
]
group = typer.Typer(
    help="目标：下达、逐级分解、对照序时进度。Targets: set, split down the tree, followed against time.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("set")
@handled
def put(
    name: Annotated[str, typer.Argument(help="名称 / name")],
    weights: Weights,
    total: Annotated[str, typer.Option("--total", help="总量；金额为元 / pieces, or yuan")],
    first: Annotated[datetime, typer.Option("--from", formats=_DAY, help="起 / first day")],
    last: Annotated[datetime, typer.Option("--to", formats=_DAY, help="止 / last day")],
    measure: Annotated[str, typer.Option("--measure", help="tasks、sales 或 deposits / what is counted")] = "tasks",
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """下达全行目标并按权重分到直接下级，合计精确。Set a target of the bank and split it over the units below."""
    from bankloop.performance.target import parts_below, read_weights, set_target

    with opened_in(bank, as_, "target.set") as (_, connection):
        read = read_weights(_said(weights))
        made = set_target(connection, name, measure, first.date(), last.date(), _total(measure, total), read)
        parts = {
            one.holder: one.amount
            for holder in _roots(connection)
            for one in parts_below(connection, made.target_id, holder)
        }
    _show_parts(made.name, made.measure, parts)
    finish({"target": str(made.target_id), "total": made.total, "parts": parts}, as_json)


@group.command("split")
@handled
def split(
    target: Number,
    unit: Unit,
    weights: Weights,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """把一个机构的目标分给它的直接下级或客户经理。Split what a unit has over the units or people right below it."""
    from bankloop.performance.target import read_weights, split_target, target_of

    with opened_in(bank, as_, "target.split") as (_, connection):
        parts = split_target(connection, target, unit, read_weights(_said(weights)))
        found = target_of(connection, target)
    _show_parts(unit, found.measure, parts)
    finish({"target": str(target), "unit": unit, "parts": parts}, as_json)


@group.command("show")
@handled
def show(target: Number, unit: Unit, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """查看一个机构的目标、完成与序时进度。Show what a unit has of a target, what is reached, and the time gone."""
    from bankloop.performance.target import gone, part_of, parts_below, target_of
    from bankloop.performance.target_progress import reached

    with opened_in(bank, as_, "target.read") as (opened, connection):
        day = opened.lake.today() - timedelta(days=1)
        found, mine = target_of(connection, target), part_of(connection, target, unit)
        below, done = parts_below(connection, target, unit), reached(connection, opened, found, day)
    rows = [
        {"holder": o.holder, "amount": o.amount, "reached": done.of(o.holder, o.kind) if done else None}
        for o in (mine, *below)
    ]
    shown = [
        [row["holder"], _said_of(found.measure, row["amount"]), _said_of(found.measure, row["reached"])] for row in rows
    ]
    show_table(found.name, ["承接方 / holder", "目标 / target", "完成 / reached"], shown, right=[1, 2])
    finish({"target": str(target), "gone": gone(found, day), "part": rows[0], "below": rows[1:]}, as_json)


@group.command("narrow")
@handled
def narrow_(
    unit: Unit,
    reason: Reason,
    campaign: Annotated[str, typer.Option("--campaign", help="战役，默认全部 / campaign, all by default")] = "",
    condition: Annotated[str, typer.Option("--condition", help="条件，如 age >= 40 / condition")] = "",
    per_week: Annotated[int | None, typer.Option("--per-week", help="每周至多 / contacts a week at most")] = None,
    withhold: Annotated[
        list[str] | None, typer.Option("--withhold", help="不提供的权益，可重复 / a benefit withheld, repeatable")
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            "--add", help="自加的权益=每期至多元，如 coupon-10=500 / a benefit added=yuan a window, repeatable"
        ),
    ] = None,
    bank: Folder = _HERE,
    as_: Person = "commander",
    as_json: AsJson = False,
) -> None:
    """分行在总行范围内收窄，或自加总行留给分行的权益；放宽会被拒绝。A branch narrows, or adds what is left to it, within limits."""
    from bankloop.loop.campaign.branch_rule import narrow
    from bankloop.store.database import principal_of

    with opened_in(bank, as_, "narrowing.set") as (opened, connection):
        made = narrow(
            opened,
            principal_of(connection),
            unit,
            campaign,
            condition,
            per_week,
            reason,
            withhold or (),
            _added(add or ()),
        )
    show_table(
        unit,
        ["条件 / condition", "每周至多 / a week", "不提供 / withheld", "自加 / added"],
        [
            [
                made.condition or "—",
                made.per_week if made.per_week is not None else "—",
                ", ".join(made.withheld) or "—",
                ", ".join(f"{key}: {yuan(money)}" for key, money in made.added.items()) or "—",
            ]
        ],
    )
    finish(
        {
            "narrowing": str(made.narrowing_id), "unit": unit, "condition": made.condition, "per_week": made.per_week,
            "withheld": list(made.withheld), "added": dict(made.added),
        },
        as_json,
    )  # fmt: skip


def _added(words: Sequence[str]) -> dict[str, int]:
    """Return by benefit what a branch would spend on it in a window, fen, as ``coupon-10=500`` says it."""
    from bankloop.kit.grammar import read_amount

    return {key: read_amount(money) for key, _, money in (one.partition("=") for one in words)}


def _show_parts(title: str, measure: str, parts: Mapping[str, int]) -> None:
    rows = [[holder, _said_of(measure, amount)] for holder, amount in parts.items()]
    show_table(title, ["承接方 / holder", "目标 / target"], rows, right=[1])


def _said_of(measure: str, amount: Any) -> str:
    """Return an amount of a target in its unit: money in yuan, pieces as they are; what nobody knows yet as a dash."""
    if amount is None:
        return "—"
    return yuan(amount) if _is_money(measure) else f"{amount:,}"


def _is_money(measure: str) -> bool:
    from bankloop.performance.target import MEASURES
    from bankloop.performance.target import TargetUnit as Counted

    return measure in MEASURES and MEASURES[measure].unit is Counted.MONEY


def _roots(connection: object) -> list[str]:
    from sqlalchemy import Connection

    from bankloop.organization.people import units

    assert isinstance(connection, Connection)
    return [unit.unit_id for unit in units(connection) if unit.parent_id is None]


def _total(measure: str, words: str) -> int:
    from bankloop.kit.money import to_fen

    if _is_money(measure):
        return to_fen(words)
    try:
        return int(words)
    except ValueError:
        raise _bad(words) from None


def _said(words: str) -> dict[str, str]:
    pairs = [piece.partition("=") for piece in words.split(",") if piece.strip()]
    if bad := next((piece for piece, sign, _ in pairs if not sign), None):
        raise _bad(bad)
    return {name.strip(): weight.strip() for name, _, weight in pairs}


def _bad(words: str) -> InputError:
    return InputError(
        "target.words",
        Text("看不懂“{words}”；权重写 机构=数，如 B001=5,B002=3，总量写整数", "'{words}' cannot be read; write weights as UNIT=NUMBER such as B001=5,B002=3, and the total as a whole number"),
        words=words[:64],
    )  # fmt: skip
