"""Write a simulated bank: its folder, one night's source files, a year of events, and the truth beside them."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.kit import EnvironmentFault, InputError, Text
from bankloop.simulate import deliveries, history, names, registers
from bankloop.simulate.contracts import SimulatedBank
from bankloop.simulate.network import NOBODY, Network, make_network
from bankloop.simulate.parameters import Parameters, read_parameters
from bankloop.simulate.people import People, make_people
from bankloop.simulate.portfolios import CLASSES, Holdings, make_holdings
from bankloop.simulate.streams import Streams
from bankloop.simulate.truth import CampaignTruth, contactable, make_truth

TODAY = date(2026, 11, 22)
LEAST_CUSTOMERS = 200
MOST_CUSTOMERS = 20_000_000
TEMPLATES = Path(__file__).parent / "bank"
Progress = Callable[[str, int, int], None]
"""Called with the part at work, the parts done and their number."""
_PARTS_BEFORE_EVENTS = 3


def write_bank(
    folder: Path,
    customers: int,
    seed: int,
    months: int = 12,
    today: date = TODAY,
    progress: Progress | None = None,
    parameters: Path | None = None,
) -> SimulatedBank:
    """Write 泉江银行 with ``customers`` customers into ``folder``, the same bytes for the same arguments.

    Files that a person may have edited (bank.yaml, campaigns, …) are left alone where they exist; data/incoming and
    data/truth are written anew. ``today`` is the bank's present day: the files hold what was known the night before.
    Raise ``InputError`` for a size or a span that makes no bank, ``SpecError`` for a parameter file that is none,
    ``EnvironmentFault`` when the disk is full.
    """
    _check(customers, months)
    say = _counted(progress, months)
    p = read_parameters(parameters)
    with _on_disk(folder):
        return _write(folder, customers, p, Streams(seed), months, today, say)


def _write(
    folder: Path, customers: int, p: Parameters, streams: Streams, months: int, today: date, say: Callable[[str], None]
) -> SimulatedBank:
    write_templates(folder)
    incoming, truth_home = folder / "data" / "incoming", folder / "data" / "truth"
    for home in (incoming, truth_home):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
    say("customers")
    people = make_people(p, streams, customers, today)
    network = make_network(p, streams, people)
    holdings = make_holdings(p, streams, people, today)
    say("truth")
    write_truth(truth_home, streams.seed, p, people, network, make_truth(p, streams, people, network, holdings, today))
    delivery = deliveries.make_delivery(p, incoming, today - timedelta(days=1), customers)
    say("files")
    defects = deliveries.write_customers(delivery, p, streams, people, network)
    defects |= deliveries.write_holdings(delivery, holdings, customers)
    rows = {"customer": customers, "holding": len(holdings.customer)}
    rows |= registers.write_organization(delivery, p, streams, network)
    rows |= registers.write_ties(delivery, p, streams, people, network)
    events, broken = _write_events(delivery, p, streams, people, network, holdings, today, months, say)
    # The flag comes last: a folder without it is a delivery still under way.
    delivery.file("", ".ok").write_bytes(b"")
    deposits = np.isin(holdings.product_class, [CLASSES.index(name) for name in _AUM_CLASSES])
    return SimulatedBank(
        folder=folder,
        customers=customers,
        seed=streams.seed,
        branches=network.branches,
        sub_branches=network.sub_branches,
        managers=len(network.manager_unit),
        rows=rows | {"event": events},
        defects=defects | broken,
        aum_fen=int(holdings.balance_fen[deposits].sum()),
    )


_AUM_CLASSES = ("demand_deposit", "term_deposit", "wealth", "fund", "insurance")


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EnvironmentFault(
                "simulate.no_space",
                Text(
                    "磁盘空间不足，{folder} 没有写完；每百万客户约需 1 GB，请清理空间后用同一命令重来",
                    "the disk is full, {folder} is not complete; a million customers take about 1 GB, free some space "
                    "and give the same command again",
                ),
                folder=folder.name,
            ) from error
        raise


def _counted(progress: Progress | None, months: int) -> Callable[[str], None]:
    done, total = -1, _PARTS_BEFORE_EVENTS + months + 1

    def say(part: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(part, done, total)

    return say


def write_templates(folder: Path) -> None:
    """Copy the bank's own files (bank.yaml, campaigns, products, …) where they are not there yet."""
    for source in sorted(TEMPLATES.rglob("*")):
        target = folder / source.relative_to(TEMPLATES)
        if source.is_dir() or target.exists() or source.suffix == ".py":
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def write_truth(
    home: Path, seed: int, p: Parameters, people: People, network: Network, truth: dict[str, CampaignTruth]
) -> None:
    """Write what only the simulator may read: traits, potential outcomes, staff rates, the parameters used."""
    (home / "parameters.yaml").write_text(p.text, encoding="utf-8")
    table = pa.table(
        {
            "customer_no": names.customer_numbers(people.count),
            "unit_row": network.sub_branch,
            "managed": network.manager != NOBODY,
            "contactable": contactable(people),
            "private_banking": people.tier == people_top_tier(p),
            "digital": people.digital,
            "activity": people.activity,
        }
    )
    pq.write_table(table.replace_schema_metadata({"seed": str(seed)}), home / "customer.parquet", compression="zstd")
    units = pa.table(
        {
            "unit_id": deliveries.sub_branch_ids(network),
            "execution": network.execution,
            "false_log": network.false_log,
            "by_hand": network.by_hand,
        }
    )
    pq.write_table(units, home / "unit.parquet")
    for name, one in truth.items():
        columns = {"row": one.rows, "type_code": one.type_code, "base": one.base}
        columns |= {f"effect:{key}": values for key, values in one.effect.items()}
        for money in ("amount_fen", "attributed_fen", "contribution_fen", "new_money_fen", "displaced_fen"):
            columns[money] = getattr(one, money)
        pq.write_table(pa.table(columns), home / f"{name}.parquet", compression="zstd")


def people_top_tier(p: Parameters) -> int:
    """Return the number of the private-banking tier."""
    return len(p["tiers.cut_offs"]) - 1


def _write_events(
    delivery: deliveries.Delivery,
    p: Parameters,
    streams: Streams,
    people: People,
    network: Network,
    holdings: Holdings,
    today: date,
    months: int,
    say: Callable[[str], None],
) -> tuple[int, dict[str, int]]:
    total, last = 0, (today - timedelta(days=1)).isoformat()[:7]
    defects: dict[str, int] = {}
    with ThreadPoolExecutor(1) as writer:
        waiting: Future[dict[str, int]] | None = None
        for month, events in history.write_months(p, streams, people, network, holdings, today, months):
            say(f"events {month}")
            if waiting is not None:
                defects |= waiting.result()
            total += events.num_rows
            waiting = writer.submit(deliveries.write_month, delivery, month, events, month == last)
        if waiting is not None:
            defects |= waiting.result()
    return total, defects


def _check(customers: int, months: int) -> None:
    if not LEAST_CUSTOMERS <= customers <= MOST_CUSTOMERS:
        raise InputError(
            "simulate.size",
            Text(
                "客户数 {customers} 应在 {least} 与 {most} 之间",
                "customers must lie between {least} and {most}, not {customers}",
            ),
            customers=customers,
            least=LEAST_CUSTOMERS,
            most=MOST_CUSTOMERS,
        )
    if not 1 <= months <= 60:
        raise InputError(
            "simulate.months",
            Text("月数 {months} 应在 1 与 60 之间", "months must lie between 1 and 60, not {months}"),
            months=months,
        )
