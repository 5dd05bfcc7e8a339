"""The commands of models: learn, watch for drift, roll back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bankloop.cli.following import say_following
from bankloop.cli.names import campaign_names
from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table, tell
from bankloop.cli.who import acting
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

_HERE = Path()


def learn(
    name: Annotated[str, typer.Argument(help="战役或预测 / campaign or forecast", autocompletion=campaign_names)],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    round_: Annotated[
        int, typer.Option("--round", min=0, help="由哪一轮学，0 为历史 / from which round, 0 for history")
    ] = 0,
    anyway: Annotated[
        str,
        typer.Option(help="比较不支持也提交，并写明理由 / submit though the comparison does not support it, and why"),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """训练模型；比较支持才提交审批。Train a model, from history or from a round; it is submitted where the comparison supports it."""
    from bankloop.loop import run as loop
    from bankloop.loop.learning.amounts import draft_amount
    from bankloop.loop.learning.forecasts import draft_forecast, forecasts_of
    from bankloop.loop.learning.training import draft_model
    from bankloop.report.champions import comparison_table
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        today, person = opened.lake.today(), acting(opened.store, as_, "campaign")
        of_amount = name.removesuffix(".amount")
        if of_amount != name:
            card, comparison = draft_amount(opened, person, of_amount, today - timedelta(days=1)), None
        elif name in forecasts_of(opened):
            card, comparison = draft_forecast(opened, person, name, today - timedelta(days=1)), None
        elif round_ == 0:
            card, comparison = draft_model(opened, person, name, today - timedelta(days=1)), None
        else:
            challenger = loop.learn(opened, person, name, round_, today, anyway)
            card, comparison = challenger.card, challenger.comparison
    show_table(name, ["", ""], _rows(card))
    proposed = comparison is None or comparison.supported or bool(anyway.strip())
    if comparison is not None:
        table = comparison_table(comparison)
        show_table(table.caption.say(language()), table.heads(language()), table.said(language()), right=[1, 2])
        tell(comparison.sentence)
    say_following("learn" if proposed else "learn_not", bank, campaign=name)
    plain = None if comparison is None else {**asdict(comparison), "supported": comparison.supported}
    finish({"campaign": name, "card": card.as_dict(), "comparison": plain, "proposed": proposed}, as_json)


def rollback(
    name: Annotated[str, typer.Argument(help="战役 / campaign", autocompletion=campaign_names)],
    version: Annotated[int, typer.Option("--to", min=1, help="回到哪一版 / to which version")],
    reason: Annotated[str, typer.Option(help="原因 / reason")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """申请把模型退回旧版，由他人批准。Ask for an earlier version of a model to be champion again; another person approves."""
    from bankloop.loop.learning.training import roll_back
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        wanted = roll_back(opened, acting(opened.store, as_, "campaign"), name, version, reason)
    said = Text(
        "等他人批准：bankloop approve {name} --model", "another person approves it: bankloop approve {name} --model"
    )
    show_table(name, ["版本 / version", ""], [[f"v{wanted.version}", said.filled(name=name).say(language())]])
    finish({"campaign": name, "version": wanted.version, "waiting": True}, as_json)


def drift(
    name: Annotated[str, typer.Argument(help="战役 / campaign", autocompletion=campaign_names)],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """看现任模型是否还合身：PSI 与校准；越线即建一次重训任务。Watch a champion; past a limit the retraining is asked for, once."""
    from bankloop.loop.learning.training import watch_model
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person, today = acting(opened.store, as_, "campaign"), opened.lake.today()
        found = watch_model(opened, person, name, today - timedelta(days=1))
    speaks = language()
    rows = [[one.kind, f"{one.value:.3f}", f"{one.limit:.3f}", one.sentence.say(speaks)] for one in found]
    show_table(name, ["", "值 / value", "线 / limit", ""], rows, right=[1, 2])
    finish({"campaign": name, "watched": [{**asdict(one), "alarm": one.alarm} for one in found]}, as_json)


def score(
    name: Annotated[str, typer.Argument(help="预测，如 churn、renewal / forecast")],
    bank: Folder = _HERE,
    as_: Person = "scientist",
    as_json: AsJson = False,
) -> None:
    """用批准的模型给客户打分，写成带版本和日期的标签。Score customers by an approved forecast: an attribute with version and day."""
    from bankloop.loop.learning.forecasts import score_forecast
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person, day = acting(opened.store, as_, "analysis"), opened.lake.today() - timedelta(days=1)
        done = score_forecast(opened, person, name, day)
    rows: list[list[object]] = [
        [Text("标签", "attribute"), done.attribute],
        [Text("版本", "version"), f"v{done.version}"],
        [Text("客户", "customers"), f"{done.customers:,}"],
        [Text("平均", "mean"), f"{done.mean:.1%}"],
        ["PSI", f"{done.psi:.3f}"],
    ]
    show_table(name, ["", ""], rows, right=[1])
    finish({**asdict(done), "as_of": day.isoformat()}, as_json)


def top(
    name: Annotated[str, typer.Argument(help="战役 / campaign", autocompletion=campaign_names)],
    share: Annotated[float, typer.Option(min=0.001, max=1.0, help="名单占比 / share of the audience")] = 0.1,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="最多列几位 / how many to list")] = 20,
    bank: Folder = _HERE,
    as_: Person = "scientist",
    as_json: AsJson = False,
) -> None:
    """现任模型的前 10% 名单，附理由和留出样本上的 lift。List the top of a champion's audience with reasons; lift on rows held out."""
    from bankloop.loop.offering.offers import said_of, top_of
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "analysis")
        found = top_of(opened, person, name, share, most)
        reasons = [said_of(opened, one.why) for one in found.ranked]
    speaks = language()
    rows = [
        [f"{one.customer_no[:1]}…{one.customer_no[-4:]}", f"{one.chance:.1%}", "; ".join(r.say(speaks) for r in why)]
        for one, why in zip(found.ranked, reasons, strict=True)
    ]
    show_table(
        f"{name} v{found.version}: lift@10% {found.lift:.2f}", ["客户 / customer", "p", "为什么 / why"], rows, right=[1]
    )
    plain = {
        "campaign": name,
        "version": found.version,
        "audience": found.audience,
        "size": found.size,
        "lift_at_10": found.lift,
    }
    listed = [
        {"customer": row[0], "chance": one.chance, "adds": one.adds}
        for row, one in zip(rows, found.ranked, strict=True)
    ]
    finish({**plain, "top": listed}, as_json)


