"""The lake's tables about loading itself: which files came, and how good each delivery was."""

from __future__ import annotations

from bankloop.kit.text import Text
from bankloop.lake.contracts import ColumnType, ContractColumn, TableContract

# Which input files were loaded, kept in the lake itself so that it commits together with their rows.
LOADED_FILE = TableContract(
    "loaded_file",
    Text("已入湖文件", "loaded file"),
    "platform",
    ("source", "file", "digest"),
    (
        ContractColumn("source", ColumnType.STR, Text("来源", "source")),
        ContractColumn("digest", ColumnType.STR, Text("摘要", "digest")),
        ContractColumn("file", ColumnType.STR, Text("文件", "file")),
        ContractColumn("day", ColumnType.DATE, Text("数据日", "day"), nullable=True),
        ContractColumn("load_id", ColumnType.STR, Text("批次", "load")),
        ContractColumn("rows_read", ColumnType.INT, Text("读入行数", "rows read")),
        ContractColumn("quarantined", ColumnType.INT, Text("隔离行数", "rows in quarantine")),
        ContractColumn("mapping", ColumnType.STR, Text("映射摘要", "digest of the mapping"), nullable=True),
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
        ContractColumn("load_id", ColumnType.STR, Text("批次", "load")),
        ContractColumn("source", ColumnType.STR, Text("来源", "source")),
        ContractColumn("delivered", ColumnType.STR, Text("数据日", "day")),
        ContractColumn("dimension", ColumnType.STR, Text("维度", "dimension")),
        ContractColumn("table_name", ColumnType.STR, Text("表", "table")),
        ContractColumn("column_name", ColumnType.STR, Text("最差的字段", "worst column")),
        ContractColumn("checked", ColumnType.INT, Text("检查", "checked")),
        ContractColumn("failed", ColumnType.INT, Text("不合格", "failed")),
        ContractColumn("value", ColumnType.INT, Text("值", "value")),
        ContractColumn("bound", ColumnType.INT, Text("限值", "limit")),
        ContractColumn("passed", ColumnType.BOOL, Text("合格", "passed")),
        ContractColumn("recorded_at", ColumnType.TIMESTAMP, Text("时间", "recorded at")),
    ),
    mode="append",
)
