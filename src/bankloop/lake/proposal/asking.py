"""What the files do not say is asked; an answer, or the proposal where there is none yet, is what goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bankloop.kit.errors import InputError
from bankloop.kit.located import nearest
from bankloop.kit.text import Text
from bankloop.lake.proposal.contracts import BringQuestion

SKIP, NONE = "skip", "none"


@dataclass
class Inquiry:
    """The answers given, and every question that came up, in order.

    Those answered are told from the open ones by their key. ``choices`` are what the files do say and a person may
    change: answered like questions, and never asked.
    """

    answers: Mapping[str, str]
    questions: list[BringQuestion] = field(default_factory=list)
    choices: list[BringQuestion] = field(default_factory=list)

    def ask(self, key: str, said: Text, options: Sequence[tuple[str, Text]], proposed: str | None) -> str | None:
        """Return the answer to a question, else its proposal; raise ``InputError`` for an answer that is no option."""
        return self._answer(self.questions, BringQuestion(key, said, tuple(options), proposed))

    def offer(self, key: str, said: Text, options: Sequence[tuple[str, Text]], proposed: str) -> str:
        """Return what was chosen in place of what the files say, else that; raise as ``ask`` does."""
        return self._answer(self.choices, BringQuestion(key, said, tuple(options), proposed)) or proposed

    def _answer(self, among: list[BringQuestion], question: BringQuestion) -> str | None:
        among.append(question)
        key, proposed = question.key, question.proposed
        given = self.answers.get(key)
        if given is None:
            return proposed
        known = [value for value, _ in question.options]
        if known and given not in known:
            raise no_such_answer(key, given, known)
        return given

    def check_used(self) -> None:
        """Raise ``InputError`` for an answer that nobody asked for: a misspelt key would be lost in silence."""
        asked = [one.key for one in (*self.questions, *self.choices)]
        for key in self.answers:
            if key not in asked:
                raise no_such_question(key, asked)


def open_questions(questions: Sequence[BringQuestion], answers: Mapping[str, str]) -> tuple[BringQuestion, ...]:
    """Return the questions that have neither an answer nor a proposal."""
    return tuple(one for one in questions if one.key not in answers and one.proposed is None)


def no_such_answer(key: str, given: str, known: Sequence[str]) -> InputError:
    """An answer that is none of its question's options."""
    return InputError(
        "init.no_such_answer",
        Text("“{given}”不是 {key} 的答案；可选：{known}", "'{given}' is no answer to {key}; choose of {known}"),
        key=key,
        given=given,
        known=", ".join(known),
    )


def taken_twice(column: str, first: str, second: str) -> InputError:
    """One column of a file that was chosen for two columns of a table."""
    return InputError(
        "init.taken_twice",
        Text(
            "列 {column} 不能既是 {first} 又是 {second}；请为其中一个另选一列",
            "the column {column} cannot be both {first} and {second}; choose another for one of them",
        ),
        column=column,
        first=first,
        second=second,
    )


def no_such_question(key: str, asked: Sequence[str]) -> InputError:
    """An answer to what was not asked."""
    close = nearest(key, asked)
    return InputError(
        "init.no_such_question",
        Text(
            "没有问 {key}" + ("；是否指 {close}？" if close else "；这些文件不需要它，请去掉"),
            "{key} was not asked"
            + ("; did you mean {close}?" if close else "; these files do not need it, leave it out"),
        ),
        key=key,
        close=close or "",
    )


def unanswered(questions: Sequence[BringQuestion]) -> InputError:
    """Questions that only a person can answer."""
    return InputError(
        "init.unanswered",
        Text(
            "还有 {count} 个问题要回答：{asked}；在终端里运行会逐个询问，或加 --answer {first}=…",
            "{count} questions are open: {asked}; a terminal asks them one by one, or add --answer {first}=…",
        ),
        count=len(questions),
        asked=Text(
            "；".join(f"{one.key}（{one.said.zh}）" for one in questions),
            "; ".join(f"{one.key} ({one.said.en})" for one in questions),
        ),
        first=questions[0].key,
    )
