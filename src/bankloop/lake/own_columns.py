"""Where columns of a bank's own are kept: a row a value, by its name in bank.yaml, in the column of its type."""

from __future__ import annotations

from bankloop.kit.money import MAX_FEN
from bankloop.kit.text import Text
from bankloop.lake.contracts import ColumnType, ContractColumn, DataClass, TableContract

_C2 = DataClass.C2
# What a value says is known to bank.yaml alone: whoever reads the table itself sees none of them plain.
_VALUES = (
    ContractColumn("name", ColumnType.STR, Text("字段名", "name of the column")),
    ContractColumn("text_value", ColumnType.STR, Text("文本", "text"), nullable=True, data_class=_C2),
    ContractColumn("number_value", ColumnType.INT, Text("整数", "whole number"), nullable=True, data_class=_C2),
    ContractColumn(
        "value_fen",
        ColumnType.INT,
        Text("金额（分）", "amount (fen)"),
        nullable=True,
        data_class=_C2,
        minimum=-MAX_FEN,
        maximum=MAX_FEN,
    ),
    ContractColumn("day_value", ColumnType.DATE, Text("日期", "date"), nullable=True, data_class=_C2),
    ContractColumn("truth_value", ColumnType.BOOL, Text("是否", "yes or no"), nullable=True, data_class=_C2),
)
_CUSTOMER_NO = ContractColumn(
    "customer_no", ColumnType.STR, Text("客户号", "customer number"), references=("customer", "customer_no")
)

CUSTOMER_EXTRA = TableContract(
    "customer_extra",
    Text("客户的本行字段", "columns of the bank's own about customers"),
    "retail",
    ("customer_no", "name"),
    (_CUSTOMER_NO, *_VALUES),
    mode="upsert",
)
EVENT_EXTRA = TableContract(
    "event_extra",
    Text("事件的本行字段", "columns of the bank's own about events"),
    "channels",
    ("source", "event_id", "name"),
    (
        ContractColumn("source", ColumnType.STR, Text("来源系统", "source system")),
        ContractColumn("event_id", ColumnType.INT, Text("事件号", "event id")),
        ContractColumn("customer_no", ColumnType.STR, Text("客户号", "customer number")),
        *_VALUES,
    ),
    mode="append",
)
