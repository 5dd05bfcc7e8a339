"""The command that shows everything in one go: a simulated bank, three campaigns, the truth beside the readings."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bankloop.cli.screen import AsJson, finish, handled, language, padded, say, say_next, show_table, wrapped
from bankloop.cli.serving import serve_bank
from bankloop.kit.clock import SystemClock, local_day
from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.bench.morning import Awaiting
    from bankloop.bench.story import Story

_FOLDER = Path("demo-bank")
group = typer.Typer(rich_markup_mode=None)
# Whose pages to look at first; --verbose names everybody.
_FIRST = ("strategist", "checker", "compliance", "commander", "relationship_manager", "auditor")
_NEXT = (
    ("bankloop serve --bank {folder}", Text("打开控制台", "open the console")),
    ("bankloop demo day --folder {folder}", Text("让银行过一天", "let the bank live a day")),
    ("bankloop plays --bank {folder}", Text("看每个策略带来了什么", "see what every play brought")),
)
# 泉江银行's own: what its bank.yaml says.
_ZONE = "Asia/Shanghai"
_STEPS: Mapping[str, Text] = {
    "simulate": Text("模拟银行", "simulating the bank"),
    "load": Text("装载", "loading"),
    "model": Text("建模型", "first model"),
    "plan": Text("算方案", "planning round"),
    "run": Text("下发", "issuing round"),
    "deliver": Text("交付渠道", "delivering round"),
    "people": Text("客户应答", "people answer, round"),
    "staff": Text("员工办任务", "staff at work, round"),
    "evaluate": Text("评结果", "reading round"),
    "beside": Text("旁证", "A/A and programme, round"),
    "learn": Text("学习", "learning from round"),
    "check": Text("核验", "checking"),
    "month": Text("月末分层", "closing the month"),
    "draft": Text("待批战役", "a campaign to approve"),
    "desks": Text("各岗位的待办", "every desk's work"),
    "day": Text("当日工作", "the day's work"),
    "night": Text("夜间装载", "the night's files"),
    "morning": Text("次日早晨", "the next morning"),
}


@group.callback(invoke_without_command=True)
@handled
def demo(
    context: typer.Context,
    customers: Annotated[int, typer.Option(min=2_000, help="客户数 / customers")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, max=6, help="轮数 / rounds")] = 2,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 42,
    folder: Annotated[Path, typer.Option(help="文件夹，会被重建 / folder, made anew")] = _FOLDER,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="最后打开控制台 / serve the console at the end")
    ] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 / port")] = 8321,
    today: Annotated[
        datetime | None,
        typer.Option(
            "--today",
            formats=["%Y-%m-%d"],
            help="银行的今天，缺省为最近的工作日 / the bank's today, else the last working day",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="连同各表一起显示 / with all tables")] = False,
    as_json: AsJson = False,
) -> None:
    """演示：模拟泉江银行，跑三个战役，用真值检验读数，停在今天早上。Show the whole loop on a simulated bank that is at work today."""
    if context.invoked_subcommand is not None:
        return
    from bankloop.bench.memory import PeakMemory
    from bankloop.bench.morning import open_morning
    from bankloop.bench.story import CYCLE_DAYS, tell
    from bankloop.report.html import write_report
    from bankloop.report.keeping import save_window
    from bankloop.simulate.clock import working_day_until

    _make_room(folder)
    began = time.monotonic()
    day = working_day_until(today.date() if today else local_day(SystemClock().now(), _ZONE))
    progress = Progress(began)
    with PeakMemory(folder) as memory:
        story = tell(folder, customers, rounds, seed, progress, day - timedelta(days=CYCLE_DAYS * rounds), ends=False)
        waiting = open_morning(folder, story, day, seed, progress)
        for window in story.windows:
            save_window(window, folder)
        report = folder / "data" / "reports" / "demo.html"
        write_report(story, report)
    progress.end()
    seconds = time.monotonic() - began
    if verbose:
        show_story(story)
    show_end(story, day, waiting, folder, every=verbose)
    say(f"{seconds:.0f} s · {memory.peak_mb:,} MB · {report}")
    finish(plain_story(story, seconds, memory.peak_mb, report) | {"today": day, "waiting": asdict(waiting)}, as_json)
    if serve:
        serve_bank(folder, port)


@group.command("day")
@handled
def day(
    folder: Annotated[Path, typer.Option(help="演示的文件夹 / the demo's folder")] = _FOLDER, as_json: AsJson = False
) -> None:
    """演示的银行过一天：发出到期的、客户应答、任务升级、夜间装载、次日例行工作。Live a day of the demo bank, until nine on the next morning."""
    from bankloop.wiring import open_bank, workplace
    from bankloop.work.simulated_day import live_day

    progress = Progress(time.monotonic())
    with open_bank(folder, bank_clock(folder)) as opened:
        lived = live_day(workplace(opened), progress)
    progress.end()
    print(
        Text(
            "{day} 过完了：{tasks} 项任务办理，{successes} 位客户达成目标，夜里更新 {tables} 张表；现在是 {now}。",
            "{day} is over: {tasks} tasks worked on, {successes} customers reached a goal, {tables} tables renewed in "
            "the night; it is {now} now.",
        )
        .filled(
            day=lived.day,
            tasks=f"{lived.tasks:,}",
            successes=f"{lived.successes:,}",
            tables=lived.tables,
            now=f"{lived.now.astimezone(ZoneInfo(_ZONE)):%Y-%m-%d %H:%M}",
        )
        .say(language())
    )
    finish(lived.plain(), as_json)


class Progress:
    """Says what a long command is at: one line that is written over on a terminal, a line a step elsewhere."""

    def __init__(self, began: float) -> None:
        self._began, self._over = began, sys.stderr.isatty()

    def __call__(self, step: str) -> None:
        """Say a step: its name and, after a blank, what it is about."""
        name, _, rest = step.partition(" ")
        words = _STEPS[name].say(language()) if name in _STEPS else name
        line = f"[{time.monotonic() - self._began:6.1f} s] {words} {rest}".rstrip()
        print(f"\r\x1b[K{line}" if self._over else line, end="" if self._over else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line to what follows."""
        if self._over:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _make_room(folder: Path) -> None:
    """Remove the last demo with its database; anything that is not a demo is left alone and refused."""
    from bankloop.kit.errors import SpecError
    from bankloop.store.embedded import remove_cluster

    if folder.exists() and any(folder.iterdir()) and not (folder / "data" / "truth").exists():
        raise SpecError(
            "demo.not_a_demo",
            Text(
                "{folder} 里不是演示数据，不会删除；请用 --folder 指定别处",
                "{folder} holds no demo and is not removed; name another --folder",
            ),
            folder=folder,
        )
    remove_cluster(folder)
    shutil.rmtree(folder, ignore_errors=True)


