"""Libraries that are loaded when something of theirs is first asked for: most commands never need them.

if TYPE_CHECKING:
import ibis
else:
ibis = later("ibis")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """Stands for a module: whatever is asked of it is asked of the module, which is loaded then."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


def later(name: str) -> Later:
    """Return what stands for the module of a name."""
    return Later(name)
