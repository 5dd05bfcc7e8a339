"""The command that shows everything in one go: a simulated bank, three campaigns, the truth beside the readings."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.screen import AsJson, finish, language, say, show_table
from bankloop.kit.clock import SystemClock, local_day
from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text

if TYPE_CHECKING:
    from bankloop.bench.story import Story

_FOLDER = Path("demo-bank")
# 泉江银行's own: what its bank.yaml says.
_ZONE = "Asia/Shanghai"


def demo(
    customers: Annotated[int, typer.Option(min=2_000, help="客户数 / customers")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, max=6, help="轮数 / rounds")] = 2,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 42,
    folder: Annotated[Path, typer.Option(help="文件夹，会被重建 / folder, made anew")] = _FOLDER,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="最后打开控制台 / serve the console at the end")
    ] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 / port")] = 8321,
    today: Annotated[
        datetime | None, typer.Option("--today", formats=["%Y-%m-%d"], help="银行的今天 / the bank's today")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """演示：模拟泉江银行，跑三个战役，用真值检验读数。Show the whole loop on a simulated bank with a known truth."""
    from bankloop.bench.memory import PeakMemory
    from bankloop.bench.morning import open_morning
    from bankloop.bench.story import CYCLE_DAYS, tell
    from bankloop.report.html import write_report
    from bankloop.report.keeping import save_window
    from bankloop.simulate.clock import working_day_until

    _make_room(folder)
    began = time.monotonic()
    day = working_day_until(today.date() if today else local_day(SystemClock().now(), _ZONE))

    def lap(text: str) -> None:
        say(f"[{time.monotonic() - began:6.1f}s] {text}")

    with PeakMemory(folder) as memory:
        story = tell(folder, customers, rounds, seed, lap, day - timedelta(days=CYCLE_DAYS * rounds), ends=False)
        open_morning(folder, story, day, seed, lap)
        for window in story.windows:
            save_window(window, folder)
        report = folder / "data" / "reports" / "demo.html"
        write_report(story, report)
    seconds = time.monotonic() - began
    show_story(story)
    print(f"{seconds:.0f} s · {memory.peak_mb:,} MB · {report}")
    _show_people(story)
    finish(plain_story(story, seconds, memory.peak_mb, report), as_json)
    if serve:
        from bankloop.web.shell.app import serve as serve_console

        print(f"http://127.0.0.1:{port}/", flush=True)
        serve_console(folder, port)


def _make_room(folder: Path) -> None:
    """Remove the last demo with its database; anything that is not a demo is left alone and refused."""
    from bankloop.kit.errors import SpecError
    from bankloop.store.embedded import remove_cluster

    if folder.exists() and any(folder.iterdir()) and not (folder / "data" / "truth").exists():
        raise SpecError(
            "demo.not_a_demo",
            Text("{folder} 里不是演示数据，不会删除；请用 --folder 指定别处", "{folder} holds no demo and is not removed; name another --folder"),
            folder=folder,
        )  # fmt: skip
    remove_cluster(folder)
    shutil.rmtree(folder, ignore_errors=True)


def show_story(story: Story) -> None:
    """Print the demo: the bank in a line, quarantine, waterfalls, the plan, results, checks."""
    from bankloop.cli.campaigns import show_plan

    speaks = language()
    bank = story.bank
    line = Text(
        "泉江银行（模拟）：{customers} 位客户，{branches} 家分行，{managers} 位客户经理，金融资产 {aum}",
        "Quanjiang Bank (simulated): {customers} customers, {branches} branches, {managers} managers, assets {aum}",
    )
    print(
        line.filled(
            customers=f"{bank.customers:,}",
            branches=bank.branches,
            managers=bank.managers,
            aum=say_fen(bank.aum_fen, speaks),
        ).say(speaks)
    )
    if story.load is not None:
        rows = [[s.source, f"{r.rule}/{r.column}", r.rows] for s in story.load.sources for r in s.rules]
        show_table("隔离 / quarantine", ["源 / source", "规则 / rule", "行 / rows"], rows, right=[2])
    show_plan(story.windows[-1])
    _show_results(story, speaks)
    _show_policies(story, speaks)
    print(
        Text(
            "再次 run 发出 {again} 条 · 突破频控 {caps} 次 · 审计链{audit}",
            "run again sent {again} · caps broken {caps} · audit chain {audit}",
        )
        .filled(
            again=story.rerun_sends,
            caps=story.caps_broken,
            audit=Text("通过核验", "verified") if story.audit_ok else Text("有问题", "BROKEN"),
        )
        .say(speaks)
    )


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


def _show_people(story: Story) -> None:
    from bankloop.organization.rights import ROLES

    rows = [[person, ROLES[role].title.say(language())] for person, role in story.people]
    show_table(f"账号 / accounts · 密码 / password {story.password}", ["用户号 / person", "角色 / role"], rows)


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


COMMANDS = {"demo": demo}
