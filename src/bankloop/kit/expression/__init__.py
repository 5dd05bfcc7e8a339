"""The expression language, format 1: the boolean and scalar subset of SQL that analysts write.

One text is parsed and typed once, then compiled to Ibis for millions of rows and to a Python function for one row; both
give equal answers on equal values. It reads attributes only: no tables, no functions of the engine, no side effects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bankloop.kit.expression.tree import Expression
from bankloop.kit.expression.types import BOOL, DATE, INT, MONEY, SCORE, STRING, TYPES, Kind, Type

if TYPE_CHECKING:
    from bankloop.kit.expression.batch import to_ibis
    from bankloop.kit.expression.reader import parse
    from bankloop.kit.expression.realtime import to_explained_function, to_function

_LAZY = {
    "parse": "reader",
    "to_ibis": "batch",
    "to_function": "realtime",
    "to_explained_function": "realtime",
}


def __getattr__(name: str) -> Any:
    """Load sqlglot and Ibis only where they are used."""
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
