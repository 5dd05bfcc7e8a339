"""The bank in time: an earlier day that what followed agrees with, and rounds after which people stand elsewhere."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import InputError, NotFoundError
from bankloop.kit.worktime import is_working_day
from bankloop.lake.contracts import Scope
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.simulate.contracts import Response, SimulatedBank
from bankloop.simulate.lookup import number_rows
from bankloop.simulate.parameters import read_parameters
from bankloop.simulate.service import write_bank
from bankloop.simulate.standing import newest_day, read_standing
from bankloop.simulate.world import World

THEN, NOW, TODAY, LATER, LAST = (
    date(2026, 10, 21),
    date(2026, 11, 21),
    date(2026, 11, 22),
    date(2026, 12, 21),
    date(2027, 1, 20),
)
BIND, WEALTH, KEEP = "bind-card", "first-wealth", "keep-deposits"
ACTION = {
    BIND: "debit-card-wallet|coupon-20|sms",
    WEALTH: "risk-assessment|none|wecom",
    KEEP: "term-deposit-renewal|none|rm_call",
}


@dataclass(frozen=True)
class Core:
    """One day's core delivery, defects left out: flags by customer number, holdings by row."""

    bound: dict[str, bool]
    consent: dict[str, bool]
    complained: dict[str, str]
    assessed: dict[str, str]
    birth: dict[str, str]
    payroll: set[str]
    holdings: list[dict[str, str]]

    def holders(self, product_class: str) -> set[str]:
        return {row["客户号"] for row in self.holdings if row["产品大类"] == product_class}

    def deposits(self) -> list[dict[str, str]]:
        return [row for row in self.holdings if row["产品大类"] == "term_deposit"]

    def maturing(self, after: date, days: int = 60) -> dict[str, float]:
        """Return yuan by customer, as the audience's term_maturing_60d is defined."""
        out: Counter[str] = Counter()
        for row in self.deposits():
            if after.isoformat() <= row["到期日"] <= (after + timedelta(days=days)).isoformat():
                out[row["客户号"]] += float(row["余额"])  # type: ignore[assignment]
        return dict(out)


def read_core(folder: Path, day: date) -> Core:
    night = folder / "data" / "incoming" / day.isoformat() / "core"
    lines = (night / "customer.dat").read_bytes().splitlines()
    header = lines[0].decode("gbk").split("|@|")
    people: dict[str, dict[str, str]] = {}
    for line in lines[1:]:
        row = dict(zip(header, line.decode("gbk", errors="replace").split("|@|"), strict=True))
        if row["客户号"] < "C9":
            people.setdefault(row["客户号"], row)
    with (night / "holding.csv").open(encoding="utf-8-sig", newline="") as file:
        held = [row for row in csv.DictReader(file) if row["持有编号"] < "H8"]
    return Core(
        {no: row["绑卡标志"] == "1" for no, row in people.items()},
        {no: row["营销同意"] == "1" for no, row in people.items()},
        {no: row["投诉日期"] for no, row in people.items()},
        {no: row["测评日期"] for no, row in people.items()},
        {no: row["出生日期"] for no, row in people.items()},
        {no for no, row in people.items() if row["代发单位"]},
        held,
    )


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> SimulatedBank:
    return write_bank(tmp_path_factory.mktemp("moved"), 20_000, seed=5, months=3)


@pytest.fixture(scope="module")
def then(moved: SimulatedBank) -> Core:
    return read_core(moved.folder, THEN)


@pytest.fixture(scope="module")
def now(moved: SimulatedBank) -> Core:
    return read_core(moved.folder, NOW)


@pytest.fixture(scope="module")
def events(moved: SimulatedBank) -> pa.Table:
    files = sorted((moved.folder / "data" / "incoming").glob("*/events/*.parquet"))
    return pa.concat_tables(pq.read_table(file) for file in files)


def since(events: pa.Table, kind: str) -> dict[str, date]:
    """Return who did something after the earlier day, with the bank's local day."""
    hit = events.filter(pc.equal(events["type"], kind))
    local = [moment + timedelta(hours=8) for moment in hit["occurred_at"].to_pylist()]
    pairs = zip(hit["customer_no"].to_pylist(), local, strict=True)
    return {no: moment.date() for no, moment in pairs if THEN < moment.date() <= NOW}


def drawn(successes: int, chance: float, count: int) -> bool:
    """Return whether a count lies within four binomial deviations."""
    return bool(abs(successes - chance * count) <= 4 * (count * chance * (1 - chance)) ** 0.5)


