"""The register of verbs: every function that changes something under a name people know.

A test walks them all and fails on one that leaves no audit row. Whoever knows the rights guards them all at once: a verb
called by a principal that may not is refused at its door, and before there is a guard no verb can be called at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection

from bankloop.store.contracts import Principal
from bankloop.store.database import principal_of

P = ParamSpec("P")
R = TypeVar("R")
Guard = Callable[[Principal, str], None]

VERBS: dict[str, Callable[..., object]] = {}
_guards: list[Guard] = []


def verb(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as the verb ``name``, such as ``campaign.submit``; it records its audit row under it.

    The acting principal is the first argument that is one, or the one of the connection given. A verb that is given
    neither is the program's own.
    """

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = _actor((*args, *kwargs.values()))
            if actor is not None:
                if not _guards:
                    raise RuntimeError(
                        f"nobody guards {name}: import bankloop.organization.rights before a verb is called"
                    )
                for guard in _guards:
                    guard(actor, name)
            return function(*args, **kwargs)

        known = VERBS.setdefault(name, guarded)
        if (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"two verbs are called {name}: {known.__qualname__} and {function.__qualname__}")
        return guarded

    return register


def guard_verbs(guard: Guard) -> None:
    """Let ``guard`` refuse, by raising, what a principal may not do; called with the principal and the verb's name."""
    if guard not in _guards:
        _guards.append(guard)


def _actor(arguments: tuple[Any, ...]) -> Principal | None:
    for one in arguments:
        if isinstance(one, Principal):
            return one
        if isinstance(one, Connection):
            return principal_of(one)
        if isinstance(found := getattr(one, "principal", None), Principal):
            return found
    return None
