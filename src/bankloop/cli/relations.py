"""Commands on relations: derived anew, a customer's own, the way from one to another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.customers import Number, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table
from bankloop.cli.who import acting
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.customer.relation import PathStep

_HERE = Path()

group = typer.Typer(
    help="关系图谱：推导、查看、找路径。Relations: derive, show, find ways.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def derive(bank: Folder = _HERE, as_: Person = "steward", as_json: AsJson = False) -> None:
    """从声明、代发和设备推导关系，并算出违约传递到谁。Derive relations and whom a default reaches."""
    from bankloop.customer.relation import derive_relations
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        done = derive_relations(opened.store, acting(opened.store, as_, "quality"), opened.lake)
    show_table(
        "关系 / relations", ["种类 / kind", "条 / edges"], [[k, f"{n:,}"] for k, n in done.edges.items()], right=[1]
    )
    finish({"edges": dict(done.edges), "exposed": done.exposed}, as_json)


def show(number: Number, bank: Folder = _HERE, as_: Person = "steward", as_json: AsJson = False) -> None:
    """一个客户的直接关系及其证据。A customer's own relations with their evidence."""
    from bankloop.customer.relation import open_relations

    with opened_in(bank, as_, "relation.read") as (opened, connection):
        found = open_relations(connection, opened.lake, number)
    _told(number, found, as_json)


def way(
    number: Number,
    other: Annotated[str, typer.Argument(help="另一方 / the other party")],
    hops: Annotated[int, typer.Option(min=1, max=3, help="最多几步 / at most so many steps")] = 3,
    marketing: Annotated[
        bool, typer.Option("--marketing", help="只走营销可用的关系 / only what marketing may walk")
    ] = False,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """两方之间最短的关系路径。A shortest way between two parties."""
    from bankloop.customer.relation import MARKETING, find_way

    with opened_in(bank, as_, "relation.read") as (opened, connection):
        found = find_way(connection, opened.lake, number, other, hops, MARKETING if marketing else None)
    _told(f"{number} → {other}", found, as_json)


def _told(title: str, found: tuple[PathStep, ...], as_json: bool) -> None:
    from bankloop.customer.relation import TITLES

    rows: list[dict[str, Any]] = [
        {"from": s.from_no, "to": s.to_no, "kind": s.kind.value, "forward": s.forward,
         "since": s.since.isoformat() if s.since else None, "evidence": list(s.evidence)}
        for s in found
    ]  # fmt: skip
    shown = [[s.from_no, TITLES[s.kind].say(language()), s.to_no, s.since or "", len(s.evidence)] for s in found]
    show_table(title, ["自 / from", "关系 / kind", "至 / to", "起 / since", "证据 / evidence"], shown, right=[4])
    finish({"steps": rows}, as_json)


COMMANDS: dict[str, Callable[..., None]] = {"derive": derive, "show": show, "way": way}
