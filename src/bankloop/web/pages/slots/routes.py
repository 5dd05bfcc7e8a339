"""The page of slots: what they did today, and what one customer would be shown now."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from bankloop.kit.errors import BankloopError
from bankloop.loop.realtime import SHOWN, rank_live, slot_tallies
from bankloop.organization.rights import require
from bankloop.web.pages.slots.page import ranking_table, tally_table
from bankloop.web.pages.slots.words import SLOTS
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.ways import may


def add_pages(app: FastAPI) -> None:
    """Add the route."""

    @app.get("/slots")
    def overview(request: Request, visitor: Here, customer: str = "", slot: str = "") -> Response:
        require(visitor.principal, "decision.read")
        console = console_of(request)
        with console.bank.store.begin(visitor.principal) as connection:
            found = slot_tallies(console.bank, connection, console.bank.lake.today())
        answer, wrong, ranking = None, None, None
        if customer and slot:
            try:
                answer = rank_live(console.desk, visitor.principal, customer.strip()[:64], slot[:64])
            except BankloopError as error:
                wrong = error.message
            if answer is not None and answer.ranked:
                windows = console.desk.counter().windows
                locks = {name: lock for one in windows for name, lock in one.locks.items()}
                ranking = ranking_table(answer, locks, windows[0].policies)
        return page(
            request,
            "slots.html",
            400 if wrong else 200,
            at="slots",
            said=SLOTS,
            slots=found,
            tally=tally_table(found),
            asked={"customer": customer[:64], "slot": slot[:64]},
            answer=answer,
            shown=answer is not None and answer.code == SHOWN,
            wrong=wrong,
            ranking=ranking,
            may_try=may(visitor, "customer.list") or may(visitor, "customer.read"),
        )
