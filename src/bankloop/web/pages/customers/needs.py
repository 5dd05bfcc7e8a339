"""What one customer needs, and how many lack what everybody should have."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.kit.text import Text
from bankloop.loop.offering.needs import basic_gaps, needs_of
from bankloop.organization.rights import require
from bankloop.report.needs import allocation_picture, allocation_table, basics_table, gaps_table, services_table
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page

NEEDS: Mapping[str, Text] = {
    "title": Text("客户方案", "What this customer needs"),
    "lead": Text(
        "除了战役推介的：资产怎样配置、缺哪些基础产品、适合哪些增值服务。供沟通使用，不会自动发送。",
        "Besides what campaigns offer: how assets might be spread, which basics are missing, which services suit. It "
        "is for a conversation; nothing is sent.",
    ),
    "invited": Text(
        "没有有效的风险测评，不给配置建议：请先邀请测评。",
        "There is no valid risk assessment, so no allocation is proposed: invite to one first.",
    ),
    "not_personal": Text(
        "客户关闭了个性化，或还没有数据：不给个性化建议。",
        "The customer declined personalisation, or there are no data yet: nothing personal is proposed.",
    ),
    "no_assets": Text("没有资产可配置。", "There are no assets to spread."),
    "nothing_missing": Text("基础产品都有了。", "No basic product is missing."),
    "no_service": Text("没有特别适合的增值服务。", "No service suits in particular."),
    "customer": Text("客户", "Customer"),
    "gaps": Text("基础产品缺口", "Gaps in basic products"),
    "gaps_lead": Text(
        "应有而没有的客户数，按客群分；点人数进入客群编辑，可以建成客群做战役。",
        "How many should have a basic product and have not, by segment; a count opens the audience of those who do.",
    ),
}


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/customers/{customer_no}/needs")
    def needs(request: Request, customer_no: str, visitor: Here) -> HTMLResponse:
        for right in ("customer.read", "consent.read", "product.read"):
            require(visitor.principal, right)
        number = customer_no[:64]
        found = needs_of(console_of(request).bank, visitor.principal, number)
        return page(
            request,
            "needs.html",
            at="customers",
            said=NEEDS,
            number=number,
            masked=masked(number),
            found=found,
            picture=allocation_picture(found.allocation) if found.allocation else None,
            allocation=allocation_table(found.allocation) if found.allocation else None,
            basics=basics_table(found),
            services=services_table(found),
        )

    @app.get("/gaps")
    def gaps(request: Request, visitor: Here) -> HTMLResponse:
        for right in ("product.read", "segment.read"):
            require(visitor.principal, right)
        console = console_of(request)
        found = basic_gaps(console.bank, console.seen_by(visitor.principal))
        table = gaps_table(found, console.bank.spec.policies)
        return page(request, "gaps.html", at="products", said=NEEDS, table=table)