def test_nobody_is_bound_before_the_first_payment(then: Core, now: Core, events: pa.Table) -> None:
    paid = since(events, "first_wallet_payment")
    assert paid
    assert not any(then.bound[no] for no in paid)
    assert {no for no in then.bound if now.bound[no] and not then.bound[no]} == set(paid)
    # The day after the snapshot stays blank, so that a window of thirty days holds all that followed.
    assert min(paid.values()) >= THEN + timedelta(days=2)
    wallet = events.filter(pc.and_(pc.equal(events["channel"], "wallet"), pc.equal(events["type"], "transaction")))
    before = wallet.filter(pc.less(wallet["occurred_at"], pa.scalar(datetime(2026, 10, 22, tzinfo=UTC))))
    assert not set(before["customer_no"].to_pylist()) & set(paid)


def test_wealth_is_bought_with_money_that_was_there_or_came(then: Core, now: Core, events: pa.Table) -> None:
    bought = set(since(events, "first_wealth_purchase"))
    assert bought
    assert not bought & then.holders("wealth")
    assert now.holders("wealth") == then.holders("wealth") | bought
    for no in bought:
        opened = {row["开立日"] for row in now.holdings if row["客户号"] == no and row["产品大类"] == "wealth"}
        assert opened == {since(events, "first_wealth_purchase")[no].isoformat()}
        assert now.assessed[no] > "20251121"
    assert all(float(row["余额"]) >= 0 for row in now.holdings)


def test_matured_deposits_were_there_and_are_gone_or_renewed(then: Core, now: Core, events: pa.Table) -> None:
    matured = {row["持有编号"]: row for row in then.deposits() if row["到期日"] <= NOW.isoformat()}
    held = {row["持有编号"] for row in now.holdings}
    assert matured
    assert not matured.keys() & held
    assert {row["客户号"] for row in matured.values()} == set(since(events, "deposit_matured"))
    assert all(row["到期日"] > NOW.isoformat() for row in now.deposits())
    assert all(row["到期日"] > THEN.isoformat() and row["开立日"] <= THEN.isoformat() for row in then.deposits())
    kept = since(events, "deposit_kept")
    renewed = {(row["客户号"], row["开立日"]) for row in now.deposits() if row["开立日"] > THEN.isoformat()}
    audience = {no for no, yuan in then.maturing(THEN).items() if yuan >= 20_000}
    for row in matured.values():
        if row["客户号"] in kept and row["客户号"] in audience:
            assert (row["客户号"], row["到期日"]) in renewed
    others = {row["持有编号"] for row in then.deposits()} - matured.keys()
    assert len(others - held) < 5  # emptied by a purchase


def test_who_opens_an_account_later_is_not_in_the_earlier_files(then: Core, now: Core, moved: SimulatedBank) -> None:
    late = now.bound.keys() - then.bound.keys()
    assert len(now.bound) == moved.customers
    assert 0 < len(late) < 40
    assert not late & {row["客户号"] for row in then.holdings}


def test_the_bank_stays_as_large(then: Core, now: Core) -> None:
    money = {"demand_deposit", "term_deposit", "wealth", "fund", "insurance"}
    before, after = (sum(float(r["余额"]) for r in day.holdings if r["产品大类"] in money) for day in (then, now))
    assert after / before == pytest.approx(1, abs=0.02)


def test_goals_came_at_the_base_of_the_truth(then: Core, events: pa.Table) -> None:
    p = read_parameters()
    aged = {no for no, day in then.birth.items() if "19611022" <= day <= "20081021"}
    cards = then.holders("debit_card")
    unbound = [no for no in aged & cards if not then.bound[no] and then.consent[no]]
    paid = since(events, "first_wallet_payment")
    assert drawn(sum(no in paid for no in unbound), p.number("bind-card.base") / 100, len(unbound))
    owned: Counter[str] = Counter()
    for row in then.holdings:
        if row["产品大类"] in ("demand_deposit", "term_deposit", "fund", "insurance"):
            owned[row["客户号"]] += float(row["余额"])  # type: ignore[assignment]
    savers = [no for no in then.payroll & aged - then.holders("wealth") if owned[no] >= 5000 and then.consent[no]]
    bought = since(events, "first_wealth_purchase")
    assert drawn(sum(no in bought for no in savers), p.number("first-wealth.base") / 100, len(savers))
    kept = since(events, "deposit_kept")
    ends: dict[str, tuple[float, str]] = {}
    for row in then.deposits():
        if row["到期日"] <= (THEN + timedelta(days=60)).isoformat():
            ends[row["客户号"]] = max(ends.get(row["客户号"], (0.0, "")), (float(row["余额"]), row["自动转存"]))
    audience = [no for no, yuan in then.maturing(THEN).items() if yuan >= 20_000]
    for renews, base in (("是", "base_auto_renew"), ("否", "base_other")):
        group = [no for no in audience if ends[no][1] == renews]
        assert drawn(sum(no in kept for no in group), p.number(f"{KEEP}.{base}") / 100, len(group))
    assert len(audience) > 500


