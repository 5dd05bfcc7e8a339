"""Kills, full disks, two commands at once, limits of zero: nothing lost, nothing doubled, the same command completes.

Every test takes a window of its own, a month apart from the others, on one small bank with approved campaigns.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bankloop.bench.story import FIRST_DAY
from bankloop.contact.delivery import deliver
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import EnvironmentFault
from bankloop.lake.contracts import Scope
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.loop.offering.shelf import gate
from bankloop.loop.round.window import Window
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.simulate.service import write_bank
from bankloop.store.audit import seal_audit, verify_audit
from bankloop.store.contracts import Role
from bankloop.store.embedded import remove_cluster
from bankloop.store.outbox import waiting_messages
from bankloop.wiring import file_channel, load, open_bank
from tests.bankfixture import set_clock

pytestmark = pytest.mark.soak
CUSTOMERS = 2_000
CLOCK = FixedClock(datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 1, tzinfo=UTC))
NOBODY = "has_debit_card and not has_debit_card"

# The command ``run``, with small parts, that dies where it is told to; exit codes are the command's own.
RUN = """
import importlib, os, signal, sys
from datetime import UTC, date, datetime
from pathlib import Path
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError
from bankloop.contact.delivery import deliver
from bankloop.loop import run as loop
from bankloop.loop.offering.shelf import gate
from bankloop.organization.principals import system
from bankloop.store.embedded import server_pid
from bankloop.wiring import file_channel, load, open_bank

folder, number, start, seed, fault = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6]
start, seed = date.fromisoformat(start), int(seed)
issuing = importlib.import_module("bankloop.loop.reach.issue")
issuing.PART = 20
victim, _, fault = fault.rpartition(":")

def die():
    os.kill(server_pid(folder) if victim == "server" else os.getpid(), signal.SIGKILL)

class Dying:
    def __init__(self, channel, parts):
        self.channel, self.parts = channel, parts

    def send(self, *part):
        self.channel.send(*part)
        self.parts -= 1
        if not self.parts:
            die()

record = issuing.record_audit
def before_commit(*given):
    record(*given)
    die()

if fault == "issuing":
    issuing.record_audit = before_commit
channel = file_channel(folder)
if fault.startswith("sent"):
    channel = Dying(channel, int(fault[4:]))
try:
    with open_bank(folder, FixedClock(datetime(start.year, start.month, start.day, 1, tzinfo=UTC))) as bank:
        window = loop.plan(bank, system(), number, start, seed)
        if fault == "together":
            print("planned", flush=True)
            sys.stdin.readline()
        report = loop.run(bank, system(), number, start, seed, prepared=window)
        if fault == "between":
            die()
        sent = deliver(bank.store, system("delivery"), channel, gate).done
except BankloopError as error:
    print(error.code, flush=True)
    sys.exit(error.exit_code)
print(report.issued.decisions if report.issued else "again", sent, flush=True)
"""

# The command ``load``, which dies while it reads the k-th source, or between its files and their manifest.
LOAD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError
from bankloop.lake import manifest
from bankloop.lake.load import load_bank
from bankloop.store.embedded import server_pid
from bankloop.wiring import open_bank

folder = Path(sys.argv[1])
victim, _, fault = sys.argv[2].rpartition(":")
left = int(fault) if fault.isdigit() else 0

def die():
    os.kill(server_pid(folder) if victim == "server" else os.getpid(), signal.SIGKILL)

def progress(*_):
    global left
    left -= 1
    if left == 0:
        die()

publish = manifest.StoreManifest.publish
def killed(*given, **named):
    die()
    return publish(*given, **named)

if fault == "manifest":
    manifest.StoreManifest.publish = killed
try:
    with open_bank(folder, FixedClock(datetime(2026, 8, 24, 1, tzinfo=UTC))) as bank:
        if fault == "together":
            print("ready", flush=True)
            sys.stdin.readline()
        report = load_bank(folder, bank.lake, progress)
except BankloopError as error:
    print(error.code, flush=True)
    sys.exit(error.exit_code)
print(sum(source.loaded for source in report.sources), flush=True)
"""


@dataclass
class Ready:
    """An approved bank, and the windows that no test has taken yet."""

    folder: Path
    bank: Bank
    taken: int = 0

    def window(self) -> tuple[int, date]:
        """Return a round nobody has run and its first day, which is today from now on; what is approved later holds."""
        self.taken += 1
        start = FIRST_DAY + timedelta(days=30 * (self.taken - 1))
        set_clock(self.bank, start)
        return self.taken, start


