"""A command line that cannot be: said in words of ours, in the reader's language, with its code and its cure.

The library that reads command lines has sentences of its own, in English alone; here each becomes an error of ours.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import typer

from bankloop.cli.screen import one_language
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text

# What the library raises for any line that it cannot read; it names it only beside what is of one parameter.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])
_SHOWN = 64
_DAY = Text("应为日期，如 2026-06-30", "a day is wanted, as 2026-06-30")
_EXTRA = re.compile(r"extra argument(?:s|\(s\))? \((?P<words>.*)\)")
_COMMAND = re.compile(r"^No such command '(?P<name>.*?)'")


@contextmanager
def usage_said(words: Sequence[str]) -> Iterator[None]:
    """Let a line that cannot be read end as an error of ours does: a sentence, its code, exit 2."""
    try:
        yield
    except _UsageError as error:
        _end(usage_error(error), "--json" in words)


def usage_error(error: Any) -> InputError:
    """Return what is wrong with a line, of what the library raised."""
    context = error.ctx
    path = " ".join(["bankloop", *(context.command_path.split()[1:] if context is not None else [])])
    return InputError(
        "command.usage",
        Text("{reason}；用法见 {path} --help", "{reason}; {path} --help shows how it is used"),
        reason=_reason(error, context),
        path=path,
    )


def _reason(error: Any, context: Any) -> Text:
    from bankloop.kit.located import nearest

    said = str(error.message)
    if isinstance(error, typer.BadParameter):
        return _of_parameter(error, said)
    if (option := getattr(error, "option_name", None)) is not None:
        if "requires" in said or "argument" in said:
            return Text(f"选项 {option} 后面缺少值", f"the option {option} lacks its value")
        known = [name for one in context.command.params for name in one.opts] if context is not None else []
        return _maybe(Text(f"没有选项 {option}", f"there is no option {option}"), nearest(option, known))
    if found := _COMMAND.search(said):
        known = list(getattr(context.command, "commands", {})) if context is not None else []
        name = found["name"]
        return _maybe(Text(f"没有命令 {name}", f"there is no command {name}"), nearest(name, known))
    if found := _EXTRA.search(said):
        return Text(f"多了 {found['words']}", f"{found['words']} is too much")
    return Text("命令不完整", "the command is not complete")


def _of_parameter(error: Any, said: str) -> Text:
    parameter = error.param
    name = str(error.param_hint or "").strip("'\"") or (_name_of(parameter) if parameter is not None else "—")
    if type(error).__name__.startswith("Missing"):
        return Text(f"缺少 {name}", f"{name} is missing")
    if re.search("[\u4e00-\u9fff]", said):  # a refusal of ours
        return Text(said.partition(" / ")[0], said.partition(" / ")[2] or said)
    from pydantic import ValidationError

    from bankloop.kit.wording import value_reason

    found = error.__cause__
    if not isinstance(found, ValidationError):
        return Text(f"{name} 不是它能取的值", f"{name} has a value that it does not take")
    first = found.errors()[0]
    value, reason = str(first["input"])[:_SHOWN], _DAY if "match the format" in said else value_reason(first)
    return Text(f"{name} 是“{value}”：{reason.zh}", f"{name} is '{value}': {reason.en}")


def _name_of(parameter: Any) -> str:
    """Return a parameter as it is typed: an option by its longest name, an argument in capitals."""
    return max(parameter.opts, key=len) if parameter.param_type_name == "option" else str(parameter.name).upper()


def _maybe(text: Text, near: str | None) -> Text:
    return text if near is None else Text(f"{text.zh}（是否指 {near}？）", f"{text.en} (did you mean {near}?)")


def _end(error: InputError, as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
    print(f"{error.code}: {one_language(error.message)}", file=sys.stderr)
    raise SystemExit(error.exit_code)
