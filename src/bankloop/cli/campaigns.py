"""Commands on campaigns: plan, run, report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bankloop.cli.following import say_following
from bankloop.cli.names import campaign_names
from bankloop.cli.screen import AsJson, Folder, finish, language, say, show_table, tell
from bankloop.cli.who import permit
from bankloop.kit.money import say_fen
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

_HERE = Path()
Round = Annotated[int, typer.Option("--round", min=1, help="轮次 / round")]
Start = Annotated[
    datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="窗口首日 / first day of the window")
]


_YES_NO = (Text("否", "no"), Text("是", "yes"))
_RAN: Mapping[str, Text] = {
    "round": Text("轮次", "round"),
    "window_start": Text("窗口首日", "first day of the window"),
    "already_run": Text("此前已执行过", "had run before"),
    "decisions": Text("决策，含不联系的", "decisions, with those to leave alone"),
    "contacts": Text("占下的触达", "contacts reserved"),
    "refused": Text("闸门拒绝", "refused at the gate"),
    "tasks": Text("员工任务", "tasks for staff"),
    "sent": Text("今天已交给渠道", "handed to channels today"),
}

Further = Annotated[
    bool,
    typer.Option("--further", help="同一轮再开一个窗口，上一个结束之后 / one more window of the round, after its last"),
]


def plan(bank: Folder = _HERE, round_: Round = 1, start: Start = None, as_json: AsJson = False) -> None:
    """看方案：给谁、花多少、值多少、为什么不给别人。Show what would happen; nothing is changed."""
    from bankloop.loop import run as loop
    from bankloop.loop.campaign.launch import launches
    from bankloop.organization.principals import system
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "plan.read")
        window = loop.plan(opened, system(), round_, _day(start, opened.lake.today()))
    launched = launches(window)
    show_plan(window)
    _show_launches(launched)
    say_following("plan" if window.plan.lines else "plan_none", bank)
    finish({**plain_plan(window), "launch": {k: one.as_dict() for k, one in launched.items()}}, as_json)


def run(
    bank: Folder = _HERE, round_: Round = 1, start: Start = None, further: Further = False, as_json: AsJson = False
) -> None:
    """执行已批准的战役，只发生一次。Run the approved campaigns' window: it happens once, however often it is called."""
    from bankloop.loop.campaign.launch import Launch, launches
    from bankloop.loop.round.window import Window
    from bankloop.organization.principals import system
    from bankloop.wiring import file_channel, open_bank
    from bankloop.work.rounds import run_round

    launched: dict[str, Launch] = {}

    def shown(window: Window) -> None:
        launched.update(launches(window))
        _show_launches(launched)

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.run")
        day = _day(start, opened.lake.today())
        done = run_round(
            opened, system(), round_, day, file_channel(bank), further=further, say=say, shown=shown
        ).plain()
    failed = done.pop("failed")
    _show_run(done)
    show_failures(failed)
    say_following("run" if launched else "run_again", bank, campaign=next(iter(launched), ""))
    finish({**done, "failed": failed, "launch": {name: one.as_dict() for name, one in launched.items()}}, as_json)


def _show_run(done: Mapping[str, Any]) -> None:
    """Say what a round came to, a line each; refusals of the gate by their reason."""
    refused = " · ".join(f"{reason} {count:,}" for reason, count in done["refused"].items())
    said = {**done, "already_run": _YES_NO[bool(done["already_run"])].say(language()), "refused": refused or "0"}
    rows = [
        [title.say(language()), f"{v:,}" if isinstance(v := said[name], int) else v] for name, title in _RAN.items()
    ]
    show_table("", ["", ""], rows, right=[1])


def deliver(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """把到点的触达交给渠道：serve 每分钟做一次；不用 serve 的银行按天排程。Hand out what is due, screened now; `serve` does it every minute."""
    from bankloop.wiring import file_channel, open_bank
    from bankloop.work.rounds import hand_out

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "plan.deliver")
        done = hand_out(opened, file_channel(bank))
    failed = [{"part": one.key, "zh": one.reason.zh, "en": one.reason.en} for one in done.failures]
    show_table("投放 / delivery", ["触达 / contacts", "失败 / failed parts"], [[done.done, len(failed)]], right=[0, 1])
    show_failures(failed)
    say_following("deliver", bank)
    finish({"sent": done.done, "failed": failed}, as_json)


def show_failures(failed: Any) -> None:
    """Say which parts could not be handed out and why; they are tried again, and block none behind them."""
    if failed:
        rows = [[one["part"], one[language().value]] for one in failed]
        show_table("没交出去的，会再试 / failed, tried again", ["部分 / part", "原因 / why"], rows)


def report(
    bank: Folder = _HERE,
    campaign: Annotated[str | None, typer.Option(help="战役 / campaign")] = None,
    as_json: AsJson = False,
) -> None:
    """结果：提升、区间、结论、钱。Show the readings kept: lift, interval, verdict, money."""
    from bankloop.organization.principals import system
    from bankloop.store.registry import read_results
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "round.read", whole=True)
        with opened.store.begin(system()) as connection:
            found = [
                {"campaign": r.campaign, "round": r.round, "as_of": r.as_of.isoformat(), **r.reading}
                for r in read_results(connection, campaign)
            ]
    rows = [[r["campaign"], r["round"], r["verdict"], r["sentence"][language().value]] for r in found]
    show_table("结果 / results", ["战役 / campaign", "轮 / round", "结论 / verdict", ""], rows)
    finish({"results": found}, as_json)


