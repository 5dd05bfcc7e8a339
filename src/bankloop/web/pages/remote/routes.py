"""The remote desk: what each seat has to call, what went out in batches, and a round begun by who may."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.care.initiative import keep_in_touch
from bankloop.care.remote import remote_rounds, seat_queues
from bankloop.customer.servicing import RemoteRound, SeatQueue
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.organization.rights import require
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.shell.forms import Acting, Here
from bankloop.web.shell.front_words import FRONT_WORDS
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/remote")
    def desk(request: Request, visitor: Here) -> Response:
        return _page(request, visitor)

    @app.post("/remote/round")
    def begin(request: Request, visitor: Acting) -> Response:
        bank = console_of(request).bank
        require(visitor.principal, "servicing.maintain")
        try:
            with bank.store.begin(visitor.principal) as connection:
                keep_in_touch(bank, connection, bank.lake.today())
        except BankloopError as error:
            return _page(request, visitor, error)
        return RedirectResponse("/remote", 303)


def _page(request: Request, visitor: Visitor, error: BankloopError | None = None) -> Response:
    require(visitor.principal, "servicing.read")
    console = console_of(request)
    with console.bank.store.begin(visitor.principal) as connection:
        queues, rounds = seat_queues(connection), remote_rounds(connection)
    titles = {name: one.title.text for name, one in console.bank.spec.policies.channels.items()}
    return page(
        request, "remote.html", error.http_status if error else 200, at="remote", error=error, figures=_figures(queues, rounds),
        queues=_queues(queues), rounds=_rounds(rounds, titles),
    )  # fmt: skip


def _figures(queues: Sequence[SeatQueue], rounds: Sequence[RemoteRound]) -> tuple[Figure, ...]:
    newest = rounds[0].day if rounds else None
    last = [one for one in rounds if one.day == newest]
    return (
        Figure(Text("待致电", "Calls open"), say.count(sum(one.open for one in queues))),
        Figure(Text("其中超时", "Of them overdue"), say.count(sum(one.overdue for one in queues))),
        Figure(Text("最近一轮触达", "Reached in the last round"), say.count(sum(one.passed for one in last)), say.same(newest or "—")),
        Figure(Text("闸口拒绝", "Refused by the gate"), say.count(sum(one.refused for one in last))),
    )  # fmt: skip


def _queues(found: Sequence[SeatQueue]) -> Table:
    rows = tuple(
        (
            Cell(say.same(one.staff_id)), Cell(say.count(one.open)),
            Cell(say.count(one.overdue), Tone.BAD if one.overdue else Tone.PLAIN), Cell(say.count(one.done)),
        )
        for one in found
    )  # fmt: skip
    columns = (
        Column(Text("坐席", "Seat")), Column(Text("待办", "Open"), number=True), Column(Text("超时", "Overdue"), number=True),
        Column(Text("办结", "Done"), number=True),
    )  # fmt: skip
    return Table("seats", FRONT_WORDS["remote_queue"], columns, rows)


def _rounds(found: Sequence[RemoteRound], titles: dict[str, Text]) -> Table:
    rows = tuple(
        (Cell(say.same(one.day)), Cell(titles.get(one.channel, say.same(one.channel))), Cell(say.count(one.passed)), Cell(say.count(one.refused)))
        for one in found
    )  # fmt: skip
    columns = (
        Column(Text("日期", "Day")), Column(Text("渠道", "Channel")), Column(Text("触达", "Reached"), number=True),
        Column(Text("拒绝", "Refused"), number=True),
    )  # fmt: skip
    return Table("rounds", FRONT_WORDS["remote_rounds"], columns, rows)
