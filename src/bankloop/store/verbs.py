"""The register of verbs: every function that changes something under a name people know.

A test walks them all and fails on one that leaves no audit row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

VERBS: dict[str, Callable[..., object]] = {}


def verb(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as the verb ``name``, such as ``campaign.submit``; it records its audit row under it."""

    def register(function: Callable[P, R]) -> Callable[P, R]:
        known = VERBS.setdefault(name, function)
        if (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"two verbs are called {name}: {known.__qualname__} and {function.__qualname__}")
        return function

    return register
