"""What every command shares: the error handler, progress on stderr, one JSON object at the end, options.

Language: ``--lang``, else ``BANKLOOP_LANG``, else the terminal's locale; Chinese first.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from bankloop.kit.errors import BankloopError
from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Language

P = ParamSpec("P")
R = TypeVar("R")

Folder = Annotated[Path, typer.Option("--bank", help="银行文件夹 / the bank's folder")]
AsJson = Annotated[bool, typer.Option("--json", help="最后一行输出一个 JSON / print one JSON object as the last line")]
Person = Annotated[str, typer.Option("--as", help="以谁的名义 / in whose name")]


def language() -> Language:
    """Return the language of this terminal."""
    wanted = os.environ.get("BANKLOOP_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "zh"
    return Language.EN if wanted.lower().startswith(("en", "c.", "posix")) else Language.ZH


def handled(command: Callable[P, R]) -> Callable[P, R]:
    """Print an expected error as one sentence with its cure, in the terminal's language; exit with its code."""

    @functools.wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with _from_here(_stated(command, kwargs)):
                return command(*args, **kwargs)
        except BankloopError as error:
            if kwargs.get("as_json"):
                print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
            print(f"{error.code}: {error.say(language())}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except (KeyboardInterrupt, typer.Abort):
            raise typer.Exit(130) from None

    return inner


def _stated(command: Callable[..., object], given: Mapping[str, object]) -> bool:
    """Return whether ``--as`` names another than the command's usual person."""
    usual = inspect.signature(command).parameters.get("as_")
    return usual is not None and given.get("as_", usual.default) != usual.default


@contextmanager
def _from_here(stated: bool) -> Iterator[None]:
    """Let what the command does be recorded as this host's; only a command that opened the store ever needs it."""
    from bankloop.cli.who import here, stating
    from bankloop.kit.origins import acting_from

    with acting_from(here()), stating(stated):
        yield


def finish(value: Mapping[str, Any], as_json: bool) -> None:
    """Print the command's one JSON object, when asked for, as the last line of stdout."""
    if as_json:
        print(canonical_json(value), flush=True)


def say(text: str) -> None:
    """Print a line of progress on stderr."""
    print(text, file=sys.stderr, flush=True)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """Print a table on stdout; ``right`` names the columns that hold numbers."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index in right else "left", no_wrap=index == 0)
    for row in rows:
        table.add_row(*[str(cell) for cell in row])
    Console(width=None if sys.stdout.isatty() else 140).print(table)
