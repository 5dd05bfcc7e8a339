"""Plays a tutorial to the letter: its commands as they stand, its files as they stand, and what it says that is printed.

A block without a language holds commands; a block of YAML is written to the file that is named last before it, or put at
the end of one that is there; a block of ``text`` is what the commands of the block before it print. A day is given, so
that the same page always prints the same; what must vary (ids, digests, seconds, megabytes) is compared by its shape.
Of a long output a page shows the beginning and the end, a line "…" between them.

``tutorials.py PAGE`` says where a page and the program differ; with ``--write`` the page is made what is printed.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
# A working day: on others nobody is at work in a bank.
DAY = date(2026, 11, 30)
COLUMNS = 80
# A page shows so many lines of an output at most, so many of them from its beginning.
MOST_LINES, FIRST_LINES = 48, 32
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w-]+/[\w/.-]+\.yaml)`")
_COMMAND = re.compile(r"^(\.venv/bin/)?bankloop ")
# They go on until they are stopped; the demo's bank has tests of its own, and its page shows nothing as printed.
_APART = ("serve", "shell", "work", "demo")
# What varies from run to run, and what stands for it where two outputs are compared.
_VARIES: Mapping[str, str] = {
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "<id>",
    r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\b": "<digest>",
    r"\b[0-9a-f]{12,64}\b": "<digest>",
    r"\b[\d,]+ MB\b": "<size>",
    r"\b[\d.]+ (s|秒)\b": "<seconds>",
}


@dataclass(frozen=True)
class Step:
    """One thing that a page says to do, or says that is printed; ``at`` is its block's place in the page."""

    command: str = ""
    file: str = ""
    body: str = ""
    at: tuple[int, int] = (0, 0)

    @property
    def printed(self) -> bool:
        """Whether it is what the commands before it print."""
        return not self.command and not self.file


@dataclass(frozen=True)
class Played:
    """A command as it went."""

    command: str
    code: int
    said: str
    complained: str
    seconds: float


def steps(page: str) -> Iterator[Step]:
    """Yield what the page says to do, in its order."""
    for block in _BLOCK.finditer(page):
        match block["language"]:
            case "yaml":
                yield Step(file=_FILE.findall(page[: block.start()])[-1], body=block["body"])
            case "text":
                yield Step(body=block["body"], at=block.span("body"))
            case "":
                lines = (line for line in block["body"].splitlines() if _COMMAND.match(line))
                played = (_COMMAND.sub("bankloop ", line) for line in lines if not _apart(line))
                yield from (Step(command=line, at=block.span("body")) for line in played)


def _apart(line: str) -> bool:
    words = _COMMAND.sub("", line).split()
    return words[0] in _APART or "demo-bank" in words


def run(command: str, folder: Path, day: date, language: str, shift: timedelta) -> Played:
    """Run one command of a page in a folder, as on ``day``."""
    words = shlex.split(command.replace('"$(date +%F)"', day.isoformat()))[1:]
    asked = [sys.executable, str(Path(__file__)), "--shift", str(int(shift.total_seconds())), *words]
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "BANKLOOP_LANG": language}
    began = time.perf_counter()
    done = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the page's own commands
    return Played(command, done.returncode, done.stdout, done.stderr, time.perf_counter() - began)


def play(page: str, folder: Path, language: str, day: date = DAY) -> Iterator[tuple[Step, list[Played]]]:
    """Do all that a page says in a folder; yield what it says is printed with the commands that were to print it."""
    shift = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) - datetime.now(UTC)
    since: list[Played] = []
    block = (0, 0)
    for step in steps(page):
        if step.printed:
            yield step, since
        elif step.file:
            with (folder / step.file).open("a", encoding="utf-8") as file:
                file.write(step.body)
        else:
            since, block = (since if step.at == block else []), step.at
            done = run(step.command, folder, day, language, shift)
            sys.stderr.write(f"{done.seconds:6.1f} s  {step.command}\n")
            if done.code:
                raise RuntimeError(f"{step.command}: {done.said}{done.complained}")
            since.append(done)


def shape(text: str) -> str:
    """Return an output with what varies as its shape, and no blanks at the ends of lines."""
    for varies, stands in _VARIES.items():
        text = re.sub(varies, stands, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def shown(said: str) -> str:
    """Return what a page shows of an output: all of it, or of a long one its beginning and its end."""
    lines = [line.rstrip() for line in said.strip().splitlines()]
    if len(lines) > MOST_LINES:
        lines = [*lines[:FIRST_LINES], "…", *lines[FIRST_LINES - MOST_LINES :]]
    return "\n".join(lines)


def differences(name: str, folder: Path) -> list[str]:
    """Return where a page says something else than is printed."""
    page = (DOCS / name).read_text(encoding="utf-8")
    found: list[str] = []
    for step, since in play(page, folder, language_of(name)):
        said = shown("".join(one.said for one in since))
        found += difflib.unified_diff(
            shape(step.body).splitlines(), shape(said).splitlines(), f"docs/{name}", since[-1].command, lineterm=""
        )
    return found


def rewrite(name: str, folder: Path) -> None:
    """Make a page say what is printed."""
    place = DOCS / name
    page = place.read_text(encoding="utf-8")
    made, kept = [], 0
    for step, since in play(page, folder, language_of(name)):
        said = shown("".join(one.said for one in since))
        start, end = step.at
        made += [page[kept:start], said, "\n"]
        kept = end
    place.write_text("".join((*made, page[kept:])), encoding="utf-8")


def language_of(name: str) -> str:
    """Return the language of a page."""
    return "zh" if name.endswith(".zh.md") else "en"


def prepare(name: str, folder: Path) -> None:
    """Put beside a page's commands what its reader has: files of a bank, for the page about one's own."""
    from newcomer import write_files

    if "own-bank" in name:
        write_files(folder, 400, DAY)


def as_if(seconds: int, arguments: list[str]) -> None:
    """Be the command line on a machine whose clock is so many seconds ahead."""
    from bankloop.cli import main
    from bankloop.kit.clock import SystemClock

    ahead = timedelta(seconds=seconds)
    # The whole program asks this one clock; a method is put in its place, which the type checker takes for a mistake.
    SystemClock.now = lambda self: datetime.now(UTC) + ahead  # type: ignore[method-assign]
    sys.argv = ["bankloop", *arguments]
    main()


def main() -> int:
    """Play the pages that are named in a folder that is removed; return 1 where one is not what is printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", help="tutorial/own-bank.md and the like")
    parser.add_argument("--write", action="store_true", help="make the pages what is printed")
    options = parser.parse_args()
    wrong: list[str] = []
    for name in options.pages:
        with tempfile.TemporaryDirectory(prefix="tutorial-") as place:
            wrong += _played(name, Path(place), write=options.write)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


def _played(name: str, folder: Path, *, write: bool) -> list[str]:
    from bankloop.store.embedded import remove_cluster

    # The database's own user passes through it where root plays.
    folder.chmod(0o711)
    os.environ["BANKLOOP_STATE_DIR"] = str(folder / "state")
    prepare(name, folder)
    try:
        if not write:
            return differences(name, folder)
        rewrite(name, folder)
        return []
    finally:
        for bank in ("my-bank", "demo-bank"):
            remove_cluster(folder / bank)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--shift"]:
        as_if(int(sys.argv[2]), sys.argv[3:])
        sys.exit(0)
    sys.exit(main())
