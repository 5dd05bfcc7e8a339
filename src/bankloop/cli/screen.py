"""What every command shares: the error handler, progress on stderr, one JSON object at the end, options.

Language: ``--lang``, else ``BANKLOOP_LANG``, else the terminal's locale; Chinese first.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from bankloop.kit.errors import BankloopError
from bankloop.kit.ids import canonical_json
from bankloop.kit.machine_memory import check_memory, is_out_of_memory, out_of_memory
from bankloop.kit.money import MINOR_UNITS
from bankloop.kit.text import Language, Text

# No column of a table that is folded is narrower, unless all its words are.
NARROWEST = 14
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# A Chinese bracket is wide enough to need no blank after it.
_HALVES = re.compile(r" / |(?<=）)/ ")
# A line may be broken after a blank and what joins words, and at a Chinese character.
_BREAKS = re.compile(r"\s+|(?<=[/,，、·|_-])|(?=[\u4e00-\u9fff])")
_PIECES = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]|[^\s\u4e00-\u9fff/,，、·|_-]*[/,，、·|_-]?\s*")
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
        as_json = bool(kwargs.get("as_json"))
        try:
            if "bank" in kwargs:
                check_memory()
            with _from_here(_stated(command, kwargs)):
                return command(*args, **kwargs)
        except BankloopError as error:
            raise _ended(error, as_json) from None
        except (KeyboardInterrupt, typer.Abort):
            raise typer.Exit(130) from None
        except Exception as error:
            if is_out_of_memory(error):
                raise _ended(out_of_memory(), as_json) from None
            raise

    return inner


def _ended(error: BankloopError, as_json: bool) -> typer.Exit:
    """Print an expected error and return the exit with its code."""
    if as_json:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
    print(f"{error.code}: {error.say(language())}", file=sys.stderr)
    return typer.Exit(error.exit_code)


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


def say(text: str | Text) -> None:
    """Print a line of progress on stderr."""
    print(one_language(text), file=sys.stderr, flush=True)


def tell(text: str | Text) -> None:
    """Print a sentence of the answer on stdout, broken between words where it is longer than the screen."""
    print("\n".join(fold(one_language(text), screen_width())), flush=True)


def one_language(text: str | Text) -> str:
    """Return a text in the terminal's language: of ``中文 / English``, which labels write in one, its half.

    Two halves in one language are no label: they are somebody's words, and stay.
    """
    if isinstance(text, Text):
        return text.say(language())
    zh, en = (*_HALVES.split(text, maxsplit=1), "")[:2]
    if not en or not _CHINESE.search(zh) or _CHINESE.search(en):
        return text
    return zh if language() is Language.ZH else en


def say_next(*steps: tuple[str, Text]) -> None:
    """Print what to do next: a command a line with what it does."""
    print()
    print(Text("接下来：", "Next:").say(language()))
    longest = max(len(command) for command, _ in steps)
    for command, what in steps:
        said = what.say(language())
        if 2 + longest + 2 + max(cells(one.say(language())) for _, one in steps) <= screen_width():
            print(f"  {padded(command, longest + 2)}{said}")
        else:
            print(f"  {command}\n      {said}")


def yuan(fen: int) -> str:
    """Return an amount to the fen, with its sign: for books, where nothing is rounded."""
    return f"{'−' if fen < 0 else ''}¥{abs(fen) / MINOR_UNITS:,.2f}"


def padded(text: str, width: int) -> str:
    """Return a text filled up to so many columns, a Chinese character being two; a longer one ends in a blank."""
    return text + " " * max(width - cells(text), 1)


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def wrapped(text: str, indent: int) -> str:
    """Return a text in lines that fit the terminal, broken at its points."""
    lines, line = [], ""
    for part in text.split(" · "):
        longer = f"{line} · {part}" if line else part
        if line and cells(longer) + indent > screen_width():
            lines.append(line)
            longer = part
        line = longer
    return "\n".join(" " * indent + one for one in (*lines, line))


def screen_width() -> int:
    """Return how many columns there are: the terminal's, COLUMNS, or eighty."""
    return shutil.get_terminal_size((80, 24)).columns


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """Print a table on stdout, in one language; ``right`` names the columns that hold numbers.

    A table of no rows says so. One that does not fit the screen is folded between words; where a column would be
    left too
    narrow to read, each row is printed as a list of its own.
    """
    heads, table = [one_language(name) for name in columns], [[_cell(cell) for cell in row] for row in rows]
    if title:
        said = "\n".join(fold(one_language(title), screen_width()))
        print(f"\x1b[1m{said}\x1b[0m" if sys.stdout.isatty() else said)
    if not table:
        print(Text("（没有）", "(none)").say(language()))
        return
    widths = column_widths(heads, table, screen_width())
    if widths is None:
        _show_lists(heads, table)
        return
    if any(heads):
        _print_row(heads, widths, right)
        print("  ".join("─" * width for width in widths))
    for row in table:
        _print_row(row, widths, right)


def _cell(value: object) -> str:
    """Return a cell's words: a text in the terminal's language; anything else is somebody's, and stays as it is."""
    return value.say(language()) if isinstance(value, Text) else str(value)


def column_widths(heads: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the columns' widths in a table that fits; None where one would be narrower than what reads well.

    What is too much is taken from the widest columns, a cell at a time; no column gets narrower than its longest
    word, or
    than ``NARROWEST`` where its words are longer.
    """
    cols = [[head, *(row[at] for row in rows)] for at, head in enumerate(heads)]
    widths = [max(map(cells, col)) for col in cols]
    least = [min(max(max(map(cells, re.split(_BREAKS, one))) for one in col), NARROWEST) for col in cols]
    room -= 2 * (len(widths) - 1)
    if sum(map(min, widths, least)) > room:
        return None
    while sum(widths) > room:
        at = max((place for place, width in enumerate(widths) if width > least[place]), key=widths.__getitem__)
        widths[at] -= 1
    return widths


def _print_row(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> None:
    columns = [fold(cell, width) for cell, width in zip(row, widths, strict=True)]
    for line in range(max(map(len, columns))):
        shown = []
        for at, (column, width) in enumerate(zip(columns, widths, strict=True)):
            text = column[line] if line < len(column) else ""
            blank = " " * (width - cells(text))
            shown.append(blank + text if at in right else text + blank)
        print("  ".join(shown).rstrip())


def _show_lists(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as lines of name and value: for a screen too narrow for the columns."""
    width = max(map(cells, heads)) + 2
    for row in rows:
        for head, cell in zip(heads, row, strict=True):
            if cell:
                lines = fold(cell, max(screen_width() - width, NARROWEST))
                print(padded(head, width) + ("\n" + " " * width).join(lines))
        print()


def fold(text: str, width: int) -> list[str]:
    """Return a text in lines of so many columns at most, broken between words, or between Chinese characters."""
    return [line for part in text.split("\n") for line in _folded(part, width)]


def _folded(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line and cells(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        while cells(piece) > width and not piece.isspace():
            cut = next(n for n in range(len(piece), 0, -1) if cells(piece[:n]) <= width)
            lines.append(piece[:cut])
            piece = piece[cut:]
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()]