def test_events_come_once(moved: SimulatedBank, events: pa.Table) -> None:
    assert not (moved.folder / "data" / "incoming" / THEN.isoformat() / "events").exists()
    keys = events.group_by(["source", "event_id"]).aggregate([])
    assert keys.num_rows == events.num_rows
    assert (moved.folder / "data" / "incoming" / THEN.isoformat() / ".ok").exists()


def test_the_truth_of_today_is_the_tables(moved: SimulatedBank) -> None:
    world = World.load(moved.folder)
    population = world.population(BIND)
    over = world.customers()["contactable"].to_numpy()[number_rows(population)]
    assert world.probabilities(BIND, population, [])[over, 0].mean() == pytest.approx(0.04, abs=1e-6)
    assert not set(population.to_pylist()) & {no for no, bound in read_core(moved.folder, NOW).bound.items() if bound}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_bank(tmp_path / "bank", 5000, seed=9, months=2).folder


def round_of(world: World, number: int, start: date) -> list[Response]:
    """Contact nine in ten of every population; the rest is outside the campaigns."""
    out = []
    for campaign, action in ACTION.items():
        population = world.population(campaign)
        asked = population.take(pa.array(np.flatnonzero(np.arange(len(population)) % 10)))
        out.append(world.respond(campaign, number, start, asked, [action] * len(asked)))
    return out


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file()
    }


def reached(responses: list[Response], campaign: str) -> set[str]:
    (own,) = [one.table for one in responses if one.campaign == campaign]
    return set(own.filter(own["success"])["customer_no"].to_pylist())


def test_a_round_moves_people_on(small: Path) -> None:
    world = World.load(small)
    before = {campaign: set(world.population(campaign).to_pylist()) for campaign in ACTION}
    types = {campaign: world.types(campaign, world.population(campaign)) for campaign in ACTION}
    known = {campaign: world.population(campaign).to_pylist() for campaign in ACTION}
    responses = round_of(world, 1, TODAY)
    made = world.advance(small, responses, LATER)
    assert made == small / "data" / "incoming" / LATER.isoformat()
    assert not list(made.rglob("*truth*"))
    core = read_core(small, LATER)
    paid = reached(responses, BIND)
    assert all(core.bound[no] for no in paid)
    assert reached(responses, WEALTH) <= core.holders("wealth")
    kept = reached(responses, KEEP)
    year = (LATER + timedelta(days=300)).isoformat()
    renewed = {row["客户号"] for row in core.deposits() if row["到期日"] > year and row["开立日"] > NOW.isoformat()}
    assert kept <= renewed
    # What was agreed on is not asked for again; another deposit of theirs may have come into sight.
    held = {row["持有编号"] for row in core.deposits()}
    earlier = read_core(small, NOW).deposits()
    in_sight = (NOW + timedelta(days=60)).isoformat()
    assert not any(row["持有编号"] in held for row in earlier if row["客户号"] in kept and row["到期日"] <= in_sight)
    for campaign in ACTION:
        after = set(world.population(campaign).to_pylist())
        if campaign != KEEP:
            assert not after & reached(responses, campaign)
        stayed = [place for place, no in enumerate(known[campaign]) if no in after]
        again = world.types(campaign, [known[campaign][place] for place in stayed])
        assert (again == types[campaign][stayed]).all()
    # Outside the decisions some reach the goal all the same, and other deposits come into sight.
    asked = set(responses[0].table["customer_no"].to_pylist())
    assert any(core.bound[no] for no in before[BIND] - asked)
    assert set(world.population(KEEP).to_pylist()) - before[KEEP]
    assert {no for no, yuan in core.maturing(LATER).items() if yuan >= 20_000} == set(
        world.population(KEEP).to_pylist()
    )


