"""How help reads: in the reader's language alone, commands by what they are for, headings in words of theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup

from bankloop.cli.screen import fold, language, one_language, screen_width
from bankloop.cli.usage import usage_said
from bankloop.kit.text import Language, Text

# What every command is for, in the order in which a bank comes to it; a test knows that none is left out.
SECTIONS: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "begin": (
        Text("开始", "To begin"),
        ("demo", "init", "bring", "check", "simulate", "load", "serve", "work", "shell", "doctor"),
    ),
    "loop": (
        Text("一轮：从模型到结果", "A round, from model to result"),
        (
            "attributes",
            "power",
            "learn",
            "submit",
            "approvals",
            "approve",
            "return",
            "recall",
            "schedule",
            "calendar",
            "plan",
            "run",
            "deliver",
            "evaluate",
            "report",
            "pause",
            "resume",
            "kill",
            "close",
        ),
    ),
    "models": (Text("模型", "Models"), ("score", "top", "drift", "rollback")),
    "results": (
        Text("经营与结果", "What it brought"),
        ("programme", "plays", "metrics", "cohorts", "journeys", "trace", "save", "daily", "target", "credit"),
    ),
    "customers": (
        Text("客户与员工", "Customers and staff"),
        (
            "customer",
            "segment",
            "tier",
            "points",
            "benefit",
            "relation",
            "care",
            "list",
            "tasks",
            "shelf",
            "code",
            "event",
            "decision",
            "channel",
            "trigger",
            "people",
            "staff",
        ),
    ),
    "bank": (
        Text("权限与运维", "Rights and operation"),
        (
            "signin",
            "signout",
            "account",
            "rights",
            "agreement",
            "keys",
            "audit",
            "messages",
            "jobs",
            "ledger",
            "backup",
            "restore",
            "bench",
        ),
    ),
}
_HEADINGS: Mapping[str, Text] = {
    "Options": Text("选项", "Options"),
    "Arguments": Text("参数", "Arguments"),
    "Commands": Text("命令", "Commands"),
}
_USAGE = Text("用法：", "Usage: ")
# What the library says in English alone.
_EVERYWHERE: Mapping[str, Text] = {
    "help": Text("显示本帮助", "show this help"),
    "install_completion": Text("为当前命令行装上补全", "install completion for this shell"),
    "show_completion": Text("打印补全脚本", "print the completion for this shell"),
}
# A docstring is its Chinese sentences, then its English ones.
_SENTENCES = re.compile(r"^(?P<zh>.*?[。；！])\s*(?P<en>[A-Z0-9`'(].*)$", re.DOTALL)
_MOST_NAME = 12
_WORDS = "bankloop.words"


def one_of(text: str | None) -> str:
    """Return a help text in the reader's language: the half of ``中文 / English``, or of its sentences."""
    if not text:
        return ""
    found = _SENTENCES.match(text)
    if found is None:
        return one_language(text)
    return found["zh"] if language() is Language.ZH else found["en"]


def readers_command(application: typer.Typer) -> Any:
    """Return the application as a command whose help is in the reader's language."""
    command = typer.main.get_command(application)
    say_help(command)
    return command


def say_help(command: Any) -> None:
    """Put a command's help, its options' and its sub-commands' into the reader's language."""
    for name in ("help", "short_help", "epilog"):
        setattr(command, name, one_of(getattr(command, name, None)) or None)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = one_of(parameter.help)
        if parameter.name in _EVERYWHERE:
            parameter.help = _EVERYWHERE[parameter.name].say(language())
    command.context_class = _context_of(command.context_class)
    for below in getattr(command, "commands", {}).values():
        say_help(below)


class SectionedGroup(TyperGroup):
    """All commands, under the headings of ``SECTIONS``; a line that cannot be ends as an error does."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read what stands before the command's name."""
        words = tuple(args)
        with usage_said(words):
            found = super().make_context(info_name, args, parent, **extra)
        found.meta[_WORDS] = words
        return found

    def invoke(self, ctx: Any) -> Any:
        """Read the command's own words and run it."""
        with usage_said(ctx.meta[_WORDS]):
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by what they are for, each with its first sentence."""
        for title, names in SECTIONS.values():
            rows = [(name, in_a_line(self.commands[name].help)) for name in names if name in self.commands]
            with formatter.section(title.say(language())):
                formatter.write_dl([(name.ljust(_MOST_NAME), words) for name, words in rows])


def in_a_line(text: str | None) -> str:
    """Return what a command does in one line: its first clause, cut between words where that is too long."""
    clause = re.split(r"[；。]|; |\.$|\. ", one_of(text), maxsplit=1)[0]
    first, *more = fold(clause, screen_width() - _MOST_NAME - 6)
    return f"{first}…" if more else first


@cache
def _context_of(usual: Any) -> Any:
    """Return the context of a command whose help has its headings in the reader's language."""

    # The class is the library's to choose, so that none can be named here.
    class Formatter(usual.formatter_class):  # type: ignore[misc]
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix if prefix is not None else _USAGE.say(language()))

        def write_heading(self, heading: str) -> None:
            super().write_heading(_HEADINGS[heading].say(language()) if heading in _HEADINGS else heading)

    return type("ReadersContext", (usual,), {"formatter_class": Formatter})
