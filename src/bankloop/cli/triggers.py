"""Commands on triggers: those there are, what they did, what they would have done; submitted and stopped."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.customers import opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table
from bankloop.kit.text import Text

_HERE = Path()
TriggerName = Annotated[str, typer.Argument(help="触发器 / trigger")]
Days = Annotated[int, typer.Option("--days", min=1, max=90, help="最近几天 / how many days back")]
group = typer.Typer(
    help="触发器：列出、试跑、提交、停用、触发记录。Triggers: listed, rehearsed, submitted, stopped, and what they did.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list")
@handled
def list_(bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """列出触发器和各自的状态。List the triggers and how each stands."""
    from bankloop.journey.trigger import standing_of_triggers, triggers_of

    with opened_in(bank, as_, "trigger.read") as (opened, connection):
        rules = triggers_of(opened)
        standing = standing_of_triggers(connection, rules)
    rows = [[name, one.title.say(language()), one.when.kind.value, standing[name]] for name, one in rules.items()]
    show_table("触发器 / triggers", ["名称 / name", "标题 / title", "何时 / when", "状态 / stands"], rows)
    finish(
        {"triggers": [{"name": name, "state": standing[name], "digest": one.digest} for name, one in rules.items()]},
        as_json,
    )


@group.command("show")
@handled
def show(name: TriggerName, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """一个触发器的内容和状态。One trigger as it is written, and how it stands."""
    from bankloop.journey.trigger import standing_of_triggers, trigger_named, triggers_of
    from bankloop.kit.plain import plain

    with opened_in(bank, as_, "trigger.read") as (opened, connection):
        rules = triggers_of(opened)
        one = trigger_named(rules, name)
        state = standing_of_triggers(connection, rules)[name]
    rows = [[key, str(value)] for key, value in one.content.items()]
    show_table(name, ["", ""], [*rows, ["状态 / stands", state]])
    finish({"name": name, "state": state, "digest": one.digest, "file": plain(one.content)}, as_json)


@group.command("submit")
@handled
def submit(
    name: TriggerName,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    reason: Annotated[str, typer.Option("--reason", help="原因 / why")] = "",
    as_json: AsJson = False,
) -> None:
    """提交触发器审批；批准后生效。Ask for approval of a trigger; approved, it acts."""
    from bankloop.journey.trigger import submit_trigger
    from bankloop.store.database import principal_of

    with opened_in(bank, as_, "trigger.submit") as (opened, connection):
        principal = principal_of(connection)
        request = submit_trigger(opened, principal, name, reason)
    show_table(name, ["申请 / request"], [[request]])
    finish({"trigger": name, "request": str(request)}, as_json)


@group.command("stop")
@handled
def stop(
    name: TriggerName,
    reason: Annotated[str, typer.Option("--reason", help="原因 / why")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """立即停用触发器。Let a trigger act no more, at once."""
    from bankloop.journey.trigger import stop_trigger

    with opened_in(bank, as_, "trigger.stop") as (_, connection):
        stop_trigger(connection, name, reason)
    say(Text(f"{name} 已停用。", f"{name} is stopped."))
    finish({"trigger": name, "state": "stopped"}, as_json)


@group.command("test")
@handled
def rehearse(
    name: TriggerName, bank: Folder = _HERE, days: Days = 7, as_: Person = "strategist", as_json: AsJson = False
) -> None:
    """用已存事件试跑：会触发几次，被什么抑制；不留下任何结果。Rehearse with stored events: what would fire, what holds it back."""
    from bankloop.journey.trigger import rehearse_trigger
    from bankloop.store.database import principal_of

    with opened_in(bank, as_, "trigger.test") as (opened, connection):
        found = rehearse_trigger(opened, principal_of(connection), name, days)
    states = Counter(one.state.value for one in found.firings)
    reasons = Counter(one.code for one in found.firings if one.code)
    said = {one.code: one.reason.say(language()) for one in found.firings}
    rows = [[state, count] for state, count in sorted(states.items())]
    show_table(f"{name} · {found.events}", ["结果 / came to", "次数 / times"], rows, right=[1])
    if reasons:
        why = [[said[code], count] for code, count in reasons.most_common()]
        show_table("原因 / reasons", ["原因 / reason", "次数 / times"], why, right=[1])
    finish({"trigger": name, "events": found.events, "states": dict(states), "reasons": dict(reasons)}, as_json)


@group.command("fired")
@handled
def fired(
    name: Annotated[str, typer.Argument(help="触发器，空为全部 / trigger, all where empty")] = "",
    bank: Folder = _HERE,
    days: Days = 7,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """触发记录：触发、抑制及原因、时延。What became of triggers: fired, held back and why, how fast."""
    from bankloop.journey.trigger import days_of_triggers, firings_of, held_back_since
    from bankloop.kit.plain import plain
    from bankloop.view.format import masked_number

    with opened_in(bank, as_, "trigger.read") as (opened, connection):
        since = opened.clock.now() - timedelta(days=days)
        counts = [one for one in days_of_triggers(connection, since, opened.lake.zone) if name in ("", one.trigger)]
        held = [one for one in held_back_since(connection, since) if name in ("", one.trigger)]
        latest = firings_of(connection, name)
    heads = ["日期 / day", "触发器 / trigger", "触发 / fired", "抑制 / held back", "p50 ms", "p99 ms"]
    rows = [[one.day, one.trigger, one.fired, one.suppressed, one.p50_ms or "—", one.p99_ms or "—"] for one in counts]
    show_table("触发 / triggers", heads, rows, right=[2, 3, 4, 5])
    if held:
        why = [[one.trigger, one.reason.say(language()), one.count] for one in held]
        show_table("原因 / reasons", ["触发器 / trigger", "原因 / reason", "次数 / times"], why, right=[2])
    listed = [{**plain(one), "customer_no": masked_number(one.customer_no)} for one in latest]
    finish({"days": plain(counts), "held_back": plain(held), "latest": listed}, as_json)
