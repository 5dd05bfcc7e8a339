"""What a benchmark is asked for, and how large it is where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

QUICK_CUSTOMERS = 20_000
FULL_CUSTOMERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """What a benchmark is asked for."""

    customers: int | None
    quick: bool
    actions: int = 20
    resources: int = 9
    branches: int | None = None
    instance: str = "lognormal"
    data: Path | None = None