def show_end(story: Story, day: date, waiting: Awaiting, folder: Path, *, every: bool) -> None:
    """Print the demo in one screen: what happened, five numbers, where to look, the password, what to do next."""
    speaks, bank = language(), story.bank
    said = Text(
        "泉江银行（模拟）：{customers} 位客户，{branches} 家分行，{managers} 位客户经理，金融资产 {aum}。\n"
        "{rounds} 轮已过，每轮都用模拟器的真值检验；今天是 {day}，新一轮今早开始。",
        "Quanjiang Bank (simulated): {customers} customers, {branches} branches, {managers} managers, assets {aum}.\n"
        "{rounds} rounds are over, each checked against the simulator's truth; it is {day}, and a new round begins.",
    )
    print(
        said.filled(
            customers=f"{bank.customers:,}",
            branches=bank.branches,
            managers=bank.managers,
            aum=say_fen(bank.aum_fen, speaks),
            rounds=len(story.rounds),
            day=day,
        ).say(speaks)
    )
    print()
    for title, value in five_numbers(story, waiting, speaks):
        print(f"  {padded(title.say(speaks), 34)}{value.say(speaks)}")
    print()
    from bankloop.organization.rights import ROLES

    shown = story.people if every else [one for one in story.people if one[0] in _FIRST or one[1] in _FIRST]
    people = " · ".join(f"{person} {ROLES[role].title.say(speaks)}" for person, role in shown)
    print(
        Text("每个账号的密码都是 {password}：", "Everybody's password is {password}:")
        .filled(password=story.password)
        .say(speaks)
    )
    print(wrapped(people, 2))
    say_next(*((command.format(folder=folder), what) for command, what in _NEXT))


def five_numbers(story: Story, waiting: Awaiting, speaks: Language) -> list[tuple[Text, Text]]:
    """Return what the demo is judged by, each with its name."""
    read = [one for found in story.rounds for one in found if one.reading.lift is not None]
    held = sum(1 for one in read if one.reading.lift and one.reading.lift.low <= one.true_lift <= one.reading.lift.high)
    money = [one.reading.money for found in story.rounds for one in found]
    claimed, earned = (
        sum(one.attributed for one in money),
        sum(round(one.incremental.value) for one in money if one.incremental),
    )
    found = [
        (
            Text("区间盖住真值的读数", "Readings that hold the truth"),
            Text("{held} / {read}", "{held} of {read}").filled(held=held, read=len(read)),
        ),
        (
            Text("归因会算的，真正带来的", "What attribution claims, what came"),
            _same(f"{say_fen(claimed, speaks)} · {say_fen(earned, speaks)}"),
        ),
    ]
    if story.policies is not None:
        ways = story.policies
        calls = Text("同样 {n} 通电话：方案，余额优先", "The same {n} calls: plan, balance first").filled(n=ways.calls)
        found.append(
            (calls, _same(f"{say_fen(round(ways.plan), speaks)} · {say_fen(round(ways.balance_first), speaks)}"))
        )
    again = Text("{again} 条 · {caps} 次 · 审计链{audit}", "{again} · {caps} · audit chain {audit}").filled(
        again=story.rerun_sends,
        caps=story.caps_broken,
        audit=Text("通过核验", "verified") if story.audit_ok else Text("有问题", "BROKEN"),
    )
    found.append((Text("再跑一次发出 · 突破频控", "Sent by running again · caps broken"), again))
    desks = Text("{approvals} 件审批 · {tasks} 项任务", "{approvals} approvals · {tasks} tasks")
    found.append(
        (
            Text("今天等人的", "What waits for people today"),
            desks.filled(approvals=waiting.approvals, tasks=f"{waiting.tasks:,}"),
        )
    )
    return found