@pytest.fixture(scope="module")
def ready(own_state: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    folder = tmp_path_factory.mktemp("faults")
    try:
        write_bank(folder, CUSTOMERS, 42, today=FIRST_DAY)
        with open_bank(folder, CLOCK) as bank:
            load(bank)
            for name in bank.spec.campaigns:
                draft_model(bank, maker(), name, FIRST_DAY - timedelta(days=1), 42)
                promote(bank, checker(), name)
            approve_all(bank)
            yield Ready(folder, bank)
    finally:
        remove_cluster(folder)


def approve_all(bank: Bank) -> None:
    for name in bank.spec.campaigns:
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)


def command(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], says: str | None = None) -> tuple[int, list[str]]:
    """Wait for a command; return its exit code and the words of its last line."""
    out, err = process.communicate(says, timeout=300)
    assert "Traceback" not in err, err[-3000:]
    return process.returncode, (out.strip().splitlines() or [""])[-1].split()


def counted(bank: Bank, statement: str, **values: object) -> int:
    with bank.store.begin(system(), Role.OWNER) as connection:
        return connection.scalar(text(statement), values) or 0


def delivered(ready: Ready) -> list[str]:
    """Return the contacts in all delivery files, one entry a line."""
    return [
        line.split(",")[0]
        for path in (ready.folder / "data" / "delivery").rglob("*.csv")
        for line in path.read_text(encoding="utf-8").splitlines()[1:]
    ]


def assert_whole(ready: Ready, round_: int) -> None:
    """Nothing lost, nothing doubled: decisions, contacts, tasks, files and trail agree."""
    bank = ready.bank
    decisions = counted(bank, "SELECT count(*) FROM decision WHERE round = :r", r=round_)
    once = "SELECT count(DISTINCT (campaign, customer_no)) FROM decision WHERE round = :r"
    assert decisions == counted(bank, once, r=round_) > 0
    assert counted(bank, "SELECT count(*) FROM plan WHERE summary ->> 'round' = :r", r=str(round_)) == 1
    assert counted(bank, "SELECT count(*) FROM outbox WHERE done_at IS NULL") == 0
    lines = delivered(ready)
    assert max(Counter(lines).values()) == 1
    queued = "SELECT coalesce(sum(jsonb_array_length(payload -> 'contacts')), 0) FROM outbox"
    assert len(lines) == counted(bank, queued)
    mine = (
        "SELECT count(*) FROM contact c JOIN decision d USING (decision_id) WHERE d.round = :r AND c.accepted "
        "AND c.channel IN ('sms', 'app_push')"
    )
    assert 0 < len(set(lines)) >= counted(bank, mine, r=round_) * 0.9  # some contacts' benefits ran out
    assert not list((ready.folder / "data" / "delivery").rglob("*.partial"))
    seal_audit(bank.store)
    assert verify_audit(bank.store).ok


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["issuing", "between", "sent1", "sent3"])
@pytest.mark.parametrize("victim", ["command", "server"])
def test_a_run_that_was_killed_is_completed_by_the_same_command(ready: Ready, victim: str, fault: str) -> None:
    round_, start = ready.window()
    before = len(delivered(ready))
    code, said = ended(command(RUN, ready.folder, round_, start, 42, f"{victim}:{fault}"))
    if victim == "command":
        assert code == -signal.SIGKILL
    elif fault == "issuing":
        assert (code, said) == (EnvironmentFault.exit_code, ["store.unreachable"])
    else:
        # Between two transactions the command has the server started again and goes on.
        assert code == 0 or said == ["store.unreachable"]
    stored = counted(ready.bank, "SELECT count(*) FROM decision WHERE round = :r", r=round_)
    assert (stored == 0) is (fault == "issuing")
    code, said = ended(command(RUN, ready.folder, round_, start, 42, "none"))
    assert code == 0
    assert (said[0] == "again") is (stored > 0)
    assert len(delivered(ready)) > before
    assert_whole(ready, round_)
    total = len(delivered(ready))
    again = loop.run(ready.bank, system(), round_, start, 42)
    sent = deliver(ready.bank.store, system("delivery"), file_channel(ready.folder), gate).done
    assert (again.issued, sent) == (None, 0)
    assert len(delivered(ready)) == total


