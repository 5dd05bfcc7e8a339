"""``bankloop bench``: every claimed speed, measured again. Seconds are of this machine; ratios are within one run."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bankloop.bench.results import keep_result
from bankloop.cli.benchmark_options import FULL_CUSTOMERS, QUICK_CUSTOMERS, Options
from bankloop.cli.benchmarks_served import (
    measure_attacks,
    measure_console,
    measure_decide,
    measure_parity,
    measure_soak,
    measure_start,
)
from bankloop.cli.screen import AsJson, finish, say, show_table
from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text

# The simulator's own work, and what the demonstration reads beside the loop: an A/A test and the programme.
AROUND = ("simulate", "people", "beside")
QUICK_ROWS = 200_000
FULL_ROWS = 2_000_000
POOLS, POOLS_BESIDE_BRANCHES = 9, 5


def bench(
    name: Annotated[str, typer.Argument(help="基准名，或 all / the name of a benchmark, or all")],
    customers: Annotated[int | None, typer.Option(min=1_000, help="客户数 / customers")] = None,
    actions: Annotated[int, typer.Option(min=1, help="assign：动作数 / actions")] = 20,
    resources: Annotated[
        int | None, typer.Option(min=0, help="assign：全行资源数 / resources of the whole bank")
    ] = None,
    branches: Annotated[
        int | None, typer.Option(min=1, help="assign：另加每网点工时 / and minutes of so many branches")
    ] = None,
    instance: Annotated[
        str,
        typer.Option(help="assign：算例 / instance: lognormal, tight, slack, ties, zeros, giant, dominant, own-use"),
    ] = "lognormal",
    data: Annotated[Path | None, typer.Option(help="公开数据集的文件夹 / folder of public data sets")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="45 秒以内的小规模 / small sizes, within 45 s")] = False,
    write: Annotated[Path | None, typer.Option(help="写入结果文件 / file to write results to")] = None,
    as_json: AsJson = False,
) -> None:
    """测量：每个声称的速度都重新量。Measure what is claimed about speed and truth, on this machine, now."""
    if name != "all" and name not in BENCHMARKS:
        raise NotFoundError(
            "bench.unknown",
            Text("没有基准 {name}；有 {known}", "there is no benchmark {name}; there is {known}"),
            name=name,
            known=", ".join([*BENCHMARKS, "all"]),
        )
    chosen = BENCHMARKS if name == "all" else {name: BENCHMARKS[name]}
    found = {}
    for key, measure in chosen.items():
        say(f"bench {key}")
        pools = resources if resources is not None else POOLS if branches is None else POOLS_BESIDE_BRANCHES
        found[key] = measure(Options(customers, quick, actions, pools, branches, instance, data))
        show_table(key, ["", ""], [[k, _shown(v)] for k, v in found[key].items()], right=[1])
        if write is not None:
            keep_result(write, key, found[key], quick)
    finish(found if name == "all" else found[name], as_json)


def measure_loop(options: Options) -> dict[str, Any]:
    """One whole round, from source files to a trained challenger, with each stage's seconds and the peak memory.

    ``seconds`` leaves out the stages in which the simulator makes the bank and its people respond, and what the
    demonstration reads beside the round (an A/A test, the programme); ``seconds_with_simulation`` has them all.
    """
    from bankloop.bench.memory import PeakMemory
    from bankloop.bench.story import tell
    from bankloop.store.embedded import remove_cluster

    customers = options.customers or (QUICK_CUSTOMERS if options.quick else FULL_CUSTOMERS)
    laps: list[tuple[str, float]] = []

    def lap(text: str) -> None:
        say(text)
        laps.append((text.split(" ", 1)[0], time.monotonic()))

    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        try:
            with PeakMemory(folder) as memory:
                tell(folder, customers, 1, 42, lap)
                laps.append(("end", time.monotonic()))
        finally:
            remove_cluster(folder)
    stages: dict[str, float] = {}
    for (stage, start), (_, stop) in itertools.pairwise(laps):
        stages[stage] = round(stages.get(stage, 0.0) + stop - start, 2)
    total = sum(stages.values())
    return {
        "customers": customers,
        "seconds": round(total - sum(stages.get(stage, 0.0) for stage in AROUND), 1),
        "seconds_with_simulation": round(total, 1),
        "peak_mb": memory.peak_mb,
        "stages": stages,
    }


def measure_simulation(options: Options) -> dict[str, Any]:
    """The simulated bank alone: customers, events, seconds and the peak memory."""
    from bankloop.bench.memory import PeakMemory
    from bankloop.simulate.service import write_bank

    customers = options.customers or (QUICK_CUSTOMERS if options.quick else FULL_CUSTOMERS)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home, PeakMemory(Path(home)) as memory:
        start = time.monotonic()
        made = write_bank(Path(home) / "bank", customers, 42)
        seconds = time.monotonic() - start
    return {
        "customers": customers,
        "events": made.rows["event"],
        "seconds": round(seconds, 1),
        "peak_mb": memory.peak_mb,
    }


def measure_expression(options: Options) -> dict[str, Any]:
    """The expression language against SQL written by hand, on the same Parquet; and its parity between the planes."""
    from bankloop.bench.expressions import measure

    return measure(QUICK_ROWS if options.quick else FULL_ROWS, 500 if options.quick else 2_000)


def measure_honesty(options: Options) -> dict[str, Any]:
    """Readings against a known truth: coverage, daily looks, sample-ratio alarms, what CUPED and ghosts buy; and of rounds without any effect (`null_table`, shares of all rounds drawn) how many claim one."""
    from bankloop.bench.honesty import measure
    from bankloop.cli.demo.claims import FULL, QUICK

    return measure(300, 20_000, QUICK) if options.quick else measure(2_000, 40_000, FULL)


def measure_ope(options: Options) -> dict[str, Any]:
    """Off-policy estimators on generated decisions and on digits: errors, DR beside IPS, and how often it covers."""
    from bankloop.bench.valuing import measure

    return measure(30 if options.quick else 300, options.data)


def measure_learning(options: Options) -> dict[str, Any]:
    """Six rounds on simulated banks: the plan's true value in fen beside the oracle's, and beside never having learned; each round's regret also on the same, unseen customers."""
    from bankloop.bench.rounds import measure

    if options.quick:
        return measure(options.customers or 3_000, 2, 1, say)
    return measure(options.customers or 3 * FULL_CUSTOMERS // 10, 6, 5, say)


def measure_decisions(options: Options) -> dict[str, Any]:
    """What plans truly bring, as shares of what could be had from what a bank can know, by size and round.

    Beside it how often churn-first or nothing is better (`none_seen_at_most` is the upper bound at 95 % of a 0), also in
    worlds in which the stated prior is wrong, and of how many permutations of a treatment a plan makes a claim.
    """
    from bankloop.bench.decisions import QUICK, SIZES, measure

    return measure(QUICK if options.quick else SIZES, 40 if options.quick else 400, say)


def measure_statistics(options: Options) -> dict[str, Any]:
    """Ten thousand pairs of metric and cell: the engine's sums against a query by hand, and the inference."""
    from bankloop.bench.inference import measure

    return measure(QUICK_ROWS * 5 if options.quick else FULL_ROWS * 5)


def measure_rights(options: Options) -> dict[str, Any]:
    """Row-level security against rights written by hand, and whether any row is seen that should not be."""
    from bankloop.bench.rights import measure

    if options.quick:
        return measure(options.customers or 100_000, 1_000, 41, 40)
    return measure(options.customers or FULL_CUSTOMERS, 10_000, 101, 200)


def measure_dispatch(options: Options) -> dict[str, Any]:
    """A head-office target split over the tree, its tasks stored and each given to a manager; sums exact at every level."""
    from bankloop.bench.dispatching import measure

    return measure(
        options.customers or (50_000 if options.quick else FULL_CUSTOMERS), 1_000 if options.quick else 10_000
    )


def measure_audit(options: Options) -> dict[str, Any]:
    """What the audit row costs a verb under sixteen writers, and how fast a long trail is verified."""
    from bankloop.bench.trail import measure
    from bankloop.store.embedded import remove_cluster

    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        try:
            return measure(folder, 5 if options.quick else 15, QUICK_ROWS if options.quick else FULL_ROWS // 2)
        finally:
            remove_cluster(folder)


def measure_ledger(options: Options) -> dict[str, Any]:
    """Postings a second of 1, 8 and 32 clients beside the bare function: spread, skewed, and on one hot account."""
    from bankloop.bench.ledgers import measure
    from bankloop.store.embedded import remove_cluster

    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        try:
            return measure(folder, 500 if options.quick else 10_000, *((1, 0.8) if options.quick else (5, 2.0)))
        finally:
            remove_cluster(folder)


def measure_assign(options: Options) -> dict[str, Any]:
    """The assignment: seconds, certified gap, broken limits; HiGHS and PDLP beside it where they can follow."""
    from bankloop.bench.assigning import measure
    from bankloop.bench.instances import INSTANCES

    if options.instance not in INSTANCES:
        raise NotFoundError(
            "bench.instance",
            Text("没有算例 {name}；有 {known}", "there is no instance {name}; there is {known}"),
            name=options.instance,
            known=", ".join(INSTANCES),
        )
    customers = options.customers or (2_000 if options.quick else FULL_CUSTOMERS)
    return measure(customers, options.actions, options.resources, options.branches, options.instance)


def measure_whatif(options: Options) -> dict[str, Any]:
    """What-if: a budget, a capacity and a policy changed, each solved again from the last prices and from nothing."""
    from bankloop.bench.whatifs import measure

    customers = options.customers or (2_000 if options.quick else FULL_CUSTOMERS)
    return measure(customers, options.actions, options.resources, options.branches)


def measure_uplift(options: Options) -> dict[str, Any]:
    """S, T, X, DR and a linear T on the same splits of one public trial, and against the simulated bank's truth."""
    from bankloop.bench import learning

    if options.quick:
        return learning.measure_uplift(options.data, 2, 10, options.customers or QUICK_CUSTOMERS)
    return learning.measure_uplift(
        options.data, learning.SPLITS, learning.DRAWS, options.customers or FULL_CUSTOMERS // 5
    )


def measure_propensity(options: Options) -> dict[str, Any]:
    """The propensity on public data: the last fifth in time first, then five folds."""
    from bankloop.bench import learning

    return learning.measure_propensity(options.data, 2 if options.quick else learning.FOLDS)


def measure_score(options: Options) -> dict[str, Any]:
    """Scoring from one artefact: rows a second in batch, microseconds for one row, and that both say the same."""
    from bankloop.bench import learning

    return learning.measure_score(QUICK_ROWS // 2 if options.quick else FULL_ROWS // 4)


def measure_policy(options: Options) -> dict[str, Any]:
    """The real-time twin with pacing over a simulated day of bursts: regret, and what it earns over simple service."""
    from bankloop.bench.pacing import measure

    return measure(options.customers or (QUICK_ROWS // 2 if options.quick else FULL_ROWS // 8))


def measure_identity(options: Options) -> dict[str, Any]:
    """Linking: sets with a known truth, simulated registers beside bare Splink, and a day's increment through the store."""
    from bankloop.bench.identities import measure

    if options.quick:
        return measure(options.customers or QUICK_CUSTOMERS // 2, 3_000, options.data, people=10)
    records = options.customers or FULL_CUSTOMERS
    return measure(records, records, options.data)


def measure_attributes(options: Options) -> dict[str, Any]:
    """The whole catalogue over a whole bank, beside the same result in SQL written by hand, and on Spark where it is there."""
    from bankloop.bench.attributes import measure

    if options.quick:
        return measure(options.customers or QUICK_CUSTOMERS, spark=False)
    return measure(options.customers or FULL_CUSTOMERS)


def measure_graph(options: Options) -> dict[str, Any]:
    """The graph of relations: ways within three hops between random parties, and components with hubs capped."""
    from bankloop.bench.graphs import measure

    parties = options.customers or (QUICK_ROWS if options.quick else FULL_CUSTOMERS)
    return measure(parties, 10 * parties, 300)


def measure_customer360(options: Options) -> dict[str, Any]:
    """One customer at a glance through the API's own code path, of random customers of a loaded bank."""
    from bankloop.bench.glances import measure

    return measure(
        options.customers or (QUICK_CUSTOMERS // 2 if options.quick else FULL_CUSTOMERS), 100 if options.quick else 500
    )


def measure_audience(options: Options) -> dict[str, Any]:
    """Count audiences as their page does while somebody writes: condition, exclusions, sample."""
    from bankloop.bench.audiences import measure

    return measure(
        options.customers or (QUICK_CUSTOMERS // 2 if options.quick else FULL_CUSTOMERS), 21 if options.quick else 105
    )


BENCHMARKS: Mapping[str, Callable[[Options], dict[str, Any]]] = {
    "loop": measure_loop,
    "expression": measure_expression,
    "simulate": measure_simulation,
    "honesty": measure_honesty,
    "ope": measure_ope,
    "learning": measure_learning,
    "decisions": measure_decisions,
    "statistics": measure_statistics,
    "rights": measure_rights,
    "dispatch": measure_dispatch,
    "audit": measure_audit,
    "assign": measure_assign,
    "whatif": measure_whatif,
    "uplift": measure_uplift,
    "propensity": measure_propensity,
    "score": measure_score,
    "policy": measure_policy,
    "identity": measure_identity,
    "attributes": measure_attributes,
    "graph": measure_graph,
    "customer360": measure_customer360,
    "audience": measure_audience,
    "console": measure_console,
    "ledger": measure_ledger,
    "decide": measure_decide,
    "parity": measure_parity,
    "soak": measure_soak,
    "attacks": measure_attacks,
    "start": measure_start,
}


def _shown(value: object) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)


COMMANDS = {"bench": bench}
