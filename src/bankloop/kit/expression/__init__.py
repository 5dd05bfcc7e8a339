"""The expression language, format 1: the boolean and scalar subset of SQL that analysts write.

One text is parsed and typed once, then compiled to Ibis for millions of rows and to a Python function for one row; both
give equal answers on equal values. It reads attributes only: no tables, no functions of the engine, no side effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bankloop.kit.expression.mentions import Mention, masked, mentions, spelled_out
from bankloop.kit.expression.tree import Expression
from bankloop.kit.expression.types import BOOL, DATE, INT, MONEY, SCORE, STRING, TYPES, Kind, Type

if TYPE_CHECKING:
    from bankloop.kit.expression.batch import to_ibis
    from bankloop.kit.expression.doubting import Doubts, doubts
    from bankloop.kit.expression.realtime import to_explained_function, to_function

_LAZY = {
    "to_ibis": "batch",
    "Doubts": "doubting",
    "doubts": "doubting",
    "to_function": "realtime",
    "to_explained_function": "realtime",
}


# The longest text that is written by people, and one with the conditions in it that it names.
LONGEST, LONGEST_WHOLE = 10_000, 60_000


def parse(text: str, types: Mapping[str, Type], *, wants: Type | None = None, longest: int = LONGEST) -> Expression:
    """Return the typed expression of ``text`` over the attributes ``types``.

    Raises ``ExpressionError`` with ``line`` and ``column`` (1-based) for anything outside format 1, an unknown name,
    types that do not fit, or a result that is not of type ``wants``.
    """
    # Here and not above: many import this name, and most commands read no expression.
    from bankloop.kit.expression.reader import read_text

    return read_text(text, types, wants, longest)


def __getattr__(name: str) -> Any:
    """Load what compiles only where it is used."""
    if name not in _LAZY:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


__all__ = [
    "BOOL",
    "DATE",
    "INT",
    "LONGEST_WHOLE",
    "MONEY",
    "SCORE",
    "STRING",
    "TYPES",
    "Doubts",
    "Expression",
    "Kind",
    "Mention",
    "Type",
    "doubts",
    "masked",
    "mentions",
    "parse",
    "spelled_out",
    "to_explained_function",
    "to_function",
    "to_ibis",
]
