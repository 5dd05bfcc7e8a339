"""What the next word of an expression may be: attributes by the beginning of their name or by a word of their title."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bankloop.customer.contracts import Catalogue
from bankloop.customer.segment.rules import confidential_in
from bankloop.kit.text import Text

MOST = 12
_WORD = re.compile(r"[A-Za-z0-9_\u3400-\u9fff]+\Z")
# What stands between attributes, with what it does.
_WORDS = {
    "and": Text("并且", "both hold"),
    "or": Text("或者", "one holds"),
    "not": Text("不", "does not hold"),
    "between": Text("在两数之间（含）", "from one to the other, both included"),
    "in": Text("是其中之一", "is one of"),
    "is null": Text("不知道", "is not known"),
    "is not null": Text("知道", "is known"),
    "coalesce": Text("第一个已知的值", "the first known value"),
    "safe_div": Text("相除，除数为零则不知道", "division, not known where the divisor is nought"),
    "days_between": Text("相隔天数", "days between two dates"),
    "today": Text("状态日", "the as-of day"),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One word to go on with: what is written, what it means, and of which type an attribute is."""

    word: str
    title: Text
    type: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The text before the word that is being written, and what that word may become."""

    before: str
    suggestions: tuple[Suggestion, ...]


def complete(text: str, catalogue: Catalogue) -> Completion:
    """Return what the last word of ``text`` may become; nothing after a space or a sign, or within a quoted word."""
    found = _WORD.search(text)
    if found is None or text.count("'") % 2:
        return Completion(text, ())
    word = found[0].lower()
    hidden = set(confidential_in(catalogue, catalogue.attributes))
    ranked = [
        (rank, Suggestion(name, one.label, str(one.type)))
        for name, one in catalogue.attributes.items()
        if name not in hidden and name != word and (rank := _rank(word, name, one.label)) is not None
    ]
    plain = [
        (0, Suggestion(name, title, "")) for name, title in _WORDS.items() if name.startswith(word) and name != word
    ]
    ordered = sorted([*ranked, *plain], key=lambda pair: (pair[0], len(pair[1].word), pair[1].word))
    return Completion(text[: found.start()], tuple(one for _, one in ordered[:MOST]))


def _rank(word: str, name: str, label: Text) -> int | None:
    """Return how near a word is to an attribute: its name's beginning, a part's beginning, its title; None where it is not."""
    if name.startswith(word):
        return 0
    if any(part.startswith(word) for part in name.split("_")):
        return 1
    return 2 if word in label.zh.lower() or word in label.en.lower() else None
