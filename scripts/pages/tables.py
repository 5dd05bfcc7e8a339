"""Every conformed table and column."""

from __future__ import annotations

from pages.source import cell, page

# What each type looks like where a file brings it, and how it is kept.
_EXAMPLES = {
    "str": ("泉江 0012", "text"), "int": ("12", "whole number"), "bool": ("true", "yes or no"),
    "date": ("2026-11-30", "day"), "timestamp": ("2026-11-30 09:15:00", "moment, kept in UTC"),
}  # fmt: skip
_OF = {
    "customer_no": "C0001234", "unit_id": "0101", "branch_id": "0100", "sub_branch_id": "0101", "staff_id": "M00012",
    "manager_id": "M00012", "parent_id": "0100", "phone_token": "13812345678 → `{from: 手机号, pii: phone}`",
    "name_token": "王伟 → `{from: 姓名, pii: name}`", "region": "东城", "product_id": "T12", "holding_id": "T000123",
    "name_zh": "东门支行", "name_en": "East Gate", "type": "transfer_in", "channel": "app_push", "post": "relationship_manager",
}  # fmt: skip


def tables_page() -> str:
    """Return docs/reference/tables.md."""
    from bankloop.lake.conformed import CONTRACTS
    from bankloop.lake.proposal.proposing import TABLES
    from bankloop.lake.sources import OWN

    shown = [one for one in CONTRACTS.values() if one.name not in OWN]
    lines = [
        "# 数据表 · Tables",
        "",
        f"数据湖的 {len(shown)} 张表与字段：类型、单位、分级、是否必填、代码和例子。`bankloop init --from` 按这张表提出映射，"
        "`bankloop check --data` 按它检查。",
        "",
        f"The {len(shown)} conformed tables that sources bring or the platform derives, with every column. *Needed* columns may "
        "not be empty: a file that lacks one needs a `constant`. Money is kept in fen; `money: yuan` reads yuan. The class is "
        "that of JR/T 0171; a token stands for an identifier that is sealed apart. What `init --from` looks for in files: "
        f"{', '.join(f'[{name}](#{name})' for name in TABLES)}; the others are brought by a `sources` entry of their own, or derived.",
    ]
    for table in shown:
        lines += [
            "", f"## {table.name}", "",
            f"{table.label.zh} · {table.label.en}. Key: {', '.join(f'`{key}`' for key in table.key)}. Mode: `{table.mode}`. Owner: {table.owner}.",
            "", "| column | 中文 | English | type | unit | class | needed | codes and bounds | example |", "|---|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        lines += [_row(table.key, column) for column in table.columns]
    return page(lines)


def _row(key: tuple[str, ...], column: object) -> str:
    from bankloop.lake.contracts import ContractColumn

    assert isinstance(column, ContractColumn)
    needed = "key" if column.name in key else "" if column.nullable else "yes"
    secret = " confidential" if column.confidential else ""
    example = _OF.get(column.name) or (
        column.allowed[0] if column.allowed else _example(column.name, column.type.value)
    )
    return (
        f"| `{column.name}` | {cell(column.label.zh)} | {cell(column.label.en)} | {_EXAMPLES[column.type.value][1]} | {_unit(column.name)} "
        f"| {column.data_class.value}{secret} | {needed} | {cell(_bounds(column))} | {cell(example)} |"
    )


def _example(name: str, kind: str) -> str:
    return "1,234.56 → `{from: 余额, money: yuan}`" if name.endswith("_fen") else _EXAMPLES[kind][0]


def _unit(name: str) -> str:
    ends = {"_fen": "fen", "_days": "days", "_ppm": "ppm", "minutes_per_day": "minutes"}
    return next((unit for end, unit in ends.items() if name.endswith(end)), "")


def _bounds(column: object) -> str:
    from bankloop.lake.contracts import ContractColumn

    assert isinstance(column, ContractColumn)
    found = [", ".join(f"`{code}`" for code in column.allowed if code)] if column.allowed else []
    if column.minimum is not None or column.maximum is not None:
        low, high = (
            "" if bound is None else f"{bound:,}" if isinstance(bound, int) else str(bound)
            for bound in (column.minimum, column.maximum)
        )
        found.append(f"{low} … {high}".strip())
    if column.not_future:
        found.append("not after today")
    if column.references:
        found.append(f"→ {column.references[0]}.{column.references[1]}")
    return "; ".join(found)
