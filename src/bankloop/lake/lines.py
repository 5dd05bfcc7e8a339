"""The physical lines of a file of text, counted apart from whoever reads its rows, and where each row stands in them.

A row may span lines, and a quote that is never closed takes the rest of a file with it. So every line of the file is
either of the header, blank, of a row, or of a reject; what is none of these was lost, and the file is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text

Lines = NDArray[np.int64]
_CHUNK = 1 << 24
_NEWLINE = 10


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file as UTF-8 text: its path, the lines left out of it, the blank ones, and how many lines the original has."""

    path: Path
    left_out: Lines
    blank: Lines
    lines: int

    def original(self, line: int) -> int:
        """Return the line of the original that is ``line`` of the text, which lacks the lines left out."""
        shift = np.searchsorted(self.left_out - np.arange(len(self.left_out)), line, side="right")
        return line + int(shift)


def lines_at(path: Path, offsets: Sequence[int]) -> list[int]:
    """Return the 1-based lines at byte offsets (0-based, in any order) of a file."""
    wanted = np.array(sorted(set(offsets)), dtype=np.int64)
    found: dict[int, int] = {}
    start, before = 0, 1
    with path.open("rb") as file:
        while len(found) < len(wanted) and (piece := file.read(_CHUNK)):
            here = wanted[(wanted >= start) & (wanted < start + len(piece))]
            breaks = np.flatnonzero(np.frombuffer(piece, np.uint8) == _NEWLINE) + start
            found |= dict(
                zip(here.tolist(), (before + np.searchsorted(breaks, here, side="left")).tolist(), strict=True)
            )
            start, before = start + len(piece), before + len(breaks)
    return [found.get(offset, before) for offset in offsets]


def spread_rows(first: int, spans: Iterable[tuple[int, int]], apart: Lines) -> tuple[Lines, Lines]:
    """Return the lines on which rows go on, and those of ``apart`` that stand between rows.

    ``spans`` are the rows of more than one line, in order: (number, further lines); ``apart`` are the lines known to be
    no row, in order, among them blank lines that turn out to be inside of one.
    """
    further: list[int] = []
    between: list[int] = []
    known = apart.tolist()
    at, shift = 0, 0
    for row, more in spans:
        while at < len(known) and known[at] <= row + first - 1 + shift:
            between.append(known[at])
            at, shift = at + 1, shift + 1
        line = row + first - 1 + shift
        further.extend(range(line + 1, line + more + 1))
        shift += more
        while at < len(known) and known[at] <= line + more:
            at += 1
    between.extend(known[at:])
    return np.array(further, dtype=np.int64), np.array(between, dtype=np.int64)


def lost_lines(place: str, lines: int, read: int) -> DataError:
    """A file of which the reader did not give every line."""
    return DataError(
        "lake.lost_lines",
        Text(
            "{place} 有 {lines} 行，只读出 {read} 行；请检查引号和换行，重新导出",
            "{place} has {lines} lines, of which {read} were read; check quotes and line ends, and export it again",
        ),
        place=place,
        lines=lines,
        read=read,
    )
