"""The command on messages that could not be handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table
from bankloop.cli.who import acting
from bankloop.simulate.clock import bank_clock

_HERE = Path()


def messages(
    bank: Folder = _HERE,
    retry: Annotated[int | None, typer.Option(min=1, help="让这一条再试 / try this one again")] = None,
    drop: Annotated[int | None, typer.Option(min=1, help="放弃这一条 / give this one up")] = None,
    reason: Annotated[str, typer.Option("--reason", help="放弃的原因 / why it is given up")] = "",
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """没有交出去的消息：列出、再试、放弃。List what failed to go out; try it again, or give it up with a reason."""
    from bankloop.contact.delivery import give_up
    from bankloop.organization.rights import require
    from bankloop.store.database import principal_of
    from bankloop.store.outbox import retry_message, stuck_messages
    from bankloop.wiring import open_bank

    if drop is not None and not reason.strip():
        raise typer.BadParameter("放弃要写原因 / giving up needs a --reason", param_hint="--reason")
    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "campaign")
        with opened.store.begin(person) as connection:
            require(principal_of(connection), "message.read")
            if retry is not None:
                retry_message(connection, retry)
            stopped = give_up(connection, drop, reason) if drop is not None else 0
            found = stuck_messages(connection)
    rows = [
        [one.id, one.key, one.attempts, "!" if one.for_a_person else "", one.error.say(language())] for one in found
    ]
    columns = ["编号 / id", "部分 / part", "已试 / attempts", "等人 / for a person", "原因 / why"]
    show_table("没有交出去的 / not handed out", columns, rows, right=[0, 2])
    plain = [
        {
            "id": one.id,
            "topic": one.topic,
            "key": one.key,
            "attempts": one.attempts,
            "error": {"zh": one.error.zh, "en": one.error.en},
            "for_a_person": one.for_a_person,
        }
        for one in found
    ]
    finish({"messages": plain, "stopped": stopped}, as_json)


COMMANDS = {"messages": messages}
