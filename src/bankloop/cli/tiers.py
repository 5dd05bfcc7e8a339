"""Commands on tiers and on serving everybody: a month closed, rules submitted, keepers assigned, care made, one at a glance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.customers import Number, Reason, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table, yuan
from bankloop.cli.who import acting, permit
from bankloop.simulate.clock import bank_clock

_HERE = Path()

group = typer.Typer(
    help="分层：关账一个月、提交本行规则。Tiers: close a month, submit the bank's own rules.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def close(
    month: Annotated[
        datetime | None,
        typer.Option("--month", formats=["%Y-%m"], help="月份，默认上月 / month, the last one by default"),
    ] = None,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """按月日均给全部客户定层：提级立即，降级先关注；一个月只关一次。Close a month: averages, tiers, watch; once."""
    from bankloop.customer.tier import close_month, read_tier_rules, rule_on
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        day = month.date() if month else (opened.lake.today().replace(day=1) - timedelta(days=1))
        principal = acting(opened.store, as_, "campaign")
        done = close_month(opened.store, principal, opened.lake, day)
        rule = rule_on(read_tier_rules(bank), done.month)
    rows = [[rule.tier(tier).title.say(language()), f"{count:,}"] for tier, count in done.tiers.items()]
    show_table(f"{done.month:%Y-%m}", ["层级 / tier", "客户 / customers"], rows, right=[1])
    show_table(
        "变动 / moves", ["变动 / move", "客户 / customers"], [[k, f"{n:,}"] for k, n in done.moves.items()], right=[1]
    )
    finish(
        {"month": f"{done.month:%Y-%m}", "customers": done.customers, "tiers": {str(k): n for k, n in done.tiers.items()},
         "moves": dict(done.moves), "new": done.new},
        as_json,
    )  # fmt: skip


def submit_rules(
    reason: Reason = "", bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False
) -> None:
    """把本行的 tiers.yaml 提交审批；批准之前不生效。Submit the bank's tiers.yaml; it is in force once approved."""
    from bankloop.customer.tier import ask_rules
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        request = ask_rules(opened.store, acting(opened.store, as_, "campaign"), bank, reason)
    show_table("tiers.yaml", ["申请 / request"], [[request]])
    finish({"request": str(request)}, as_json)


def assign(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """给每个客户恰好一个归属：客户经理、远程银行或数字化。Give everybody exactly one keeper: manager, centre or digital."""
    from bankloop.customer.servicing import MODES, assign_keepers

    with opened_in(bank, as_, "servicing.assign") as (opened, connection):
        done = assign_keepers(connection, opened.lake)
    rows = [[MODES[mode].say(language()), f"{count:,}"] for mode, count in done.modes.items()]
    show_table(str(done.as_of), ["归属 / keeper", "客户 / customers"], rows, right=[1])
    modes = {mode.value: count for mode, count in done.modes.items()}
    finish(
        {"as_of": done.as_of.isoformat(), "modes": modes, "given": done.given, "unassigned": done.unassigned}, as_json
    )


def care(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """给太久没有联系的客户生成关怀任务。Make care tasks for customers whom nobody contacted for too long."""
    from bankloop.customer.servicing import make_care_tasks
    from bankloop.organization.principals import system
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "servicing.care")
        with opened.store.begin(system("servicing")) as connection:
            done = make_care_tasks(connection, opened.lake, opened.lake.today())
    show_table("关怀 / care", ["到期 / due", "任务 / tasks"], [[done.due, done.tasks]], right=[0, 1])
    finish({"due": done.due, "tasks": done.tasks}, as_json)


def value(number: Number, bank: Folder = _HERE, as_: Person = "steward", as_json: AsJson = False) -> None:
    """一个客户的归属、层级、关系分与价值贡献；金额默认脱敏。A customer's keeper, tier, score and contribution; money masked."""
    from bankloop.customer.overview import open_overview

    with opened_in(bank, as_, "customer.read") as (opened, connection):
        seen = open_overview(connection, opened.lake, opened.profiles(connection), opened.catalogue, number)
    tongue = language()
    tier = seen.tier.title.say(tongue) if seen.tier else "—"
    keeper = f"{seen.keeper.mode.value} {seen.keeper.owner}".strip() if seen.keeper else "—"
    stage = str(seen.value("lifecycle_stage") or "—")
    show_table(
        number, ["层级 / tier", "归属 / keeper", "阶段 / stage", "关系分 / score"], [[tier, keeper, stage, seen.score]]
    )
    show_table(
        "关系分 / score", ["因子 / factor", "分 / points"], [[f.title.say(tongue), f.points] for f in seen.factors], [1]
    )
    lines = seen.statement.lines if seen.statement else ()
    rows = [
        [line.product_class, line.product_id, *(yuan(part) for part in (line.average_fen, line.spread, line.fees, line.cost, line.loss, line.capital, line.total))]
        for line in lines
    ]  # fmt: skip
    heads = [
        "大类 / class",
        "产品 / product",
        "日均 / average",
        "利差 / spread",
        "收费 / fees",
        "成本 / cost",
        "损失 / loss",
        "资本 / capital",
        "贡献 / total",
    ]
    show_table("价值贡献 / contribution", heads, rows, right=list(range(2, 9)))
    finish(
        {
            "customer": number, "masked": seen.masked, "tier": seen.tier.name if seen.tier else None, "watched": seen.watched,
            "keeper": {"mode": seen.keeper.mode.value, "owner": seen.keeper.owner, "backup": seen.keeper.backup} if seen.keeper else None,
            "stage": seen.value("lifecycle_stage"), "score": seen.score, "factors": {f.name: f.points for f in seen.factors},
            "contribution_fen": seen.statement.total if seen.statement else None,
        },
        as_json,
    )  # fmt: skip


COMMANDS: dict[str, Callable[..., None]] = {"close": close, "submit": submit_rules}
CUSTOMER_COMMANDS: dict[str, Callable[..., None]] = {"assign": assign, "care": care, "value": value}
