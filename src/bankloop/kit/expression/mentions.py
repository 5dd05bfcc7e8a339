"""Conditions that a condition names: ``segment('name')`` stands for another, spelled out before anything is read.

Found as the reader of SQL sees it, so that a quoted text or a comment names nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a text names another condition, from ``start`` up to ``end``."""

    name: str
    start: int
    end: int


def mentions(text: str) -> tuple[Mention, ...]:
    """Return the conditions that a text names, in order; none of one that cannot be read at all."""
    if SEGMENT not in text.lower():
        return ()
    import sqlglot
    from sqlglot import TokenType
    from sqlglot.errors import TokenError

    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
    except TokenError:
        return ()
    wanted = (TokenType.VAR, TokenType.L_PAREN, TokenType.STRING, TokenType.R_PAREN)
    found = []
    for at in range(len(tokens) - 3):
        four = tokens[at : at + 4]
        if tuple(one.token_type for one in four) == wanted and four[0].text.lower() == SEGMENT:
            found.append(Mention(four[2].text, four[0].start, four[3].end + 1))
    return tuple(found)


def masked(text: str) -> str:
    """Return a text as it is but for a truth value in each place that names another condition, so that places stay."""
    for one in reversed(mentions(text)):
        kept = "".join(sign if sign == "\n" else " " for sign in text[one.start + 4 : one.end])
        text = f"{text[: one.start]}true{kept}{text[one.end :]}"
    return text


def spelled_out(text: str, conditions: Mapping[str, str]) -> str:
    """Return a text with each condition that it names in its place; ``KeyError`` for one that is not there."""
    for one in reversed(mentions(text)):
        # On lines of its own: a comment that ends it must not take the bracket along.
        text = f"{text[: one.start]}(\n{conditions[one.name]}\n){text[one.end :]}"
    return text