@pytest.mark.soak
@pytest.mark.parametrize("seeds", [(42, 42), (42, 43)], ids=["same plan", "different plans"])
def test_two_runs_at_once_issue_a_window_once(ready: Ready, seeds: tuple[int, int]) -> None:
    round_, start = ready.window()
    both = [command(RUN, ready.folder, round_, start, seed, "together") for seed in seeds]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "planned\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    results = [ended(one) for one in both]
    assert [code for code, _ in results] == [0, 0]
    assert sorted(said[0] == "again" for _, said in results) == [False, True]
    assert loop.run(ready.bank, system(), round_, start, 42).issued is None
    deliver(ready.bank.store, system("delivery"), file_channel(ready.folder), gate)
    assert_whole(ready, round_)


@pytest.fixture
def fresh(own_state: None, tmp_path: Path) -> Iterator[Path]:
    """A bank's folder with its files, not yet loaded."""
    write_bank(tmp_path, 600, 7, today=FIRST_DAY)
    yield tmp_path
    remove_cluster(tmp_path)


def loaded(folder: Path) -> dict[str, tuple[int, int]]:
    """Return rows of every table of the lake, as its manifest says and as a reader counts them."""
    with open_bank(folder, CLOCK) as bank:
        names = {path.name for path in bank.lake.root.iterdir() if path.is_dir() and not path.name.startswith("_")}
        with bank.lake.connection(Scope.whole_bank("test")) as connection:
            found = {}
            for name in sorted(names):
                with suppress(Exception):
                    row = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
                    found[name] = (bank.lake.version(name).rows, row[0])
        seal_audit(bank.store)
        assert verify_audit(bank.store).ok
        return found


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["1", "6", "manifest"])
@pytest.mark.parametrize("victim", ["command", "server"])
def test_a_load_that_was_killed_is_completed_by_the_same_command(fresh: Path, victim: str, fault: str) -> None:
    code, said = ended(command(LOAD, fresh, f"{victim}:{fault}"))
    # A load that was between two transactions when its server died has it started again and goes on.
    whole = code == 0
    if victim == "command":
        assert code == -signal.SIGKILL
    else:
        assert whole or (code, said) == (EnvironmentFault.exit_code, ["store.unreachable"])
    with open_bank(fresh, CLOCK) as bank:
        assert (counted(bank, "SELECT count(*) FROM lake_version") > 0) is whole
    code, again = ended(command(LOAD, fresh, "none"))
    assert code == 0
    assert int((said if whole else again)[0]) > 600
    assert not whole or again == ["0"]
    found = loaded(fresh)
    assert found["customer"] == (600, 600)
    assert len(found) >= 8
    assert all(stated == counted_ for stated, counted_ in found.values())
    assert ended(command(LOAD, fresh, "none")) == (0, ["0"])
    assert loaded(fresh) == found
    assert not list((fresh / "data" / "tmp").iterdir())


