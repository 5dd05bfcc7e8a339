"""Which file of this room holds a command: a command that is named needs its own alone, ``--help`` needs them all."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

import typer

from bankloop import __version__
from bankloop.cli.reading import SectionedGroup
from bankloop.cli.screen import handled

_HELP = "银行客户经营闭环平台。The platform on which a bank runs its closed customer loop."
# The commands of each file, in its ``COMMANDS``.
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "bank": (
        "init",
        "check",
        "simulate",
        "load",
    ),
    "bringing": ("bring",),
    "attributes": ("attributes",),
    "campaigns": (
        "power",
        "plan",
        "run",
        "deliver",
        "report",
    ),
    "calendar": ("calendar",),
    "approving": (
        "submit",
        "approve",
        "return",
        "recall",
        "schedule",
        "pause",
        "resume",
        "kill",
        "close",
        "approvals",
    ),
    "learning": (
        "learn",
        "score",
        "top",
        "rollback",
        "drift",
    ),
    "policies": (
        "evaluate",
        "metrics",
    ),
    "results": (
        "programme",
        "plays",
        "cohorts",
        "journeys",
        "trace",
        "save",
    ),
    "serving": (
        "serve",
        "work",
    ),
    "session": ("shell",),
    "signin": (
        "signin",
        "signout",
    ),
    "operations": (
        "doctor",
        "backup",
        "restore",
    ),
    "messages": ("messages",),
    "jobs": ("jobs",),
    "benchmarks": ("bench",),
}
# The file of each group of commands and what the group is called there.
_GROUPS: Mapping[str, tuple[str, str]] = {
    "demo": ("demonstration", "group"),
    "audit": ("audit", "group"),
    "people": ("people", "people_group"),
    "staff": ("staffing", "group"),
    "rights": ("people", "rights_group"),
    "agreement": ("agreements", "group"),
    "account": ("signin", "group"),
    "keys": ("operations", "keys_group"),
    "customer": ("customers", "group"),
    "care": ("care", "group"),
    "list": ("lists", "group"),
    "tasks": ("lists", "tasks_group"),
    "daily": ("daily", "group"),
    "target": ("targets", "group"),
    "credit": ("credits", "group"),
    "points": ("points", "group"),
    "ledger": ("ledgers", "group"),
    "benefit": ("benefits", "group"),
    "code": ("codes", "group"),
    "event": ("events", "group"),
    "decision": ("deciding", "group"),
    "channel": ("channels", "group"),
    "trigger": ("triggers", "group"),
    "shelf": ("shelf", "group"),
    "tier": ("tiers", "group"),
    "relation": ("relations", "group"),
    "segment": ("segments", "group"),
}
# What is added to a group beside its own commands: dictionaries of files.
_ADDED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customer": (("consents", "COMMANDS"), ("tiers", "CUSTOMER_COMMANDS")),
    "relation": (("relations", "COMMANDS"),),
    "segment": (("segments", "COMMANDS"),),
    "tier": (("tiers", "COMMANDS"),),
}
# It runs any other.
_ANY = "shell"


def application_of(word: str = "") -> typer.Typer:
    """Return the application with the one command or group that a word names; with all of them where it names none."""
    made = typer.Typer(
        name="bankloop",
        help=_HELP,
        cls=SectionedGroup,
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=True,
    )
    made.callback()(_main)
    known = word in _GROUPS or any(word in names for names in _COMMANDS.values())
    alone = known and word != _ANY
    for file, names in _COMMANDS.items():
        for name in names:
            if not alone or name == word:
                made.command(name)(handled(_of(file, "COMMANDS")[name]))
    for name, (file, group) in _GROUPS.items():
        if not alone or name == word:
            made.add_typer(_whole(name, _of(file, group)), name=name)
    return made


def _whole(name: str, group: typer.Typer) -> typer.Typer:
    """Return a group with what other files add to it, once."""
    there = {command.name for command in group.registered_commands}
    for file, words in _ADDED.get(name, ()):
        for added, command in _of(file, words).items():
            if added not in there:
                group.command(added)(handled(command))
    return group


def _of(file: str, name: str) -> Any:
    return getattr(import_module(f"bankloop.cli.{file}"), name)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"bankloop {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="显示版本 / show the version")
    ] = False,
) -> None:
    """Take what holds for every command."""
