"""The lake's tables about loading itself: which files came, and how good each delivery was."""

from __future__ import annotations

from bankloop.kit.text import Text
from bankloop.lake.contracts import Column, ColumnType, TableContract

# Which input files were loaded, kept in the lake itself so that it commits together with their rows.
LOADED_FILE = TableContract(
    "loaded_file",
    Text("已入湖文件", "loaded file"),
    "platform",
    ("source", "file", "digest"),
    (
        Column("source", ColumnType.STR, Text("来源", "source")),
        Column("digest", ColumnType.STR, Text("摘要", "digest")),
        Column("file", ColumnType.STR, Text("文件", "file")),
        Column("day", ColumnType.DATE, Text("数据日", "day"), nullable=True),
        Column("load_id", ColumnType.STR, Text("批次", "load")),
        Column("rows_read", ColumnType.INT, Text("读入行数", "rows read")),
        Column("quarantined", ColumnType.INT, Text("隔离行数", "rows in quarantine")),
    ),
    mode="append",
)

# How good each delivery was, by dimension, beside its limit of then.
QUALITY = TableContract(
    "quality",
    Text("数据质量", "data quality"),
    "platform",
    ("load_id", "source", "delivered", "dimension"),
    (
        Column("load_id", ColumnType.STR, Text("批次", "load")),
        Column("source", ColumnType.STR, Text("来源", "source")),
        Column("delivered", ColumnType.STR, Text("数据日", "day")),
        Column("dimension", ColumnType.STR, Text("维度", "dimension")),
        Column("table_name", ColumnType.STR, Text("表", "table")),
        Column("column_name", ColumnType.STR, Text("最差的字段", "worst column")),
        Column("checked", ColumnType.INT, Text("检查", "checked")),
        Column("failed", ColumnType.INT, Text("不合格", "failed")),
        Column("value", ColumnType.INT, Text("值", "value")),
        Column("bound", ColumnType.INT, Text("限值", "limit")),
        Column("passed", ColumnType.BOOL, Text("合格", "passed")),
        Column("recorded_at", ColumnType.TIMESTAMP, Text("时间", "recorded at")),
    ),
    mode="append",
)
