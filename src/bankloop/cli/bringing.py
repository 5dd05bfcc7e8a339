"""Bring a bank's own files on a terminal: look, ask what only a person knows, try it, write it.

Nothing before the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.following import say_following
from bankloop.cli.screen import AsJson, Folder, finish, language, say, show_table, tell
from bankloop.cli.trials import plain_trial, show_preview, show_trial
from bankloop.cli.who import permit
from bankloop.kit.clock import SystemClock, local_day
from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.lake.proposal.contracts import BringQuestion, FileLook, Proposal
    from bankloop.lake.trial import DataTrial

_HERE = Path()
_ZONE = "Asia/Shanghai"


def bring(folder: Path, files: Sequence[str], given: Sequence[str], *, yes: bool) -> dict[str, Any]:
    """Propose a bank of files, ask, try and write it; return what was found, as plain values."""
    from bankloop.lake.proposal.bringing import check_free, look_at_all, make_bank, try_proposal

    clock = SystemClock()
    today = local_day(clock.now(), _ZONE)
    check_free(folder)
    looks = look_at_all(files, today)
    _show_looks(looks)
    answers = dict(_pair(one) for one in given)
    proposal = settle(looks, answers, today - timedelta(days=1), yes=yes)
    trial = try_proposal(files, proposal, clock)
    _show_proposed(trial, proposal)
    make_bank(folder, files, proposal)
    tell(f"✓ {folder / 'bank.yaml'}")
    return _found(proposal, answers, trial)


def bring_further(
    files: Annotated[
        list[str],
        typer.Argument(
            help="新来源的文件，或存数据库地址的变量名 / its files, or the variable that holds a database's address"
        ),
    ],
    bank: Folder = _HERE,
    answer: Annotated[
        list[str] | None, typer.Option(help="预先回答：问题=答案 / an answer beforehand: question=answer")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="其余都按提议 / take what is proposed for the rest")] = False,
    as_json: AsJson = False,
) -> None:
    """给银行再接入一个来源，写进 bank.yaml。Bring a further source to a bank; it is written into bank.yaml."""
    from bankloop.lake.proposal.adding import check_new, names_there, settle_sources, try_further
    from bankloop.lake.proposal.bringing import look_at_all
    from bankloop.organization.principals import system
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "lake.load")
        check_new(bank, {Path(one).name: Path(one) for one in files})
        looks = look_at_all(files, opened.lake.today())
        _show_looks(looks)
        answers, yesterday = dict(_pair(one) for one in answer or []), opened.lake.today() - timedelta(days=1)
        proposal = settle(looks, answers, yesterday, names_there(bank), yes=yes)
        trial = try_further(bank, opened.lake, files, proposal, opened.clock)
        _show_proposed(trial, proposal)
        with opened.store.begin(system("load")) as connection:
            proposal = settle_sources(connection, bank, opened.lake, files, proposal)
    tell(f"✓ {bank / 'bank.yaml'}: {', '.join(one.name for one in proposal.sources)}")
    say_following("init_faults" if trial.findings else "init", bank)
    finish({"sources": [one.name for one in proposal.sources], **_found(proposal, answers, trial)}, as_json)


def _show_proposed(trial: DataTrial, proposal: Proposal) -> None:
    for one in trial.sources:
        show_preview(one)
    show_trial(trial)
    for note in proposal.notes:
        say(note.say(language()))


def _found(proposal: Proposal, answers: Mapping[str, str], trial: DataTrial) -> dict[str, Any]:
    return {
        "day": proposal.day.isoformat(),
        "questions": {one.key: answers.get(one.key, one.proposed) for one in proposal.questions},
        "trial": plain_trial(trial),
    }


def settle(
    looks: Sequence[FileLook],
    answers: dict[str, str],
    day: Any,
    there: frozenset[str] = frozenset(),
    *,
    yes: bool,
) -> Proposal:
    """Return the proposal after every question is answered: by the terminal, by the options, or as proposed."""
    from bankloop.lake.proposal.asking import open_questions, unanswered
    from bankloop.lake.proposal.proposing import propose

    while True:
        proposal = propose(looks, answers, day, there)
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


COMMANDS = {"bring": bring_further}
