"""The benchmarks of a bank that is being served: pages, decisions, attacks, and how long a command takes to start."""

from __future__ import annotations

from typing import Any

from bankloop.cli.benchmark_options import FULL_CUSTOMERS, QUICK_CUSTOMERS, Options

USERS = 200


def measure_console(options: Options) -> dict[str, Any]:
    """The console while 200 people work at once (20 when quick): by page, and how large it is."""
    from bankloop.bench.consoles import measure

    if options.quick:
        return measure(options.customers or QUICK_CUSTOMERS // 8, USERS // 10, 8.0, 1.5)
    return measure(options.customers or FULL_CUSTOMERS, USERS, 120.0, 20.0)


def measure_soak(options: Options) -> dict[str, Any]:
    """Two hours of 50 people at work (a minute of ten when quick): errors, memory an hour, seals in time."""
    from bankloop.bench.soaking import measure

    if options.quick:
        return measure(options.customers or QUICK_CUSTOMERS // 8, USERS // 20, 60.0, 1.5)
    return measure(options.customers or QUICK_CUSTOMERS, USERS // 4, 7_200.0, 60.0)


def measure_decide(options: Options) -> dict[str, Any]:
    """What a slot shows, decided over HTTP: a second, beside bare transactions that read, count and write as much."""
    from bankloop.bench.live import measure

    if options.quick:
        return measure(options.customers or QUICK_CUSTOMERS // 4, 8, 5.0)
    return measure(options.customers or FULL_CUSTOMERS, 16, 60.0)


def measure_parity(options: Options) -> dict[str, Any]:
    """Every customer of a round decided anew one by one: how many differ from what the batch intended."""
    from bankloop.bench.live import parity

    return parity(options.customers or (QUICK_CUSTOMERS // 4 if options.quick else FULL_CUSTOMERS // 10))


def measure_attacks(options: Options) -> dict[str, Any]:
    """Every attack on a running bank that is known of, tried anew: held or broken, each by name."""
    from bankloop.bench.attacks.runner import measure

    return measure(options.customers or QUICK_CUSTOMERS // 10)


def measure_start(options: Options) -> dict[str, Any]:
    """How long a command takes to start and answer on an open bank: twenty commands, and the same within ``shell``."""
    from bankloop.bench.starting import measure

    return measure(options.customers or (QUICK_CUSTOMERS // 10 if options.quick else QUICK_CUSTOMERS))
