"""Functions compiled when one of them is first called: the compiler takes most of a second that few commands need."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
_LOCK = Lock()


class Compiled:
    """A function of numbers and arrays that numba compiles; until it is called nothing of numba is loaded.

    What it calls may be compiled too: all of its module and of the modules that it names become numba's own then.
    """

    __slots__ = ("_made", "_of", "_options")

    def __init__(self, of: FunctionType, options: dict[str, Any]) -> None:
        self._of, self._options = of, options
        self._made: Any = None

    def __call__(self, *given: Any) -> Any:
        """Call it, compiled."""
        if self._made is None:
            with _LOCK:
                _make(self._of.__globals__)
                self._prepare()
        return self._made(*given)

    def _prepare(self) -> Any:
        if self._made is None:
            import numba

            self._made = numba.njit(**self._options)(self._of)
        return self._made


def compiled(*, nogil: bool = True) -> Callable[[F], F]:
    """Return a decorator of functions to be compiled, and kept on disk for the next process."""

    def later(of: F) -> F:
        return cast("F", Compiled(cast("FunctionType", of), {"cache": True, "nogil": nogil}))

    return later


def _make(names: dict[str, Any], seen: tuple[int, ...] = ()) -> None:
    """Put numba's own in the place of what is to be compiled, of a module and of those that it uses."""
    for name, value in list(names.items()):
        if isinstance(value, Compiled):
            names[name] = value._prepare()
        elif isinstance(value, ModuleType) and value.__name__.startswith("bankloop.") and id(names) not in seen:
            _make(value.__dict__, (*seen, id(names)))
