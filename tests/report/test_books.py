"""A book as a workbook, as one file, as JSON: the same words, and no formula anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.text import Language, Text
from bankloop.view.book import Book, book_html, book_plain, write_workbook
from bankloop.view.figures import Cell, Column, Figure, Table

EVIL = ('=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "normal")


def book(words: tuple[str, ...], caption: str = "表/一 [1]") -> Book:
    rows = tuple((Cell(Text(one, one)), Cell(Text("1,234", "1,234"))) for one in words)
    columns = (Column(Text("名", "Name")), Column(Text("数", "Number"), number=True))
    table = Table("t", Text(caption, caption), columns, rows, Text("注", "note"))
    figure = Figure(Text("数", "Figure"), Text("¥1", "¥1"))
    return Book("b", Text("题", "Title"), Text("一句话。", "One sentence."), (figure,), (), (table, table))


def test_what_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    made = openpyxl.load_workbook(write_workbook(book(EVIL), tmp_path / "b.xlsx"))
    assert made.sheetnames[0] == "题"
    assert len(made.sheetnames) == 3
    assert len({name.lower() for name in made.sheetnames}) == 3
    sheet = made[made.sheetnames[1]]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell.data_type for cell in cells] == ["s"] * len(cells)
    assert [sheet.cell(row, 1).value for row in range(2, 8)] == list(EVIL)
    assert sheet.cell(2, 1).quotePrefix


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
def test_any_caption_names_a_sheet(caption: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as home:
        made = openpyxl.load_workbook(write_workbook(book(("a",), caption), Path(home) / "b.xlsx"))
    assert all(0 < len(name) <= 31 for name in made.sheetnames)


def test_the_file_needs_nothing_else_and_speaks_both_languages() -> None:
    page = book_html(book(("<script>alert(1)</script>",)), Language.EN)
    assert "<script" not in page
    assert "One sentence." in page
    assert "一句话。" in page
    assert not re.search(r"""(?:src|href)=["']""", page)


def test_json_has_every_row_in_both_languages() -> None:
    plain = book_plain(book(("a", "b")))
    assert plain["answer"] == {"zh": "一句话。", "en": "One sentence."}
    tables = plain["tables"]
    assert isinstance(tables, dict)
    assert len(tables["t"]["rows"]) == 2
