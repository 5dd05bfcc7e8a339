"""How much memory this process may take, what bounds it, and the least with which a bank is worked on.

A library that does not get its memory ends the process by a signal and without a word, so it is looked at before any is
loaded. Imported by path (``bankloop.kit.machine_memory``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.text import Text

# A round of a small bank takes 1.1 GB with its PostgreSQL; the engines then spill to disk instead of asking for more.
LEAST_BYTES = 1536 * 2**20
# Addresses are reserved by the gigabyte and used by the page: what draws the pictures alone reserves 64 GB of them.
LEAST_ADDRESSES = 96 * 2**30
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class MemoryBound:
    """One bound on a process's memory: how much it leaves, how much is needed under it, and who sets it."""

    leaves: int
    least: int
    set_by: Text

    @property
    def too_tight(self) -> bool:
        """Return whether a bank cannot be worked on under it."""
        return self.leaves < self.least


def memory_bounds(groups: Path = _GROUPS, own_group: Path = _OWN_GROUP) -> Iterator[MemoryBound]:
    """Yield what bounds this process: the machine, its control groups, its limit on addresses."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield MemoryBound(machine, LEAST_BYTES, Text("这台机器的内存", "this machine's memory"))
    for path in _limits_of_groups(groups, own_group):
        text = path.read_text(encoding="ascii").strip()
        if text.isdigit():
            yield MemoryBound(int(text), LEAST_BYTES, Text(f"控制组 {path}", f"the control group {path}"))
    addresses = _addresses()
    if addresses is not None:
        yield MemoryBound(addresses, LEAST_ADDRESSES, Text("ulimit -v", "ulimit -v"))


def tightest_bound(bounds: Iterable[MemoryBound]) -> MemoryBound:
    """Return the bound that leaves the least of what is needed under it."""
    return min(bounds, key=lambda bound: bound.leaves / bound.least)


def check_memory() -> None:
    """Raise ``EnvironmentFault`` with the cure where this process may not have the memory that work on a bank takes."""
    bound = tightest_bound(memory_bounds())
    if bound.too_tight:
        raise too_little_memory(bound)


def too_little_memory(bound: MemoryBound) -> EnvironmentFault:
    """Return the fault of a process that may have too little memory."""
    return EnvironmentFault(
        "machine.memory",
        Text(
            "{set_by} 只允许 {leaves} MB 内存，至少需要 {least} MB；请放宽限制或换用内存更大的机器后再执行同一命令",
            "{set_by} leaves {leaves} MB of memory and at least {least} MB are needed; raise the limit or take "
            "a larger machine, then give the same command again",
        ),
        set_by=bound.set_by,
        leaves=bound.leaves >> 20,
        least=bound.least >> 20,
    )


def out_of_memory() -> EnvironmentFault:
    """Return the fault of a process that asked for memory and did not get it."""
    return EnvironmentFault(
        "machine.out_of_memory",
        Text(
            "内存不足，本次没有做完，已提交的内容不会丢失；请关闭其他程序或换用内存更大的机器后再执行同一命令",
            "the memory is used up and this is not complete, nothing committed is lost; end other programs or take a "
            "larger machine, then give the same command again",
        ),
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a library said that it did not get its memory, in Python's way or in an engine's own."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException"


def _limits_of_groups(groups: Path, own_group: Path) -> Iterator[Path]:
    """Yield the files that hold the limits of this process's groups, up to the root of each hierarchy."""
    try:
        lines = own_group.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, group = line.split(":", 2)
        root, name = (groups, "memory.max") if not kinds else (groups / "memory", "memory.limit_in_bytes")
        if kinds and "memory" not in kinds.split(","):
            continue
        own = root / group.lstrip("/")
        yield from (
            place / name for place in (own, *own.parents) if place.is_relative_to(root) and (place / name).is_file()
        )


def _addresses() -> int | None:
    """Return how many bytes of addresses this process may have; None where nothing limits them."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
