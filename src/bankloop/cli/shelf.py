"""Commands of the shelf: what is on it, a change asked for, screening, scorecards with their reviews, the product matrix."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, show_table
from bankloop.cli.who import acting, permit
from bankloop.simulate.clock import bank_clock

_HERE = Path()
group = typer.Typer(
    help="产品货架：在架、变更、筛查、记分卡、渗透矩阵。The product shelf.", no_args_is_help=True, rich_markup_mode=None
)
Key = Annotated[str, typer.Argument(help="产品 / product")]
Names = Annotated[list[str] | None, typer.Option(help="可重复 / may be repeated")]


@group.command("list")
@handled
def listed(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """货架现状：产品、条线、风险、在哪里提供。Show the shelf as it is now."""
    from bankloop.loop.offering.shelf import shelf_now
    from bankloop.organization.principals import system
    from bankloop.report.shelf import shelf_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "product.read")
        shelf, spec = shelf_now(opened, system("shelf")), opened.spec
    products = shelf.all_of(spec.products.values())
    table, speaks = shelf_table(tuple(spec.products.values()), shelf, spec.policies), language()
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks))
    finish({"products": [one.model_dump(mode="json", by_alias=True) for one in products]}, as_json)


@group.command("change")
@handled
def change(
    product: Key,
    reason: Annotated[str, typer.Option("--reason", help="原因 / why")],
    off: Annotated[bool, typer.Option("--off", help="下架 / take it off the shelf")] = False,
    branch: Names = None,
    segment: Names = None,
    channel: Names = None,
    issuer: Annotated[str | None, typer.Option("--issuer", help="发行人评级 / issuer's rating")] = None,
    seller: Annotated[str | None, typer.Option("--seller", help="销售机构评级 / seller's rating")] = None,
    at: Annotated[
        datetime | None,
        typer.Option("--at", formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="生效时刻 / in force from"),
    ] = None,
    bank: Folder = _HERE,
    as_: Person = "product",
    as_json: AsJson = False,
) -> None:
    """申请变更货架，由他人批准。Ask for a change of the shelf; bankloop approve product/KEY gives the consent."""
    from bankloop.loop.offering.shelf import read_change, submit_change
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "campaign")
        asked = read_change(
            product,
            {
                "on": not off, "branches": branch, "segments": segment, "channels": channel, "issuer": issuer or seller,
                "seller": seller or issuer, "effective_at": at.replace(tzinfo=ZoneInfo(opened.lake.zone)) if at else None,
            },
        )  # fmt: skip
        request = submit_change(opened, person, asked, reason)
    show_table(product, ["申请 / request"], [[request]])
    finish({"product": product, "request": str(request)}, as_json)


@group.command("bundle")
@handled
def bundle(
    key: Annotated[str, typer.Argument(help="组合的名称 / the bundle's key")],
    leg: Annotated[list[str], typer.Option("--leg", help="组成，至少两个 / a leg, at least two")],
    zh: Annotated[str, typer.Option("--zh", help="中文名称 / Chinese title")],
    en: Annotated[str, typer.Option("--en", help="英文名称 / English title")],
    worth: Annotated[str, typer.Option("--worth", help="一次成功的价值，如 180 CNY / what a success is worth")],
    line: Annotated[str, typer.Option("--line", help="条线 / line of business")] = "retail",
    eligible: Annotated[str, typer.Option("--eligible", help="条件 / a condition beside those of the legs")] = "",
    reason: Annotated[str, typer.Option("--reason", help="原因 / why")] = "",
    bank: Folder = _HERE,
    as_: Person = "product",
    as_json: AsJson = False,
) -> None:
    """组合几个产品，由他人批准后上架。Put a bundle together; another person's consent puts it on the shelf."""
    from bankloop.kit.text import Text
    from bankloop.loop.offering.bundles import BundleDraft, submit_bundle
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "campaign")
        draft = BundleDraft(key, Text(zh, en), line, tuple(leg), worth, eligible)
        request = submit_bundle(opened, person, draft, reason)
    show_table(key, ["申请 / request"], [[request]])
    finish({"bundle": key, "request": str(request)}, as_json)


@group.command("migration")
@handled
def migration(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """还不能全程线上办理的产品：程度、销售、负责人、期限。What is not all online: how much, its sales, who answers, by when."""
    from bankloop.kit.plain import plain
    from bankloop.loop.offering.assortment import scorecards
    from bankloop.loop.offering.migration import migration_list
    from bankloop.loop.offering.shelf import shelf_now
    from bankloop.organization.principals import system
    from bankloop.report.shelf import migration_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "product.read")
        shelf = shelf_now(opened, system("shelf")).all_of(opened.spec.products.values())
        found = migration_list(shelf, scorecards(opened), opened.lake.today())
    table, speaks = migration_table(found), language()
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks))
    finish({"migration": plain(found)}, as_json)


