"""One shape for whatever is read, shown and taken away: a sentence, figures, pictures, tables; as workbook or as one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankloop.kit.text import Language, Text
from bankloop.view.figures import Figure, Picture, Table
from bankloop.view.templating import environment, style

# What a spreadsheet takes for the beginning of a formula; text stays text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHEET_NAME, _WIDEST = 31, 60
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@dataclass(frozen=True, slots=True)
class Book:
    """What one page says, as values."""

    name: str
    title: Text
    answer: Text
    figures: tuple[Figure, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


def book_html(book: Book, language: Language = Language.ZH) -> str:
    """Return a book as one HTML file that needs nothing else; ``language`` is shown first, the other a click away."""
    pages = environment()
    bodies = {one.value: pages.get_template("book_body.html").render(page=book, lang=one) for one in Language}
    return pages.get_template("report.html").render(
        report=book, bodies=bodies, style=style(), first=language.value, other=Language.EN.value
    )


def write_workbook(book: Book, path: Path, language: Language = Language.ZH) -> Path:
    """Write a book as xlsx: the first sheet its answer and figures, then a sheet a table. Nothing in it is a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    made = Workbook()
    first = made.active
    assert first is not None
    names = [_sheet_name(book.title.say(language), [])]
    first.title = names[0]
    _row(first, 1, [book.title.say(language)], Font(bold=True))
    _row(first, 2, [book.answer.say(language)])
    for number, figure in enumerate(book.figures, 4):
        note = figure.note.say(language) if figure.note else ""
        _row(first, number, [figure.label.say(language), figure.value.say(language), note])
    for table in book.tables:
        names.append(_sheet_name(table.caption.say(language), names))
        sheet = made.create_sheet(names[-1])
        _row(sheet, 1, table.heads(language), Font(bold=True))
        for number, cells in enumerate(table.said(language), 2):
            _row(sheet, number, cells)
        if table.note is not None:
            _row(sheet, len(table.rows) + 3, [table.note.say(language)])
        for column, head in enumerate(table.heads(language), 1):
            longest = max([len(head), *(len(row[column - 1]) for row in table.said(language))])
            sheet.column_dimensions[sheet.cell(1, column).column_letter].width = min(longest * 1.6 + 2, _WIDEST)
        sheet.freeze_panes = "A2"
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path)
    return path


def book_plain(book: Book) -> dict[str, object]:
    """Return a book as ``--json`` prints it: words in both languages."""
    return {
        "name": book.name,
        "title": _both(book.title),
        "answer": _both(book.answer),
        "figures": [{"label": _both(f.label), "value": _both(f.value)} for f in book.figures],
        "tables": {
            table.name: {
                "caption": _both(table.caption),
                "columns": [_both(column.title) for column in table.columns],
                "rows": [[_both(cell.text) for cell in row] for row in table.rows],
            }
            for table in book.tables
        },
    }


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _row(sheet: Any, number: int, cells: Sequence[str], font: object = None) -> None:
    for column, words in enumerate(cells, 1):
        cell = sheet.cell(number, column)
        cell.value = words
        # Stated as text whatever it begins with: a customer's name that begins with "=" is a name.
        cell.data_type = "s"
        cell.quotePrefix = words.startswith(_FORMULA)
        if font is not None:
            cell.font = font


def _sheet_name(words: str, taken: Sequence[str]) -> str:
    plain = words.translate(_NOT_IN_NAMES).strip()[:_SHEET_NAME] or "1"
    name, number = plain, 2
    while name.lower() in {one.lower() for one in taken}:
        end = f" {number}"
        name, number = plain[: _SHEET_NAME - len(end)] + end, number + 1
    return name
