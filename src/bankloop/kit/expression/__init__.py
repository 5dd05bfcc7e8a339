"""The expression language, format 1: the boolean and scalar subset of SQL that analysts write.

One text is parsed and typed once, then compiled to Ibis for millions of rows and to a Python function for one row; both
give equal answers on equal values. It reads attributes only: no tables, no functions of the engine, no side effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bankloop.kit.expression.tree import Expression
from bankloop.kit.expression.types import BOOL, DATE, INT, MONEY, SCORE, STRING, TYPES, Kind, Type

if TYPE_CHECKING:
    from bankloop.kit.expression.batch import to_ibis
    from bankloop.kit.expression.realtime import to_explained_function, to_function

_LAZY = {
    "to_ibis": "batch",
    "to_function": "realtime",
    "to_explained_function": "realtime",
}


def parse(text: str, types: Mapping[str, Type], *, wants: Type | None = None) -> Expression:
    """Return the typed expression of ``text`` over the attributes ``types``.

    Raises ``ExpressionError`` with ``line`` and ``column`` (1-based) for anything outside format 1, an unknown name,
    types that do not fit, or a result that is not of type ``wants``.
    """
    # Here and not above: many import this name, and most commands read no expression.
    from bankloop.kit.expression.reader import read_text

    return read_text(text, types, wants)


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
    "MONEY",
    "SCORE",
    "STRING",
    "TYPES",
    "Expression",
    "Kind",
    "Type",
    "parse",
    "to_explained_function",
    "to_function",
    "to_ibis",
]
