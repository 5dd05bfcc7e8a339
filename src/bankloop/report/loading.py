"""What a load put aside, by source and reason, as a table."""

from __future__ import annotations

from bankloop.kit.text import Text
from bankloop.lake.contracts import LoadReport
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table

RULES = {
    "phone": Text("号码格式不对", "Malformed phone number"),
    "future": Text("日期在未来", "Date in the future"),
    "duplicate_key": Text("主键重复", "Duplicate key"),
    "reference": Text("指向不存在的对象", "Refers to what does not exist"),
    "encoding": Text("编码损坏", "Broken encoding"),
    "allowed": Text("取值不在允许之列", "Value not allowed"),
}


def quarantine_table(load: LoadReport) -> Table:
    """Return what the load put aside, by reason, and what it loaded."""
    rows = tuple(
        (
            Cell(say.same(source.source)),
            Cell(RULES.get(rule.rule, say.same(rule.rule))),
            Cell(say.same(rule.column or "—")),
            Cell(say.count(rule.rows)),
        )
        for source in load.sources
        for rule in source.rules
    )
    loaded = sum(source.loaded for source in load.sources)
    columns = (
        Column(Text("来源", "Source")),
        Column(Text("原因", "Reason")),
        Column(Text("列", "Column")),
        Column(Text("行数", "Rows"), number=True),
    )
    note = Text(f"好的 {loaded:,} 行照常入库；坏的行连同文件、行号、规则和取值留在隔离区。",
                f"The {loaded:,} good rows are loaded; each bad one is kept aside with file, line, rule and value.")  # fmt: skip
    return Table("quarantine", Text("隔离的数据", "Rows put aside"), columns, rows, note)
