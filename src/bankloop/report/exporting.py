"""A plan as files: xlsx, CSV, Parquet, JSON. What looks like a formula stays a word, numbers stay numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.care.worklist import Refused
from bankloop.kit.errors import InputError
from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Text
from bankloop.report.record import PlanRecord

FORMATS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}
PARTS = ("lines", "resources", "left_out", "customers")
# A spreadsheet takes a cell that begins so for a formula. (CWE-1236)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def exported(record: PlanRecord, part: str, kind: str, customers: pa.Table | None = None) -> bytes:
    """Return one part of a plan as a file; ``customers`` are the rows that the reader may see, masked by the caller.

    Money is fen. Raises ``InputError`` for a part or a format that there is not.
    """
    if part not in PARTS or kind not in FORMATS:
        raise InputError(
            "export.choice",
            Text("没有“{part}”的 {kind} 导出；可选 {parts}，格式 {kinds}", "there is no export of '{part}' as {kind}; choose of {parts}, as {kinds}"),
            part=part[:32], kind=kind[:16], parts=", ".join(PARTS), kinds=", ".join(FORMATS),
        )  # fmt: skip
    table = customers if part == "customers" and customers is not None else _part(record, part)
    match kind:
        case "csv":
            return csv_of(table)
        case "xlsx":
            return xlsx_of(table, part)
        case "parquet":
            out = io.BytesIO()
            pq.write_table(table, out, compression="zstd")
            return out.getvalue()
        case _:
            rows = [json.loads(canonical_json(row)) for row in table.to_pylist()]
            return canonical_json({"plan": record.plan_id, "part": part, "rows": rows}).encode()


def csv_of(table: pa.Table) -> bytes:
    """Return a table as CSV that Excel opens right: UTF-8 with its mark, words that look like formulas quoted off."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([harmless(value) for value in row.values()])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def xlsx_of(table: pa.Table, title: str) -> bytes:
    """Return a table as one sheet; every word is stored as a word."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(table.column_names)
    for row in table.to_pylist():
        cells = []
        for value in row.values():
            cell = WriteOnlyCell(sheet, value)
            if isinstance(value, str):
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def harmless(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _part(record: PlanRecord, part: str) -> pa.Table:
    if part == "lines":
        return _table(
            ("campaign", "action", "title_zh", "title_en", "customers", "cost_fen", "value_fen"),
            [
                (x.campaign, x.action, x.title.zh, x.title.en, x.customers, round(x.cost), round(x.value))
                for x in record.lines
            ],
        )
    if part == "resources":
        return _table(
            ("resource", "title_zh", "title_en", "unit", "limit", "floor", "used", "short", "price_fen", "holds_from", "holds_to"),
            [(r.name, r.title.zh, r.title.en, r.unit.en, r.limit, r.floor, r.used, r.short, r.price, r.holds_from, r.holds_to) for r in record.resources],
        )  # fmt: skip
    return _table(
        ("campaign", "reason", "title_zh", "title_en", "customers"),
        [(c.name, f.code, f.title.zh, f.title.en, f.count) for c in record.campaigns for f in (*c.falls, *c.left_out)],
    )


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> pa.Table:
    columns = [pa.array([row[at] for row in rows]) for at in range(len(names))]
    return pa.table(dict(zip(names, columns, strict=True)))


def returned_rows(refused: Sequence[Refused]) -> pa.Table:
    """Return the lines of a list that came back: line, customer, code and the reason in both languages."""
    return _table(
        ("line", "customer_no", "code", "原因", "reason"),
        [(one.line, one.customer_no, one.code, one.reason.zh, one.reason.en) for one in refused],
    )
