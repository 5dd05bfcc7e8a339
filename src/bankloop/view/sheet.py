"""A book as one picture that can be sent on: title, answer, figures and its widest table, drawn as SVG and then PNG."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bankloop.kit.text import Language, Text
from bankloop.view import paper
from bankloop.view.book import Book, write_workbook
from bankloop.view.figures import Table, Tone

if TYPE_CHECKING:
    from jinja2 import Template

# One page of a phone's width, at twice its pixels.
WIDTH, _EDGE, _SCALE = 760, 32, 2.0
_LINE, _ROW, _FIGURE = 22, 30, 92
_MOST_ROWS = 16
_TONES = {Tone.GOOD: "#1a7f4b", Tone.BAD: "#b42318", Tone.WARN: "#8a6100"}
TOTAL = Text("合计", "Total")
# A Han character is as wide as its size, a Latin one about half.
_SIZE = 14
_FIRST_WIDE = "\u2e80"


def book_pages(book: Book, language: Language, endings: Sequence[str]) -> dict[str, bytes]:
    """Return a book as files by their ending: ``png`` or ``xlsx``."""
    found = {"png": sheet_png(book, language)} if "png" in endings else {}
    if "xlsx" in endings:
        with tempfile.TemporaryDirectory(prefix="bankloop-book-") as room:
            found["xlsx"] = write_workbook(book, Path(room) / "book.xlsx", language).read_bytes()
    return found


def sheet_png(book: Book, language: Language) -> bytes:
    """Return a book as PNG. Chinese needs a font of the machine (fonts-noto-cjk); the words themselves do not change."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(sheet_svg(book, language), scale=_SCALE))


def sheet_svg(book: Book, language: Language) -> str:
    """Return a book as one SVG page."""
    answer = wrapped(book.answer.say(language), WIDTH - 2 * _EDGE)
    figures_at = 76 + _LINE * len(answer)
    rows = -(-len(book.figures) // 3)
    top = figures_at + rows * _FIGURE + 24
    parts = []
    for table in book.tables:
        parts.append((table.caption.say(language), top, _cells(table, language)))
        top += 24 + _ROW * (min(len(table.rows), _MOST_ROWS) + 1) + 22
    return _page().render(
        width=WIDTH, height=top + 6, edge=_EDGE, line=_LINE, row=_ROW, figure=_FIGURE, size=_SIZE,
        title=book.title.say(language), answer=answer, figures_at=figures_at, tables=parts,
        figures=[(one.label.say(language), one.value.say(language), one.note.say(language) if one.note else "") for one in book.figures],
        column=(WIDTH - 2 * _EDGE) / 3, wrap=wrapped, ink=paper.INK, quiet=paper.INK_2, rule=paper.LINE, accent=paper.ACCENT,
    )  # fmt: skip


def wrapped(words: str, width: float, size: int = _SIZE) -> list[str]:
    """Return words broken into lines of at most ``width`` pixels: between Han characters anywhere, else at spaces."""
    lines, line, used = [], "", 0.0
    for piece in _fitting(words, width, size):
        wide = sum(_wide(letter, size) for letter in piece)
        if line and used + wide > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line, used = line + piece, used + wide
    return [*lines, line.rstrip()] if line.strip() else lines or [""]


def _fitting(words: str, width: float, size: int) -> Iterator[str]:
    """Yield the pieces of words; one that is wider than a line letter by letter."""
    for piece in _pieces(words):
        fits = sum(_wide(letter, size) for letter in piece) <= width
        yield from [piece] if fits else piece


def _pieces(words: str) -> list[str]:
    pieces: list[str] = []
    for letter in words:
        joins = pieces and _narrow(letter) and _narrow(pieces[-1][-1]) and not pieces[-1].endswith(" ")
        if joins or (letter in "，。；、）%" and pieces):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _wide(letter: str, size: int) -> float:
    return size * (0.56 if _narrow(letter) else 1.0)


def _narrow(letter: str) -> bool:
    return letter < _FIRST_WIDE


def _cells(table: Table, language: Language) -> list[list[tuple[str, float, str, str, str]]]:
    """Return rows of (words, x, anchor, colour, weight); the first row is the heads."""
    inside = WIDTH - 2 * _EDGE
    first = inside * (0.24 if len(table.columns) > 5 else 0.3)
    step = (inside - first) / max(len(table.columns) - 1, 1)
    ends = [_EDGE, *(_EDGE + first + step * place for place in range(1, len(table.columns)))]
    anchors = ["start", *["end"] * (len(table.columns) - 1)]
    heads = [(one.title.say(language), paper.INK_2, "400") for one in table.columns]
    kept = table.rows if len(table.rows) <= _MOST_ROWS else (*table.rows[: _MOST_ROWS - 1], table.rows[-1])
    lines = [
        [(cell.text.say(language), _TONES.get(cell.tone, paper.INK), "600" if row[0].text == TOTAL else "400") for cell in row]
        for row in kept
    ]  # fmt: skip
    return [
        [
            (words, x, anchor, colour, weight)
            for (words, colour, weight), x, anchor in zip(line, ends, anchors, strict=True)
        ]
        for line in (heads, *lines)
    ]


@lru_cache(maxsize=1)
def _page() -> Template:
    from bankloop.view.templating import environment

    return environment().get_template("sheet.svg")
