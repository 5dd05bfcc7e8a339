"""Patterns of LIKE: read once, matched in one pass here and by a regular expression in the engines.

``%`` stands for any signs, ``_`` for one; behind the stated escape either, or the escape itself, stands for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ANY, ONE = "%", "_"
# An engine that tries every way to fill each of them takes time to the power of their number.
MOST_ANY = 8
_SPECIAL = re.compile(r"([\\^$.|?*+()\[\]{}])")

Part = tuple[str | None, ...]
"""Signs that stand beside each other; None is any one sign."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What stands between the ``%`` of a pattern, in order: one part more than there are of these."""

    parts: tuple[Part, ...]

    @property
    def regex(self) -> str:
        """Return the pattern as a regular expression of the whole text, alike in RE2 and in Java."""
        return f"(?s)^{'.*'.join(''.join(map(_regex, part)) for part in self.parts)}\\z"

    def matches(self, text: str) -> bool:
        """Return whether a whole text is as the pattern says; each part takes the first place that fits it."""
        first, last = self.parts[0], self.parts[-1]
        if len(self.parts) == 1:
            return len(text) == len(first) and _fits(first, text, 0)
        end = len(text) - len(last)
        at = len(first)
        if end < at or not _fits(first, text, 0) or not _fits(last, text, end):
            return False
        for part in self.parts[1:-1]:
            place = next((n for n in range(at, end - len(part) + 1) if _fits(part, text, n)), None)
            if place is None:
                return False
            at = place + len(part)
        return True


def read_pattern(text: str, escape: str | None) -> Pattern | None:
    """Return what a pattern says; None for an escape that is no single sign or stands before nothing to escape."""
    if escape is not None and len(escape) != 1:
        return None
    parts: list[list[str | None]] = [[]]
    signs = iter(text)
    for sign in signs:
        if sign == escape:
            following = next(signs, None)
            if following not in (ANY, ONE, escape):
                return None
            parts[-1].append(following)
        elif sign == ANY:
            parts.append([])
        else:
            parts[-1].append(None if sign == ONE else sign)
    return Pattern(tuple(map(tuple, parts))) if len(parts) <= MOST_ANY + 1 else None


def _fits(part: Part, text: str, at: int) -> bool:
    return all(sign in (None, text[at + n]) for n, sign in enumerate(part))


def _regex(sign: str | None) -> str:
    return "." if sign is None else _SPECIAL.sub(r"\\\1", sign)
