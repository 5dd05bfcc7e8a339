"""A customer of another line: what is shared with consent, all else masked; and who else serves one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bankloop.customer.relation import TITLES, AlsoServed, EdgeKind
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.organization.people import OrgUnit
from bankloop.organization.rights import CustomerView, open_customer
from bankloop.report.shelf import PRODUCT_LINES
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.shell.console import Console, masked

TIED = "tied"
_MASK = "***"
_ASSETS = Text("金融资产", "Assets")


@dataclass(frozen=True, slots=True)
class SharedPage:
    """A customer whom another line keeps: the answer, and field by field what is shown."""

    answer: Text
    fields: Table


def shared_page(console: Console, principal: Principal, number: str) -> SharedPage:
    """Return a customer of another line as far as may be seen; the opening is written down, a refusal too.

    Raises ``NotFoundError`` where nothing leads there, ``DeniedError`` for an agreement that is over, or a consent
    that is missing.
    """
    found = open_customer(console.bank.store, console.bank.lake, principal, number)
    if found.right == TIED:
        answer = Text(
            "由其他条线服务，与您名下的客户有关联；没有共享协议，全部遮盖。每次打开都留痕。",
            "Served by another line and tied to a customer of yours; nothing is shared by agreement, so that "
            "all is masked. Each look is on the trail.",
        )
    else:
        answer = Text(
            f"按共享协议 {found.right} 展示客户同意共享的字段，其余遮盖。每次打开都留痕。",
            f"By the sharing agreement {found.right} the fields that the customer agreed to are shown, the "
            "others masked. Each look is on the trail.",
        )
    return SharedPage(answer, _fields(found))


def _fields(found: CustomerView) -> Table:
    columns = {one.name: one for one in CONTRACTS["customer"].columns}
    rows = []
    for name, value in found.values.items():
        column = columns.get(name)
        if column is not None and column.confidential:
            continue
        hidden = name in found.masked
        money = name.endswith("_fen") and isinstance(value, int)
        shown = (
            say.same(_MASK)
            if hidden
            else say.money(int(str(value)))
            if money
            else say.same("—" if value is None else value)
        )
        rows.append(
            (
                Cell(column.label if column else _ASSETS),
                Cell(shown),
                Cell(
                    Text("已遮盖", "masked") if hidden else Text("共享", "shared"),
                    Tone.PLAIN if hidden else Tone.GOOD,
                    tag=True,
                ),
            )
        )
    # What is shared is read first.
    rows.sort(key=lambda row: row[1].text.zh == _MASK)
    columns_ = (Column(Text("字段", "Field")), Column(Text("值", "Value")), Column(Text("展示", "Shown")))
    return Table("fields", Text("可见的信息", "What may be seen"), columns_, tuple(rows))


def served_table(found: Sequence[AlsoServed], tree: Mapping[str, OrgUnit]) -> Table:
    """Return by whom else a customer is served; each row leads to what of it may be seen."""
    rows = tuple(
        (
            Cell(PRODUCT_LINES.get(one.line, say.same(one.line))),
            Cell(say.same(masked(one.customer_no)), drill=f"customers/{one.customer_no}"),
            Cell(_tie(one.kind)),
            Cell(tree[one.unit_id].name if one.unit_id in tree else say.same(one.unit_id)),
            Cell(say.same(_MASK)),
        )
        for one in found
    )
    columns = (
        Column(Text("条线", "Line")),
        Column(Text("客户", "Customer")),
        Column(Text("关系", "Relation")),
        Column(Text("机构", "Unit")),
        Column(Text("经办", "Kept by")),
    )
    note = Text(
        "其他条线的内容默认遮盖，有共享协议且客户同意的字段才展示。",
        "What other lines keep is masked; fields show by agreement and consent.",
    )
    return Table("served", Text("同时由其他条线服务", "Also served by"), columns, rows, note)


def _tie(kind: str) -> Text:
    if not kind:
        return Text("同一客户", "the same customer")
    return TITLES[EdgeKind(kind)] if kind in set(EdgeKind) else say.same(kind)
