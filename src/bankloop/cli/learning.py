"""The command that learns: the first model from history, or a challenger from a round whose labels are due."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, show_table
from bankloop.cli.who import acting
from bankloop.kit import SystemClock

_HERE = Path()


def learn(
    name: Annotated[str, typer.Argument(help="战役 / campaign")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    round_: Annotated[
        int, typer.Option("--round", min=0, help="由哪一轮学，0 为历史 / from which round, 0 for history")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """训练模型并提交审批。Train a model and submit it: from history, or from a round whose labels are due."""
    from bankloop.loop import run as loop
    from bankloop.organization import maker
    from bankloop.wiring import open_bank

    with open_bank(bank, SystemClock()) as opened:
        today, person = opened.lake.today(), acting(opened.store, as_, "campaign", maker)
        if round_ == 0:
            card, comparison = loop.draft_model(opened, person, name, today - timedelta(days=1)), None
        else:
            challenger = loop.learn(opened, person, name, round_, today)
            card, comparison = challenger.card, challenger.comparison
    show_table(name, ["", ""], _rows(card), right=[1])
    gain = (
        None
        if comparison is None
        else {"gain": comparison.gain.value, "low": comparison.gain.low, "high": comparison.gain.high}
    )
    finish({"campaign": name, "card": card.as_dict(), "comparison": gain}, as_json)


def _rows(card: Any) -> list[list[str]]:
    causal = "因果 / causal" if card.causal else "尚非因果 / not yet causal"
    return [
        ["类型 / kind", f"{card.kind}（{causal}）"],
        ["行 / rows", f"{card.rows:,}"],
        ["正例 / positives", f"{card.positives:,}"],
        ["AUC", f"{card.auc:.3f}"],
        ["KS", f"{card.ks:.3f}"],
        ["lift@10%", f"{card.lift_at_10:.2f}"],
        ["PSI", f"{card.psi:.3f}"],
        *[
            [f"Δ {k}", f"{e.mean * 100:+.2f} pp [{e.low * 100:+.2f}, {e.high * 100:+.2f}]"]
            for k, e in card.effects.items()
        ],
    ]


COMMANDS = {"learn": learn}
