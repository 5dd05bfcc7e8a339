"""Whose work a machine's processors did: a measure beside other work says less of the program than of the machine."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Seconds of processor time until a moment: of the machine's own work, and of the processes that are watched."""

    at: float
    busy: float
    own: float


def processor_time(watched: Iterable[int]) -> ProcessorTime:
    """Return what the machine and these processes, with their children that live or have ended, worked until now."""
    times = psutil.cpu_times()
    busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    return ProcessorTime(time.monotonic(), busy, sum(_worked(pid) for pid in watched))


def others_share(begin: ProcessorTime, end: ProcessorTime, cores: int) -> float:
    """Return which share of the processors others took between two moments, 0 to 1."""
    spent = max(end.at - begin.at, 1e-9) * cores
    return min(max((end.busy - begin.busy) - (end.own - begin.own), 0.0) / spent, 1.0)


def _worked(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        own = process.cpu_times()
        ended = own.children_user + own.children_system
        living = [_seconds(child) for child in process.children(recursive=True)]
    except psutil.Error:
        return 0.0
    return float(own.user + own.system + ended + sum(living))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
