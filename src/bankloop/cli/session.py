"""Commands one after the other in one process: what the first has loaded, the next finds loaded."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from typing import Any

import typer

from bankloop.cli.screen import say, tell
from bankloop.kit.text import Text

_PROMPT = "bankloop> "
_ENDS = ("exit", "quit")
_WELCOME = Text(
    "逐行输入命令，不写 bankloop，如 check 或 approvals；help 看有哪些命令，exit 结束",
    "a command a line, without bankloop: check, approvals; help lists them, exit ends",
)
# They go on until they are stopped, or are this one.
_NOT_HERE = ("serve", "work", "shell")


def shell(context: typer.Context) -> None:
    """连续执行命令：只启动一次，此后每条立即开始。Run commands one after the other: what takes a second to start is started once."""
    root = context.find_root().command
    with suppress(ImportError):
        import readline  # noqa: F401 - lines are edited and recalled where the system has it
    import bankloop.wiring  # noqa: F401 - what most commands wait for

    if sys.stdin.isatty():
        tell(_WELCOME)
    while (line := _line()) is not None:
        run_line(root, line)


def run_line(root: Any, line: str) -> int:
    """Run one line as a command of ``root`` and return its exit code; nothing that it does ends the session."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        say(Text("引号没有成对；请补上另一半", "a quote is not closed; add the other one"))
        return 2
    words = words[1:] if words[:1] == ["bankloop"] else words
    if not words or words == ["help"]:
        words = ["--help"] if words else []
    if not words:
        return 0
    if words[0] in _NOT_HERE:
        say(
            Text("请在另一个终端里运行 bankloop {word}", "run bankloop {word} in a terminal of its own").filled(
                word=words[0]
            )
        )
        return 2
    try:
        root.main(words, prog_name="bankloop", standalone_mode=True)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0 if done.code is None else 1
    return 0


def _line() -> str | None:
    """Return the next line, None at the end of what is typed or piped in."""
    try:
        line = input(_PROMPT) if sys.stdin.isatty() else sys.stdin.readline()
    except EOFError:
        return None
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return ""
    if not line and not sys.stdin.isatty():
        return None
    return None if line.strip() in _ENDS else line.strip()


COMMANDS = {"shell": shell}
