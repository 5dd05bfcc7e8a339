"""The way from a customer to another party: its steps with their evidence, as who asks may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse

from bankloop.customer.consent import standing_of
from bankloop.customer.relation import MARKETING, MOST_HOPS, TITLES, PathStep, find_way
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page

WAY: Mapping[str, Text] = {
    "title": Text("关系路径", "Way between parties"),
    "lead": Text(
        "从这位客户到另一方最短的关系路径，每一步附证据；不在本人范围内的各方遮盖。",
        "A shortest way of relations from this customer to another party, each step with its evidence; parties beyond "
        "your own are masked.",
    ),
    "to": Text("另一方的客户号或单位号", "Number of the other party"),
    "hops": Text("最多几步", "At most so many steps"),
    "marketing": Text("只走营销可用的关系（不经担保）", "Only what marketing may walk (no guarantees)"),
    "find": Text("找路径", "Find the way"),
    "none": Text("在这些步数内没有路径。", "There is no way within so many steps."),
    "open": Text("找到另一方的路径", "Find the way to another party"),
}


def add_way_page(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/customers/{customer_no}/way")
    def way(
        request: Request,
        customer_no: str,
        visitor: Here,
        to: Annotated[str, Query(max_length=64)] = "",
        hops: Annotated[int, Query(ge=1, le=MOST_HOPS)] = MOST_HOPS,
        marketing: Annotated[str, Query(max_length=8)] = "",
    ) -> HTMLResponse:
        require(visitor.principal, "relation.read")
        console, number, other = console_of(request), customer_no[:64], to.strip()
        with console.bank.store.begin(visitor.principal) as connection:
            standing_of(connection, number)  # out of scope there is nobody, whatever is asked
            kinds = MARKETING if marketing else None
            steps = find_way(connection, console.bank.lake, number, other, hops, kinds) if other else ()
        return page(
            request,
            "way.html",
            at="customers",
            number=number,
            masked=masked(number),
            to=other,
            hops=hops,
            most=MOST_HOPS,
            marketing=bool(marketing),
            steps=way_table(steps) if steps else None,
            texts=WAY,
        )


def way_table(steps: Sequence[PathStep]) -> Table:
    """Return the steps of a way in order; an arrow says which way each relation points."""
    rows = tuple(
        (
            Cell(say.same(step.from_no)),
            Cell(_pointing(step)),
            Cell(say.same(step.to_no)),
            Cell(say.same(step.since or "—")),
            Cell(say.same(", ".join(step.evidence))),
        )
        for step in steps
    )
    columns = (
        Column(Text("自", "From")),
        Column(Text("关系", "Relation")),
        Column(Text("至", "To")),
        Column(Text("起", "Since")),
        Column(Text("证据", "Evidence")),
    )
    return Table("way", WAY["title"], columns, rows)


def _pointing(step: PathStep) -> Text:
    title = TITLES[step.kind]
    return Text(f"{title.zh} →", f"{title.en} →") if step.forward else Text(f"← {title.zh}", f"← {title.en}")