def _same(words: str) -> Text:
    return Text(words, words)


def show_story(story: Story) -> None:
    """Print all tables of the demo: quarantine, waterfalls, the plan, results, five ways to give calls out."""
    from bankloop.cli.campaigns import show_plan

    speaks = language()
    if story.load is not None:
        rows = [[s.source, f"{r.rule}/{r.column}", f"{r.rows:,}"] for s in story.load.sources for r in s.rules]
        show_table("隔离 / quarantine", ["源 / source", "规则 / rule", "行 / rows"], rows, right=[2])
    show_plan(story.windows[-1])
    _show_results(story, speaks)
    _show_policies(story, speaks)


def _show_results(story: Story, speaks: Language) -> None:
    from bankloop.report.details import money_in_words

    rows = []
    for number, found in enumerate(story.rounds, start=1):
        for one in found:
            r = one.reading
            lift = r.lift
            shown = f"{lift.value * 100:+.2f} [{lift.low * 100:+.2f}, {lift.high * 100:+.2f}]" if lift else "—"
            rows.append(
                [
                    one.campaign,
                    number,
                    f"{one.true_lift * 100:+.2f}",
                    shown,
                    r.verdict.value,
                    say_fen(r.money.attributed, speaks),
                    money_in_words(r.money).say(speaks),
                ]
            )
    show_table(
        "结果 / results",
        [
            "战役",
            "轮",
            "真值 pp (simulator's)",
            "提升 pp / lift",
            "结论 / verdict",
            "归因 / attributed",
            "增量 / incremental",
        ],
        rows,
        right=[1, 2, 5],
    )
    for name, pooled in story.pooled.items():
        print(f"{name} · {Text('各轮合并', 'rounds pooled').say(speaks)}：{pooled.sentence.say(speaks)}")


def _show_policies(story: Story, speaks: Language) -> None:
    found = story.policies
    if found is None:
        return
    names = {
        "random": Text("随机", "random"),
        "balance_first": Text("余额优先", "balance first"),
        "churn_first": Text("流失分优先", "churn first"),
        "plan": Text("本方案", "the plan"),
        "oracle": Text("全知（上限）", "oracle (ceiling)"),
    }
    rows = [[title.say(speaks), say_fen(getattr(found, key), speaks)] for key, title in names.items()]
    title = Text("同样 {n} 通电话，换一种给法（真值）", "the same {n} calls, given out differently (true value)")
    show_table(title.filled(n=found.calls).say(speaks), ["", ""], rows, right=[1])


def plain_story(story: Story, seconds: float, peak_mb: int, report: Path) -> dict[str, Any]:
    """Return the demo as ``--json`` prints it; money in integer fen."""
    last = story.windows[-1].plan
    return {
        "customers": story.bank.customers,
        "seconds": round(seconds, 1),
        "peak_mb": peak_mb,
        "report": str(report),
        "rerun_sends": story.rerun_sends,
        "caps_broken": story.caps_broken,
        "audit_ok": story.audit_ok,
        "plan": {
            "value": round(last.solution.objective),
            "bound": round(last.solution.bound),
            "gap": last.solution.gap,
            "prices": {r.name: round(r.price, 4) for r in last.resources},
        },
        "policies": _plain_policies(story),
        "rounds": [
            {"round": number, "campaigns": [_plain_round(one) for one in found]}
            for number, found in enumerate(story.rounds, start=1)
        ],
    }


def _plain_policies(story: Story) -> Mapping[str, int]:
    if story.policies is None:
        return {}
    keys = ("random", "balance_first", "churn_first", "plan", "oracle")
    return {key: round(getattr(story.policies, key)) for key in keys}


def _plain_round(one: Any) -> dict[str, Any]:
    r = one.reading
    money, more = r.money, r.money.incremental
    return {
        "campaign": one.campaign,
        "audience": one.audience,
        "excluded": one.excluded,
        "assigned": one.assigned,
        "control": r.control,
        "true_lift": one.true_lift,
        "lift": r.lift.value if r.lift else None,
        "low": r.lift.low if r.lift else None,
        "high": r.lift.high if r.lift else None,
        "attributed": money.attributed,
        "incremental": round(more.value) if more else None,
        "incremental_low": round(more.low) if more else None,
        "incremental_high": round(more.high) if more else None,
        "cost": money.cost,
        "verdict": r.verdict.value,
    }