@group.command("gaps")
@handled
def gaps(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """应有而没有基础产品的客户数，按客群分。How many lack what everybody should have, by segment."""
    from bankloop.loop.offering.needs import basic_gaps
    from bankloop.report.needs import gaps_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "product.read")
        found, policies = basic_gaps(opened), opened.spec.policies
    table, speaks = gaps_table(found, policies), language()
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks))
    told = [
        {"basic": one.basic.basic, "among": one.among, "lacking": one.lacking, "by_segment": dict(one.by_segment)}
        for one in found
    ]
    finish({"gaps": told}, as_json)


@group.command("needs")
@handled
def needs(
    customer: Annotated[str, typer.Argument(help="客户号 / customer")],
    bank: Folder = _HERE,
    as_: Person = "product",
    as_json: AsJson = False,
) -> None:
    """一位客户：资产配置建议、缺的基础产品、适合的增值服务。What one customer needs: allocation, basics, services."""
    from bankloop.loop.offering.needs import needs_of, told_needs
    from bankloop.report.needs import allocation_table, basics_table, services_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        found = needs_of(opened, acting(opened.store, as_, "service"), customer)
    for table in (allocation_table(found.allocation), basics_table(found), services_table(found)):
        show_table(table.caption.say(language()), table.heads(language()), table.said(language()))
    finish(told_needs(found), as_json)


@group.command("screen")
@handled
def screen(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """按货架重新筛查在途战役：撤回任务，拦下排队的触达。Screen every running campaign against the shelf."""
    from bankloop.loop.offering.shelf import screen as screen_all
    from bankloop.organization.principals import system
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "plan.read")
        found = screen_all(opened, system("shelf"))
    names = sorted({*found.tasks, *found.queued})
    rows = [[name, found.tasks.get(name, 0), found.queued.get(name, 0)] for name in names]
    show_table("筛查 / screened", ["战役 / campaign", "撤回任务 / tasks", "拦下触达 / contacts"], rows, right=[1, 2])
    finish({"tasks": dict(found.tasks), "queued": dict(found.queued)}, as_json)


@group.command("scorecard")
@handled
def scorecard(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """产品记分卡，超限即生成复核。Show how products do; a figure beyond its limit opens a review."""
    from bankloop.loop.offering.assortment import due_reviews, review_products, scorecards
    from bankloop.organization.principals import system
    from bankloop.report.shelf import products_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "product.read")
        cards = scorecards(opened)
        due = due_reviews(cards, opened.spec.policies)
        new = review_products(opened, system("shelf"), cards)
        titles = {key: one.title.text for key, one in opened.spec.products.items()}
    table, speaks = products_table(cards, titles, due), language()
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks))
    plain = [{**asdict(one), "blocked": {why.value: n for why, n in one.blocked.items()}} for one in cards]
    finish({"products": plain, "due": [asdict(one) for one in due], "opened": [asdict(one) for one in new]}, as_json)


@group.command("matrix")
@handled
def matrix(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """客群 × 产品渗透率与差距。Show penetration by segment and class of product, beside everybody else."""
    from bankloop.loop.offering.assortment import product_matrix
    from bankloop.report.shelf import matrix_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "product.read")
        found, policies = product_matrix(opened), opened.spec.policies
    table, speaks = matrix_table(found, policies), language()
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks))
    finish({"cells": [{**asdict(one), "gap": one.gap} for one in found]}, as_json)


@group.command("propose")
@handled
def propose(
    bundle: Key,
    customer: Annotated[str, typer.Option("--customer", help="客户号 / customer number")],
    company: Annotated[
        str,
        typer.Option(
            "--company", help="其企业的客户号：对公产品给企业 / number of their company, for the corporate legs"
        ),
    ] = "",
    bank: Folder = _HERE,
    as_: Person = "relationship_manager",
    as_json: AsJson = False,
) -> None:
    """给一位客户的组合建议：逐腿给出适当性结果。Show a bundle for one customer, each leg with its own result."""
    from bankloop.loop.offering.proposals import proposal
    from bankloop.report.shelf import proposal_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "service")
        legs = proposal(opened, person, bundle, customer, company)
        title = opened.spec.products[bundle].title.text
    table, speaks = proposal_table(legs, title), language()
    show_table(table.caption.say(speaks), table.heads(speaks), table.said(speaks))
    plain: list[dict[str, Any]] = [
        {"product": leg.product.key, "for": leg.party, "open": leg.ruling.open, "reason": leg.ruling.reason.value}
        for leg in legs
    ]
    finish({"bundle": bundle, "legs": plain, "open": all(leg.ruling.open for leg in legs)}, as_json)
