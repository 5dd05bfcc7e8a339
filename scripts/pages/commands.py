"""Commands and their options, and the settings that the program reads from the environment."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer

from pages.source import SOURCE, cell, dotted, page, trees


@dataclass(frozen=True)
class Parameter:
    """One argument or option as the command line declares it."""

    shown: str
    names: tuple[str, ...]
    kind: str
    required: bool
    default: object
    help: str


@dataclass(frozen=True)
class Command:
    """One command with its whole path, such as ``audit verify``."""

    path: str
    help: str
    parameters: tuple[Parameter, ...]

    @property
    def usage(self) -> str:
        """Return the line that a person types."""
        arguments = [p.shown for p in self.parameters if not p.names]
        needed = [f"{p.names[0]} {p.kind.upper()}" for p in self.parameters if p.names and p.required]
        free = ["[OPTIONS]"] if any(p.names and not p.required for p in self.parameters) else []
        return " ".join(["bankloop", self.path, *arguments, *needed, *free])


def commands() -> list[Command]:
    """Return every command of the application in the order in which ``--help`` lists them."""
    from bankloop.cli.application import application

    return list(_walk("", typer.main.get_command(application)))


def _walk(path: str, group: Any) -> Iterator[Command]:
    for name, command in group.commands.items():
        here = f"{path} {name}".strip()
        # A group may do something by itself, as ``demo`` does beside ``demo day``.
        if not hasattr(command, "commands") or command.invoke_without_command:
            parameters = [_parameter(p) for p in command.params if p.name != "help"]
            yield Command(here, " ".join((command.help or "").split()), tuple(parameters))
        if hasattr(command, "commands"):
            yield from _walk(here, command)


def _parameter(declared: Any) -> Parameter:
    option = declared.param_type_name == "option"
    names = (*declared.opts, *declared.secondary_opts) if option else ()
    kind = _kind(getattr(declared.type_descriptor, "annotation", str))
    help_text = " ".join((declared.help or "").split())
    return Parameter(str(declared.name).upper(), names, kind, bool(declared.required), declared.default, help_text)


_KINDS = {"Path": "path", "int": "number", "str": "text", "bool": "switch", "datetime": "date"}


def _kind(annotation: Any) -> str:
    inner = typing.get_args(annotation)
    if inner:
        return f"{_kind(inner[0])}, repeatable"
    name = getattr(annotation, "__name__", str(annotation))
    return _KINDS.get(name, name)


def commands_page() -> str:
    """Return docs/reference/commands.md."""
    found = commands()
    lines = [
        "# 命令 · Commands",
        "",
        "每条命令的用法与选项。加 `--json` 时，标准输出的最后一行是一个 JSON 对象，进度写到标准错误。",
        "",
        "With `--json` the last line of stdout is one JSON object; progress goes to stderr. Amounts in it are integer "
        "fen, rates are fractions. A refusal prints `code: sentence` on stderr and exits with the code's number "
        "([errors](errors.md)).",
        "",
        "| command | what it does |",
        "|---|---|",
        *[f"| [`{c.path}`](#{c.path.replace(' ', '-')}) | {cell(c.help)} |" for c in found],
        "",
        "## Settings",
        "",
        "| environment | meaning |",
        "|---|---|",
        *[f"| `{name}` | {cell(SETTINGS.get(name, '(not described yet)'))} |" for name in settings()],
    ]
    for command in found:
        lines += ["", f"## {command.path}", "", command.help, "", "```text", command.usage, "```"]
        if command.parameters:
            lines += ["", "| | type | default | |", "|---|---|---|---|"]
            lines += [_parameter_row(p) for p in command.parameters]
    return page(lines)


def _parameter_row(p: Parameter) -> str:
    name = ", ".join(f"`{n}`" for n in p.names) if p.names else f"`{p.shown}`"
    if p.required:
        default = "required"
    elif p.default is None or p.default == ():
        default = ""
    elif p.default is False or p.default is True:
        default = "on" if p.default else "off"
    else:
        default = f"`{_plain_default(p.default)}`"
    return f"| {name} | {cell(p.kind)} | {default} | {cell(p.help)} |"


def _plain_default(value: object) -> str:
    return str(value.date()) if hasattr(value, "hour") and hasattr(value, "date") else str(value)


SETTINGS: Mapping[str, str] = {
    "BANKLOOP_DATABASE_URL": "the owner's URL of your own PostgreSQL ≥ 15; without it the embedded server is used "
    "([how to](../how-to/run-on-your-postgresql.md))",
    "BANKLOOP_STATE_DIR": "where embedded servers keep their data and sockets",
    "BANKLOOP_LANG": "`zh` or `en`: the language of tables and messages",
    "BANKLOOP_NAMED_HOSTS": "hosts of this machine, or of its link alone, that the program may go to "
    "(a provider or directory that stands here), separated by commas",
    "BANKLOOP_KEYS": "the whole key ring as JSON, from a secret store",
    "BANKLOOP_KEY_FILE": "the key ring's file, mode 0600; without it one is made in the state folder "
    "([how to](../how-to/keep-it-running.md))",
    "BANKLOOP_ANCHOR": "the anchor file of the audit chain; by default `data/audit-anchor` in the bank's folder",
    "BANKLOOP_UPLOAD_MB": "how many megabytes of files may be sent in the browser before a bank is made of them; "
    "2,048 where it is not set ([how to](../how-to/load-your-data.md#in-the-browser))",
    "BANKLOOP_TOKEN": "an API key: the command acts as the person whose it is, where nobody signed in at the terminal",
    "LC_ALL": "the terminal's locale, read for the language when `BANKLOOP_LANG` is not set",
    "LANG": "the same, after `LC_ALL`; Chinese when none is set",
    "XDG_STATE_HOME": "a user's state folder when `BANKLOOP_STATE_DIR` is not set; else `~/.local/state`. "
    "Root uses a folder of the system instead",
}


def settings() -> list[str]:
    """Return the names of all environment variables that the source reads."""
    found: set[str] = set()
    for _, tree in trees(SOURCE):
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            name = _environment_name(node)
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value)
            elif isinstance(name, ast.Name) and isinstance(constants.get(name.id), str):
                found.add(constants[name.id])
    return sorted(found, key=lambda name: (not name.startswith("BANKLOOP"), name))


def _environment_name(node: ast.AST) -> ast.expr | None:
    """Return the name that ``os.environ[…]``, ``os.environ.get(…)`` or ``os.getenv(…)`` reads."""
    if isinstance(node, ast.Subscript) and dotted(node.value) == "os.environ":
        return node.slice
    if isinstance(node, ast.Call) and node.args and dotted(node.func) in ("os.environ.get", "os.getenv"):
        return node.args[0]
    return None