def test_a_response_is_told_once_and_others_are_recorded(small: Path) -> None:
    world = World.load(small)
    responses = round_of(world, 1, TODAY)
    world.advance(small, responses, LATER)
    files = sorted((small / "data" / "incoming").glob("*/events/*.parquet"))
    table = pa.concat_tables(pq.read_table(file) for file in files)
    assert table.group_by(["source", "event_id"]).aggregate([]).num_rows == table.num_rows
    fresh = pq.read_table(files[0].parents[2] / LATER.isoformat() / "events")
    paid = fresh.filter(pc.equal(fresh["type"], "first_wallet_payment"))
    assert paid.num_rows
    assert not set(paid["customer_no"].to_pylist()) & set(responses[0].table["customer_no"].to_pylist())
    # From the 22nd to the 21st every payday comes once.
    paid_out = fresh.filter(pc.equal(fresh["type"], "payroll"))["customer_no"].to_pylist()
    assert sorted(paid_out) == sorted(read_core(small, LATER).payroll)
    assert pc.min(fresh["occurred_at"]).as_py() >= datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert pc.max(fresh["occurred_at"]).as_py() < datetime(2026, 12, 21, 16, tzinfo=UTC)


def test_complaints_and_consent_reach_the_files(small: Path) -> None:
    world = World.load(small)
    response = world.respond(BIND, 1, TODAY, world.population(BIND)[:2], [ACTION[BIND]] * 2)
    table = response.table
    for name, mask in (("unsubscribed", [True, False]), ("complained", [False, True])):
        table = table.set_column(table.column_names.index(name), name, pa.array(mask))
    world.advance(small, [Response(BIND, response.goal, table, response.events)], LATER)
    first, second = table["customer_no"].to_pylist()
    core = read_core(small, LATER)
    assert not core.consent[first]
    assert core.complained[second] == "20261122"


def test_the_same_rounds_write_the_same_bank(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        folder = tmp_path / name
        write_bank(folder, 2000, seed=9, months=2)
        world = World.load(folder)
        world.advance(folder, round_of(world, 1, TODAY), LATER)
        # The second time another process goes on from what the files remember.
        world = world if name == "a" else World.load(folder)
        responses = round_of(world, 2, LATER + timedelta(days=1))
        world.advance(folder, responses, LAST)
        if name == "b":
            world.advance(folder, responses, LAST)
        made.append(digests(folder))
    assert made[0] == made[1]
    assert read_standing(newest_day(folder)).day == LAST


def test_a_day_that_is_not_ahead_is_refused(small: Path) -> None:
    world = World.load(small)
    with pytest.raises(NotFoundError, match=r"simulate\.no_truth"):
        world.advance(small, [], NOW)
    late = world.respond(BIND, 1, LAST, world.population(BIND)[:5], [ACTION[BIND]] * 5)
    with pytest.raises(InputError, match=r"simulate\.round_outside"):
        world.advance(small, [late], LATER)
    with pytest.raises(InputError, match=r"simulate\.lookback"):
        write_bank(small, 300, 1, lookback_days=400)


def test_all_days_load_and_only_the_injected_rows_are_refused(tmp_path: Path) -> None:
    bank = write_bank(tmp_path, 5000, seed=9, months=2)
    clock = FixedClock(datetime(2026, 12, 22, 4, tzinfo=UTC))
    manifest = MemoryManifest()
    lake = Lake(tmp_path, manifest, clock, memory="512MB", threads=2)
    report = load_bank(tmp_path, lake)
    assert sum(source.quarantined for source in report.sources) == sum(bank.defects.values())
    assert [version.as_of for version in manifest.versions("customer")] == [THEN, NOW]
    loaded = {source.day: source.loaded for source in report.sources if source.table == "customer"}
    assert loaded[NOW] == 5000
    world = World.load(tmp_path)
    world.advance(tmp_path, round_of(world, 1, TODAY), LATER)
    report = load_bank(tmp_path, lake)
    refused = {source.table: source.quarantined for source in report.sources}
    assert refused == {"customer": 10, "holding": 4, "event": 0, "net_value": 0}
    with lake.connection(Scope.whole_bank("test")) as engine:
        values = engine.execute(
            "SELECT day, nav_ppm FROM net_value WHERE product_id = 'fund-equity' ORDER BY 1"
        ).fetchall()
    # The round's days go on from the year before: each working day once, no day's jump beyond the fall's own.
    days = [NOW - timedelta(days=365) + timedelta(days=n) for n in range((LATER - NOW).days + 366)]
    assert [day for day, _ in values] == [day for day in days if is_working_day(day)]
    until = [nav for day, nav in values if day <= NOW]
    assert until[-1] / until[-3] < 0.92
    moves = [after / before - 1 for (_, before), (_, after) in pairwise(values)]
    assert min(moves) == pytest.approx(-0.052, abs=1e-5)
    assert max(moves) < 0.025
    assert values[-1][1] / values[-3][1] < 0.92
    assert [version.as_of for version in manifest.versions("holding")] == [THEN, NOW, LATER]
