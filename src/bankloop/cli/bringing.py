"""Bring a bank's own files on a terminal: look, ask what only a person knows, try it, write it.

Nothing before the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bankloop.cli.screen import language, say, show_table, tell
from bankloop.cli.trials import plain_trial, show_preview, show_trial
from bankloop.kit.clock import SystemClock, local_day
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.lake.proposal.contracts import BringQuestion, FileLook, Proposal

_ZONE = "Asia/Shanghai"


def bring(folder: Path, files: Sequence[str], given: Sequence[str], *, yes: bool) -> dict[str, Any]:
    """Propose a bank of files, ask, try and write it; return what was found, as plain values."""
    from datetime import timedelta

    from bankloop.lake.proposal.bringing import check_free, look_at_all, make_bank, try_proposal

    clock = SystemClock()
    today = local_day(clock.now(), _ZONE)
    check_free(folder)
    looks = look_at_all(files, today)
    _show_looks(looks)
    answers = dict(_pair(one) for one in given)
    proposal = settle(looks, answers, today - timedelta(days=1), yes=yes)
    trial = try_proposal(files, proposal, clock)
    for one in trial.sources:
        show_preview(one)
    show_trial(trial)
    for note in proposal.notes:
        say(note.say(language()))
    make_bank(folder, files, proposal)
    tell(f"✓ {folder / 'bank.yaml'}")
    return {
        "day": proposal.day.isoformat(),
        "questions": {one.key: answers.get(one.key, one.proposed) for one in proposal.questions},
        "trial": plain_trial(trial),
    }


def settle(looks: Sequence[FileLook], answers: dict[str, str], day: Any, *, yes: bool) -> Proposal:
    """Return the proposal after every question is answered: by the terminal, by the options, or as proposed."""
    from bankloop.lake.proposal.asking import open_questions, unanswered
    from bankloop.lake.proposal.proposing import propose

    while True:
        proposal = propose(looks, answers, day)
        asked = [one for one in proposal.questions if one.key not in answers]
        if not asked:
            return proposal
        if yes or not at_a_terminal():
            left = open_questions(proposal.questions, answers) if yes else tuple(asked)
            if left:
                raise unanswered(left)
            return proposal
        answers[asked[0].key] = ask(asked[0])


def at_a_terminal() -> bool:
    """Return whether somebody is there to be asked."""
    return sys.stdin.isatty()


def ask(question: BringQuestion) -> str:
    """Ask one question by its numbered answers until one is chosen."""
    speaks = language()
    say("")
    say(question.said.say(speaks))
    for at, (value, meaning) in enumerate(question.options, 1):
        told = meaning.say(speaks)
        say(f"  {at}. {value}" + (f"  {told}" if told != value else ""))
    values = [value for value, _ in question.options]
    usual = values.index(question.proposed) + 1 if question.proposed in values else None
    while True:
        number: int = typer.prompt("", default=usual, type=int, prompt_suffix="> ", err=True)
        if 1 <= number <= len(values):
            return values[number - 1]
        say(f"1–{len(values)}")


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise InputError(
            "init.answer",
            Text("“{text}”不是回答；应写成 问题=答案", "'{text}' answers nothing; write question=answer"),
            text=text,
        )
    return key.strip(), value.strip()


def _show_looks(looks: Sequence[FileLook]) -> None:
    rows = [[one.name, _how(one), f"{one.rows:,}" + ("+" if one.sampled else ""), len(one.columns)] for one in looks]
    show_table("看到的文件 / files", ["文件 / file", "", "行 / rows", "列 / columns"], rows, right=[2, 3])


def _how(look: FileLook) -> str:
    if look.format != "csv":
        return look.format
    shown: Mapping[str, str] = {"\t": "tab", "\x01": "^A"}
    return f"csv {look.encoding} {shown.get(look.delimiter, look.delimiter)}"
