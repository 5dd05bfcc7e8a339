"""Write a simulated bank: its folder, one night's source files, a year of events, and the truth beside them."""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from bankloop.kit.errors import EnvironmentFault, InputError
from bankloop.kit.text import Text
from bankloop.simulate import deliveries, history, net_values, registers, verified
from bankloop.simulate.contracts import SimulatedBank
from bankloop.simulate.moving import move, naturally, reached_deeds
from bankloop.simulate.network import Network, make_network
from bankloop.simulate.parameters import Parameters, read_parameters
from bankloop.simulate.people import make_people
from bankloop.simulate.portfolios import held_on, make_holdings
from bankloop.simulate.standing import BankStanding, write_standing
from bankloop.simulate.streams import Streams
from bankloop.simulate.truth import make_truth

TODAY = date(2026, 11, 22)
LEAST_CUSTOMERS = 200
MOST_CUSTOMERS = 20_000_000
LEAST_LOOKBACK = 3
# The shortest deposit runs a quarter: within it, none matures twice.
MOST_LOOKBACK = 90
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
    *,
    snapshots: bool = True,
    lookback_days: int = 31,
    opening: date | None = None,
) -> SimulatedBank:
    """Write 泉江银行 with ``customers`` customers into ``folder``, the same bytes for the same arguments.

    With ``snapshots`` the core system delivers twice: as of ``lookback_days`` before the last day and as of the last
    day. In between, people lived through one goal window of ``lookback_days`` − 1 days by the truth's base, so that a
    model trained on the earlier files and what followed is honest. The shares of the parameter file are those of the
    earlier day; the truth is that of ``today``. Events come once, in the last folder. Where ``opening`` is a day before
    the earlier one, the core system also delivers who was a customer by then and, of what they hold, what they held.

    Files that a person may have edited (bank.yaml, campaigns, …) are left alone where they exist; data/incoming and
    data/truth are written anew. ``today`` is the bank's present day: the files hold what was known the night before.
    Raise ``InputError`` for a size or a span that makes no bank, ``SpecError`` for a parameter file that is none,
    ``EnvironmentFault`` when the disk is full.
    """
    _check(customers, months, lookback_days if snapshots else LEAST_LOOKBACK)
    say = _counted(progress, months)
    p = read_parameters(parameters)
    with _on_disk(folder):
        back = lookback_days if snapshots else 0
        return _write(folder, customers, p, Streams(seed), months, today, back, opening, say)


def _write(
    folder: Path,
    customers: int,
    p: Parameters,
    streams: Streams,
    months: int,
    today: date,
    lookback: int,
    opening: date | None,
    say: Callable[[str], None],
) -> SimulatedBank:
    write_templates(folder)
    incoming, truth_home = folder / "data" / "incoming", folder / "data" / "truth"
    for home in (incoming, truth_home):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
    last = today - timedelta(days=1)
    say("customers")
    people = make_people(p, streams, customers, today - timedelta(days=lookback), today)
    network = make_network(p, streams, people)
    holdings = make_holdings(p, streams, people, today - timedelta(days=lookback))
    stood = BankStanding(last - timedelta(days=lookback), people, holdings)
    say("truth")
    stands, lately = _lately(p, streams, stood, network, last) if lookback else (stood, None)
    truth = make_truth(p, streams, stands.people, network, stands.holdings, today)
    write_standing(truth_home, streams.seed, p, stands, network, truth)
    say("files")
    began = lookback and opening is not None and opening < stood.day
    earlier = ([opening] if began else []) + ([stood.day] if lookback else [])
    nights = [deliveries.make_delivery(p, incoming, day, customers) for day in (*earlier, last) if day is not None]
    rows, defects = registers.write_organization(nights[0], p, streams, network), Counter[str]()
    known = deliveries.customer_columns(p, streams, stood.people, network) if lookback else []
    for one in nights[:-1]:
        held = stood.holdings if one.day == stood.day else held_on(p, stood.holdings, stood.day, one.day)
        defects.update(deliveries.write_core(one, known, stood.people, held))
        one.file("", ".ok").write_bytes(b"")
    night = nights[-1]
    columns = deliveries.customer_columns(p, streams, stands.people, network)
    defects.update(deliveries.write_core(night, columns, stands.people, stands.holdings))
    rows |= {"customer": customers, "holding": len(stands.holdings.customer)}
    rows |= verified.write_registers(night, p, streams, network, columns)
    rows |= {"net_value": net_values.write_net_values(night, net_values.net_values(p, streams.seed, [last]))}
    rows |= registers.write_ties(night, p, streams, stands.people, network)
    events, broken = _write_events(night, p, streams, stood, lately, network, today, months, say)
    defects.update(broken)
    # The flag comes last: a folder without it is a delivery still under way.
    night.file("", ".ok").write_bytes(b"")
    return SimulatedBank(
        folder=folder,
        customers=customers,
        seed=streams.seed,
        branches=network.branches,
        sub_branches=network.sub_branches,
        managers=len(network.manager_unit),
        rows=rows | {"event": events},
        defects=dict(defects),
        aum_fen=int(stands.holdings.balance_fen[stands.holdings.counts_as_aum].sum()),
    )


def _lately(
    p: Parameters, streams: Streams, stood: BankStanding, network: Network, last: date
) -> tuple[BankStanding, history.Deeds]:
    """Let everybody live by the truth's base from where the bank stood to ``last``; the first day is left blank."""
    truth = make_truth(p, streams, stood.people, network, stood.holdings, stood.day + timedelta(days=1))
    begin = stood.day + timedelta(days=2)
    reached = {name: naturally(p, streams, stood, name, one, begin, last) for name, one in truth.items()}
    stands, matured = move(p, streams, stood, truth, reached, last)
    return stands, history.joined(matured, *(reached_deeds(name, truth[name], one) for name, one in reached.items()))


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


def _write_events(
    delivery: deliveries.NightDelivery,
    p: Parameters,
    streams: Streams,
    stood: BankStanding,
    lately: history.Deeds | None,
    network: Network,
    today: date,
    months: int,
    say: Callable[[str], None],
) -> tuple[int, dict[str, int]]:
    total, last = 0, (today - timedelta(days=1)).isoformat()[:7]
    defects: dict[str, int] = {}
    with ThreadPoolExecutor(1) as writer:
        waiting: Future[dict[str, int]] | None = None
        for month, events in history.write_months(
            p, streams, stood.people, network, stood.holdings, stood.day, lately, today, months
        ):
            say(f"events {month}")
            if waiting is not None:
                defects |= waiting.result()
            total += events.num_rows
            waiting = writer.submit(deliveries.write_month, delivery, month, events, month == last)
        if waiting is not None:
            defects |= waiting.result()
    return total, defects


def _check(customers: int, months: int, lookback: int) -> None:
    if not LEAST_LOOKBACK <= lookback <= MOST_LOOKBACK:
        raise InputError(
            "simulate.lookback",
            Text(
                "lookback_days {days} 应在 {least} 与 {most} 之间",
                "lookback_days must lie between {least} and {most}, not {days}",
            ),
            days=lookback,
            least=LEAST_LOOKBACK,
            most=MOST_LOOKBACK,
        )
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
