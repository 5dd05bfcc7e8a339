"""The built-in attributes."""

from __future__ import annotations

import json
from typing import Any

from pages.source import cell, page


def attributes_page() -> str:
    """Return docs/reference/attributes.md."""
    from bankloop.customer.catalogue import read_catalogue

    found = read_catalogue().attributes
    lines = [
        "# 标签 · Attributes",
        "",
        f"自带的 {len(found)} 个标签。银行可在 `attributes/*.yaml` 中增加或改写。金额在表达式中以元书写；"
        "数据分级 C1、C2 依 JR/T 0171，与风险承受能力的 C1–C5 无关。",
        "",
        f"The {len(found)} built-in attributes; a bank adds its own under `attributes/` "
        "([how to](../how-to/add-an-attribute.md)). Amounts in expressions are yuan. The class is the data class of "
        "JR/T 0171, not the C1–C5 of risk tolerance. Confidential ones may decide who is left out, but their reasons "
        "are pooled and they are no model features.",
        "",
        "| name | type | 中文 | English | owner | class | from | definition |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, attribute in sorted(found.items()):
        meaning = attribute.definition
        defined = "" if meaning == attribute.label else f"{meaning.zh}；{meaning.en}"
        secret = " confidential" if attribute.confidential else ""
        lines.append(
            f"| `{name}` | {attribute.type} | {cell(attribute.label.zh)} | {cell(attribute.label.en)} "
            f"| {attribute.owner} | {attribute.data_class}{secret} | {cell(_origin(attribute))} | {cell(defined)} |"
        )
    return page(lines)


def _origin(attribute: Any) -> str:
    body = attribute.source[attribute.kind.value]
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"{attribute.kind.value}: `{shown}`"