@pytest.mark.soak
def test_two_loads_at_once_load_once(fresh: Path) -> None:
    both = [command(LOAD, fresh, "together") for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    results = sorted(ended(one) for one in both)
    assert results[0][0] == 0
    # The other one waited and found nothing new, or said that somebody is at work.
    assert results[1][0] == 6 or "0" in (results[0][1][0], results[1][1][0])
    assert loaded(fresh)["customer"] == (600, 600)


def test_a_full_disk_leaves_the_part_waiting_and_the_next_delivery_sends_it_once(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_, start = ready.window()
    bank = ready.bank
    issued = loop.run(bank, system(), round_, start).issued
    assert issued is not None
    assert issued.messages
    before = len(delivered(ready))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = deliver(bank.store, system("delivery"), file_channel(ready.folder), gate)
    assert done.done == 0
    assert len(done.failures) == issued.messages
    for failure in done.failures:
        assert isinstance(failure.error, EnvironmentFault)
        assert failure.error.code == "delivery.not_written"
        assert "free some space" in failure.reason.en
    monkeypatch.undo()
    with bank.store.begin(system()) as connection:
        assert waiting_messages(connection, "delivery") == issued.messages
    assert len(delivered(ready)) == before
    assert deliver(bank.store, system("delivery"), file_channel(ready.folder), gate).done > 0
    assert deliver(bank.store, system("delivery"), file_channel(ready.folder), gate).done == 0
    assert_whole(ready, round_)


@pytest.fixture
def edited(ready: Ready) -> Iterator[Any]:
    """Edit the bank's files, submit and approve them, and put all back afterwards."""
    kept: dict[Path, str] = {}

    def edit(name: str, *changes: tuple[str, str]) -> Bank:
        path = ready.folder / name
        kept.setdefault(path, path.read_text(encoding="utf-8"))
        written = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in written
            written = written.replace(old, new, 1)
        path.write_text(written, encoding="utf-8")
        bank = Bank(ready.folder, ready.bank.store, ready.bank.lake, ready.bank.clock)
        approve_all(bank)
        return bank

    yield edit
    for path, written in kept.items():
        path.write_text(written, encoding="utf-8")
    approve_all(Bank(ready.folder, ready.bank.store, ready.bank.lake, ready.bank.clock))


def lines_of(window: Window, campaign: str) -> int:
    return sum(line.customers for line in window.plan.lines if line.campaign == campaign)


def test_an_audience_of_nobody_is_a_plan_for_nobody_and_disturbs_no_other(ready: Ready, edited: Any) -> None:
    round_, start = ready.window()
    bank = edited("campaigns/bind-card.yaml", ("audience: has_debit_card and", f"audience: {NOBODY} and"))
    window = loop.plan(bank, system(), round_, start)
    assert (window.audiences["bind-card"].hit, window.audiences["bind-card"].usable) == (0, 0)
    assert lines_of(window, "bind-card") == 0
    assert lines_of(window, "first-wealth") > 0
    issued = loop.run(bank, system(), round_, start, prepared=window).issued
    assert issued is not None
    assert counted(bank, "SELECT count(*) FROM decision WHERE round = :r AND campaign = 'bind-card'", r=round_) == 0
    deliver(bank.store, system("delivery"), file_channel(ready.folder), gate)
    assert_whole(ready, round_)


def test_a_bank_without_any_audience_runs_and_sends_nothing(ready: Ready, edited: Any) -> None:
    round_, start = ready.window()
    for name in sorted(ready.bank.spec.campaigns):
        path = f"campaigns/{name}.yaml"
        written = (ready.folder / path).read_text(encoding="utf-8")
        audience = next(line for line in written.splitlines() if line.startswith("audience:"))
        bank = edited(path, (audience, f"audience: {NOBODY}"))
    issued = loop.run(bank, system(), round_, start).issued
    assert issued is not None
    assert (issued.decisions, issued.accepted, issued.messages, issued.tasks) == (0, 0, 0, 0)
    assert loop.run(bank, system(), round_, start).issued is None


# A push costs a fifth of a fen, so that one fen pays for five of them and for nothing else.
@pytest.mark.parametrize(("budget", "fits"), [("0 CNY", 0), ("0.01 CNY", 5)])
def test_a_budget_that_no_action_fits_is_spent_on_nothing_and_says_so(
    ready: Ready, edited: Any, budget: str, fits: int
) -> None:
    round_, start = ready.window()
    bank = edited("campaigns/bind-card.yaml", ("budget: 15000 CNY", f"budget: {budget}"))
    window = loop.plan(bank, system(), round_, start)
    mine = [line for line in window.plan.lines if line.campaign == "bind-card"]
    assert sum(line.customers for line in mine) == fits
    assert all(line.channel == "app_push" and line.benefit == "none" for line in mine if line.customers)
    [limit] = [r for r in window.plan.resources if r.name.startswith("budget:bind-card")]
    assert limit.used <= limit.limit
    issued = loop.run(bank, system(), round_, start, prepared=window).issued
    assert issued is not None
    with bank.store.begin(system(), Role.OWNER) as connection:
        reasons = connection.execute(
            text(
                "SELECT reasons, count(*) FROM decision WHERE round = :r AND campaign = 'bind-card' "
                "AND coalesce(issued_action, '') = '' GROUP BY 1"
            ),
            {"r": round_},
        ).all()
    assert reasons
    assert all(codes and codes[0] for codes, _ in reasons)
    deliver(bank.store, system("delivery"), file_channel(ready.folder), gate)


def test_a_capacity_of_zero_assigns_nobody_to_the_channel_and_disturbs_no_other(ready: Ready, edited: Any) -> None:
    round_, start = ready.window()
    bank = edited("policies.yaml", ("per_day: 70 ", "per_day: 0 "))
    window = loop.plan(bank, system(), round_, start)
    by_channel: Counter[str] = Counter()
    for line in window.plan.lines:
        by_channel[line.action.split("|")[2] if "|" in line.action else line.action] += line.customers
    assert by_channel["rm_call"] == 0
    assert sum(by_channel.values()) > 0
    issued = loop.run(bank, system(), round_, start, prepared=window).issued
    assert issued is not None
    called = (
        "SELECT count(*) FROM contact c JOIN decision d USING (decision_id) "
        "WHERE d.round = :r AND c.channel = 'rm_call' AND c.accepted"
    )
    assert counted(bank, called, r=round_) == 0
    deliver(bank.store, system("delivery"), file_channel(ready.folder), gate)
    assert_whole(ready, round_)