def _show_launches(launched: Mapping[str, Any]) -> None:
    """Say of each campaign whether one round can be read, before it starts."""
    rows = [[name, one.sentence.say(language())] for name, one in launched.items()]
    show_table("能否读出 / what one round can tell", ["战役 / campaign", ""], rows)


def power(
    name: Annotated[str, typer.Argument(help="战役 / campaign", autocompletion=campaign_names)],
    bank: Folder = _HERE,
    lift: Annotated[float | None, typer.Option(help="期望的提升，百分点 / lift hoped for, percentage points")] = None,
    as_json: AsJson = False,
) -> None:
    """开战前：凭本行历史，一轮能看清多小的提升、要几轮、多少天。Before a launch: what a round could find, from the bank's own history."""
    from bankloop.loop.campaign.launch import history_launches
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "plan.read")
        yesterday = opened.lake.today() - timedelta(days=1)
        found = history_launches(opened, name, yesterday, None if lift is None else lift / 100)
    rows = [
        [f"{one.design.control_share:.0%}", f"{one.design.control:,}", one.sentence.say(language())] for one in found
    ]
    show_table(name, ["对照 / control", "人 / n", "能否读出 / what one round can tell"], rows, right=[0, 1])
    finish({"campaign": name, "designs": [one.as_dict() for one in found]}, as_json)


def show_plan(window: Any) -> None:
    """Print a plan: who is left out, what goes where, what the next unit is worth, the certificate."""
    from bankloop.kit.worktime import unknown_after
    from bankloop.report.plan import bounds_in_words, price_in_words
    from bankloop.view.format import amount

    speaks = language()
    for name, found in window.audiences.items():
        rows: list[list[object]] = [
            [Text("命中", "hit"), f"{found.hit:,}"],
            *[[f.title.say(speaks), f"−{f.count:,}"] for f in found.falls if f.count],
        ]
        show_table(name, ["", ""], [*rows, [Text("可用", "usable"), f"{found.usable:,}"]], right=[1])
    lines = [
        [x.campaign, x.action, f"{x.customers:,}", say_fen(x.cost, speaks), say_fen(x.value, speaks)]
        for x in window.plan.lines
        if x.customers
    ]
    show_table(
        "方案 / plan",
        ["战役 / campaign", "动作 / action", "人 / n", "成本 / cost", "价值 / value"],
        lines,
        right=[2, 3, 4],
    )
    prices = [
        [
            r.title.say(speaks),
            bounds_in_words(r).say(speaks),
            amount(r.wanted, r.unit).say(speaks),
            amount(r.used, r.unit).say(speaks),
            price_in_words(r).say(speaks),
        ]
        for r in window.plan.resources
    ]
    columns = ["", "上限或下限 / bounds", "想要 / wanted", "已用 / used", "价格 / price"]
    show_table("资源 / resources", columns, prices, right=[1, 2, 3])
    if window.plan.conflict:
        found = [[b.name, b.side.value, f"{b.amount:,.0f}"] for b in window.plan.conflict]
        show_table("冲突的约束 / bounds in conflict", ["", "", ""], found, right=[2])
    warning = unknown_after(window.plan.window_end)
    if warning is not None:
        tell(f"· {warning.say(speaks)}")
    solution = window.plan.solution
    said = Text(
        "价值 {value} · 上界 {bound} · 离最优不超过 {gap}", "value {value} · bound {bound} · certified gap {gap}"
    )
    tell(
        said.filled(
            value=say_fen(solution.objective, speaks),
            bound=say_fen(solution.bound, speaks),
            gap=f"{solution.gap:.4%}",
        ).say(speaks)
    )


def plain_plan(window: Any) -> dict[str, Any]:
    """Return a plan as ``--json`` prints it; money in fen."""
    from dataclasses import asdict

    from bankloop.loop.round.rules import rule_choices, rules_beside

    solution = window.plan.solution
    return {
        "plan": window.plan.plan_id,
        "value": round(solution.objective),
        "bound": round(solution.bound),
        "gap": solution.gap,
        "prices": {r.name: r.price for r in window.plan.resources},
        "rules": [asdict(one) for one in rules_beside(window, rule_choices(window))],
        "wanted": {r.name: r.wanted for r in window.plan.resources},
        "short": {r.name: r.short for r in window.plan.resources if r.short > 0},
        "conflict": [{"name": b.name, "side": b.side.value, "amount": b.amount} for b in window.plan.conflict],
        "audiences": {
            name: {"hit": a.hit, "usable": a.usable, "falls": {f.code: f.count for f in a.falls}}
            for name, a in window.audiences.items()
        },
        "actions": [
            {
                "campaign": x.campaign,
                "action": x.action,
                "n": x.customers,
                "cost": round(x.cost),
                "value": round(x.value),
            }
            for x in window.plan.lines
        ],
    }


def _day(start: datetime | None, today: date) -> date:
    return date(start.year, start.month, start.day) if start else today + timedelta(days=1)


COMMANDS = {"power": power, "plan": plan, "run": run, "deliver": deliver, "report": report}
