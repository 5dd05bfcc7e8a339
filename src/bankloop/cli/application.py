"""The application: all commands under one error handler."""

from __future__ import annotations

from typing import Annotated

import typer

from bankloop import __version__
from bankloop.cli import (
    agreements,
    approving,
    attributes,
    audit,
    bank,
    benchmarks,
    campaigns,
    care,
    consents,
    credits,
    customers,
    daily,
    demonstration,
    jobs,
    learning,
    ledgers,
    lists,
    messages,
    operations,
    people,
    points,
    policies,
    relations,
    results,
    segments,
    serving,
    session,
    shelf,
    signin,
    targets,
    tiers,
)
from bankloop.cli.reading import SectionedGroup
from bankloop.cli.screen import handled

_HELP = "银行客户经营闭环平台。The platform on which a bank runs its closed customer loop."

application = typer.Typer(
    name="bankloop", help=_HELP, cls=SectionedGroup, no_args_is_help=True, rich_markup_mode=None, add_completion=True
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"bankloop {__version__}")
        raise typer.Exit


@application.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="显示版本 / show the version")
    ] = False,
) -> None:
    """Take what holds for every command."""


for noun in (
    bank,
    attributes,
    campaigns,
    approving,
    learning,
    policies,
    results,
    serving,
    session,
    signin,
    audit,
    operations,
    messages,
    jobs,
    benchmarks,
):
    for name, command in noun.COMMANDS.items():
        application.command(name)(handled(command))
application.add_typer(demonstration.group, name="demo")
application.add_typer(audit.group, name="audit")
application.add_typer(people.people_group, name="people")
application.add_typer(people.rights_group, name="rights")
application.add_typer(agreements.group, name="agreement")
application.add_typer(signin.group, name="account")
application.add_typer(operations.keys_group, name="keys")
for name, word in {**consents.COMMANDS, **tiers.CUSTOMER_COMMANDS}.items():
    customers.group.command(name)(handled(word))
for name, word in relations.COMMANDS.items():
    relations.group.command(name)(handled(word))
for name, word in segments.COMMANDS.items():
    segments.group.command(name)(handled(word))
for name, word in tiers.COMMANDS.items():
    tiers.group.command(name)(handled(word))
application.add_typer(customers.group, name="customer")
application.add_typer(care.group, name="care")
application.add_typer(lists.group, name="list")
application.add_typer(lists.tasks_group, name="tasks")
application.add_typer(daily.group, name="daily")
application.add_typer(targets.group, name="target")
application.add_typer(credits.group, name="credit")
application.add_typer(points.group, name="points")
application.add_typer(ledgers.group, name="ledger")
application.add_typer(shelf.group, name="shelf")
application.add_typer(tiers.group, name="tier")
application.add_typer(relations.group, name="relation")
application.add_typer(segments.group, name="segment")