def _rows(card: Any) -> list[list[object]]:
    # What is forecast is no effect of anything: only a campaign's model can be causal or not yet.
    causal = Text("因果", "causal") if card.causal else Text("尚非因果", "not yet causal")
    rows: list[list[object]] = [
        [
            Text("类型", "kind"),
            card.kind if card.kind in ("forecast", "amount") else f"{card.kind} · {causal.say(language())}",
        ],
        [Text("行", "rows"), f"{card.rows:,}"],
        [Text("正例", "positives"), f"{card.positives:,}"],
        ["AUC", f"{card.auc:.3f}{_span(card, 'auc', 3)}"],
        ["KS", f"{card.ks:.3f}{_span(card, 'ks', 3)}"],
        ["lift@10%", f"{card.lift_at_10:.2f}{_span(card, 'lift_at_10', 2)}"],
        ["PSI", f"{card.psi:.3f}"],
        *([[Text("学习器", "learner"), f"{card.learner}: {card.why[language().value]}"]] if card.why else []),
        *(
            [[Text("不用，无值或一律相同", "left out: empty or all alike"), ", ".join(card.dropped)]]
            if card.dropped
            else []
        ),
        [Text("样本 · 代码 · 锁", "rows · code · lock"), f"{card.data[:12]} · {card.code[:12]} · {card.lock[:12]}"],
    ]
    rows += [
        [f"Δ {k}", f"{e.mean * 100:+.2f} pp [{e.low * 100:+.2f}, {e.high * 100:+.2f}]"] for k, e in card.effects.items()
    ]
    return rows


def _span(card: Any, name: str, digits: int) -> str:
    span = card.intervals.get(name)
    return f" [{span[0]:.{digits}f}, {span[1]:.{digits}f}]" if span else ""


COMMANDS = {"learn": learn, "score": score, "top": top, "rollback": rollback, "drift": drift}
