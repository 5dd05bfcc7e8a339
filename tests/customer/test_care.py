"""Care: a call before money matures, the worthiest first; a fall explained to every holder, once, without selling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.care.maturity import (
    Renewal,
    at_stake,
    falls,
    holders_of,
    make_maturity_tasks,
    maturing,
    net_values,
    read_care,
    renewals,
    said,
    spared_by,
    tell_holders,
    told,
)
from bankloop.contact.contracts import Cap
from bankloop.contact.delivery import deliver
from bankloop.contact.queries import broken_caps, contacts_of
from bankloop.kit.errors import ConflictError, SpecError
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import Lake, open_lake
from bankloop.loop.script import check_service
from bankloop.organization.principals import system
from bankloop.organization.task import first_calls, open_tasks_for
from bankloop.store.contracts import DecisionBatch
from bankloop.store.history import append_decisions
from tests.contact.decisions import decisions_by_class
from tests.customer.test_consent import word
from tests.customer.test_tiers import people
from tests.loop.evaluate.rounds import decisions
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

PROGRAM = system("care")
TODAY = date(2026, 6, 30)
YUAN = 100
POLICY = read_care().maturity


def holding(
    number: str, kind: str, yuan: int, days: int | None, *, renew: bool = False, place: int = 0
) -> dict[str, Any]:
    return {
        "holding_id": f"{number}-{place}", "customer_no": number, "product_class": kind, "product_id": f"{kind}-1",
        "balance_fen": yuan * YUAN, "opened_on": date(2025, 6, 1), "auto_renew": renew,
        "matures_on": None if days is None else TODAY + timedelta(days=days),
    }  # fmt: skip


def rows(table: str, found: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(one) for one in found], schema_of(CONTRACTS[table]))


def happened(number: str, kind: str, days_ago: int, yuan: int, place: int) -> dict[str, Any]:
    at = datetime(2026, 6, 30, 2, tzinfo=UTC) - timedelta(days=days_ago)
    return {"source": "core", "event_id": place, "customer_no": number, "type": kind, "occurred_at": at, "recorded_at": at, "channel": None, "scene": None, "amount_fen": yuan * YUAN}  # fmt: skip


@pytest.fixture
def lake(folk: Folk, tmp_path: Path) -> Lake:
    """Customers of managers, one without, and what they hold that matures."""
    made = open_lake(tmp_path, folk.store, system("lake"))
    numbers = [f"C{n:04d}" for n in range(40)] + ["C0900"]
    made.publish("customer", people(*numbers), date(2026, 6, 1))
    made.publish(
        "holding",
        rows("holding", [
            holding("C0000", "term_deposit", 20_000, 7, renew=True), holding("C0001", "term_deposit", 110_000, 7),
            holding("C0002", "term_deposit", 600_000, 55), holding("C0003", "wealth", 30_000, 7),
            holding("C0003", "wealth", 15_000, 20, place=1),
            holding("C0004", "term_deposit", 19_000, 5), holding("C0005", "term_deposit", 110_000, 20),
            holding("C0006", "term_deposit", 15_000, 3), holding("C0006", "term_deposit", 15_000, 5, place=1),
            holding("C0900", "term_deposit", 110_000, 7), holding("C0007", "demand_deposit", 110_000, None),
        ]),
        TODAY,
    )  # fmt: skip
    return made


def care(folk: Folk, lake: Lake, effects: Mapping[str, float] | None = None, day: date = TODAY) -> Any:
    with folk.store.begin(PROGRAM) as connection:
        return make_maturity_tasks(connection, lake, day, effects or {})


def called(folk: Folk) -> dict[str, tuple[int, str]]:
    with folk.store.begin(PROGRAM) as connection:
        found = connection.execute(text("SELECT customer_no, value_fen, reason FROM staff_task ORDER BY 1")).all()
    return {row[0]: (row[1], row[2]) for row in found}


@pytest.mark.capability("C28")
def test_who_may_leave_is_called_before_who_renews_and_who_renews_only_where_it_helps(folk: Folk, lake: Lake) -> None:
    done = care(folk, lake, {"C0000": -0.02})
    assert done.spared["harm"] == 1
    assert "C0000" not in called(folk)
    made = called(folk)
    assert made["C0001"][1] == "maturity|term_deposit|2026-07-07|off||7"
    # A renewing one whom a call was measured to help comes after who does not renew.
    assert care(folk, lake, {"C0000": 0.03}).tasks == 1
    made = called(folk)
    assert made["C0001"][0] > made["C0000"][0]
    first = first_calls([(value, 1.0) for value, _ in made.values()], 10)
    order = [list(made)[place] for place in first]
    assert order.index("C0001") < order.index("C0000")


@pytest.mark.capability("B23")
def test_a_wealth_product_that_matures_in_a_week_is_a_task_of_that_day(folk: Folk, lake: Lake) -> None:
    assert "C0003" not in called(folk)
    care(folk, lake, day=TODAY - timedelta(days=1))
    assert "C0003" not in called(folk)  # eight days before
    care(folk, lake)
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        mine = {t.customer_no: t for t in open_tasks_for(connection, "M00001", TODAY)}
    assert mine["C0003"].due_on == TODAY
    words = said(mine["C0003"].reason)
    assert words is not None
    assert "2026-07-07 到期" in words.zh


def _maturing(folk: Folk, lake: Lake, day: date) -> list[Any]:
    with folk.store.begin(PROGRAM) as connection:
        return maturing(connection, lake, POLICY, day)


def test_one_customer_gets_one_call_and_the_steps_have_their_least(folk: Folk, lake: Lake) -> None:
    done = care(folk, lake)
    made = called(folk)
    # 600,000 in 55 days, 110,000 in 7, two of 15,000 together; not 110,000 in 20 days nor 19,000 in 5.
    assert set(made) == {"C0001", "C0002", "C0003", "C0006"}
    assert done.spared == {"no_manager": 1, "renews": 1}
    assert care(folk, lake).tasks == 0
    assert care(folk, lake, day=TODAY + timedelta(days=1)).tasks == 0  # spoken with already


def test_who_is_not_to_be_contacted_or_is_spoken_with_already_is_left_alone(folk: Folk, lake: Lake) -> None:
    word(folk, "do_not_contact", True, evidence={})
    assert care(folk, lake).spared["do_not_contact"] == 1
    assert "C0001" not in called(folk)


def test_a_call_of_care_is_on_record_as_service_and_breaks_no_cap_of_marketing(folk: Folk, lake: Lake) -> None:
    care(folk, lake)
    with folk.store.begin(PROGRAM) as connection:
        assert connection.scalars(text("SELECT DISTINCT contact_class FROM contact")).all() == ["service"]
        assert broken_caps(connection, [Cap("*", 0, 30)]) == 0
        assert [row[:4] for row in contacts_of(connection, "C0001")] == [(TODAY, "rm_call", "maturity", True)]


@pytest.mark.parametrize("cell", ["control", "holdout"])
def test_who_is_kept_out_of_a_campaign_by_lot_is_reminded_of_a_maturity_all_the_same(
    folk: Folk, lake: Lake, cell: str
) -> None:
    # A ghost: the campaign would have called, and the lot kept the customer out of it.
    ghost = decisions(
        [
            {
                "decision_id": str(uuid4()), "campaign": "keep-deposits", "customer_no": number, "cell": cell,
                "plan_id": str(uuid4()), "intended_action": "term-deposit-renewal|none|rm_call", "reasons": [cell],
                "window_start": TODAY, "window_end": TODAY + timedelta(days=29), "due_on": TODAY + timedelta(days=30),
            }
            for number in ("C0001", "C0003")
        ]
    )  # fmt: skip
    with folk.store.begin(PROGRAM) as connection:
        assert append_decisions(connection, DecisionBatch(ghost)) == 2
    care(folk, lake)
    assert {"C0001", "C0003"} <= set(called(folk))
    with folk.store.begin(PROGRAM) as connection:
        kept = connection.execute(
            text("SELECT customer_no, contact_class, accepted FROM contact WHERE customer_no IN ('C0001', 'C0003')")
        ).all()
    assert sorted(tuple(one) for one in kept) == [("C0001", "service", True), ("C0003", "service", True)]


def test_the_forecast_is_the_bank_s_own_history_by_band_and_little_of_it_leans_on_the_whole(
    folk: Folk, lake: Lake
) -> None:
    events = []
    for place in range(40):  # small ones: all kept; large ones: half
        number, yuan = f"C{place:04d}", 10_000 if place < 20 else 300_000
        events.append(happened(number, "deposit_matured", 100, yuan, 2 * place))
        if place < 20 or place % 2:
            events.append(happened(number, "deposit_kept", 70, yuan, 2 * place + 1))
    events.append(happened("C0001", "deposit_matured", 20, 10_000, 999))  # its month is not over
    lake.publish("event", rows("event", events), TODAY)
    found = {one.customer_no: one for one in _maturing(folk, lake, TODAY)}
    small, middle, large = (found[n].forecast for n in ("C0000", "C0001", "C0002"))
    assert (small.matured, small.kept, middle.matured, large.matured, large.kept) == (20, 20, 0, 20, 10)
    assert (small.kept_ppm, middle.kept_ppm, large.kept_ppm) == (850_000, 750_000, 650_000)
    assert found["C0001"].stake_fen == 110_000 * YUAN * 25 // 100
    assert found["C0003"].forecast == Renewal(None, 0, 0)
    assert found["C0003"].stake_fen == found["C0003"].balance_fen
    assert all(one.value_fen > 0 for one in found.values())


@given(
    st.dictionaries(st.integers(0, 2), st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=3),
    st.integers(0, 10**12),
)
def test_a_forecast_is_a_share_and_what_is_at_stake_a_part(history: dict[int, tuple[int, int]], fen: int) -> None:
    known = {band: (max(pair), min(pair)) for band, pair in history.items()}
    for one in renewals(known, 3):
        assert one.kept_ppm is None or 0 <= one.kept_ppm <= 1_000_000
        assert 0 <= at_stake(fen, one) <= fen


def test_whom_to_spare() -> None:
    assert [spared_by(renew, effect) for renew in (False, True) for effect in (None, -0.1, 0.0, 0.1)] == [
        "", "harm", "", "", "renews", "harm", "renews", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        "maturity: 3",
        "maturity: {steps: [{days: 0, least: 1}]}",
        "maturity: {ahead_days: 60, history_days: 1, steps: [], bands: [2, 1]}",
        "drawdown: {days: 5, fall: 800}",
    ],
)
def test_a_policy_that_cannot_be_names_its_place(tmp_path: Path, bad: str) -> None:
    (tmp_path / "care.yaml").write_text(bad, encoding="utf-8")
    with pytest.raises(SpecError, match=r"care\.yaml:\d"):
        read_care(tmp_path)


class Sent:
    """A channel that keeps what it is handed."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, str, list[str]]] = []

    def send(self, key: str, channel: str, due_on: str, contacts: Sequence[Mapping[str, Any]]) -> None:
        self.parts.append((key, channel, [one["customer_no"] for one in contacts]))


@pytest.fixture
def fallen(folk: Folk, lake: Lake) -> Lake:
    """A fund that fell by 8 % in five days, with 1,200 holders of whom 800 have no manager; one that fell by 7.9 %."""
    folk.books |= {f"F{n:04d}": ("S0001", "M00001" if n < 400 else None, "retail") for n in range(1_200)}
    folk.load()
    numbers = [f"F{n:04d}" for n in range(1_200)]
    table = people(*numbers).to_pylist()
    for n, row in enumerate(table):
        row |= {"push_allowed": 400 <= n < 800, "phone_valid": n < 1_190}
    lake.publish("customer", rows("customer", table), TODAY)
    lake.publish("holding", rows("holding", [holding(n, "fund", 1_000, None) for n in numbers]), TODAY)
    values = [("fund-1", 7, 900_000), ("fund-1", 5, 1_000_000), ("fund-1", 2, 960_000), ("fund-1", 0, 920_000), ("fund-2", 5, 1_000_000), ("fund-2", 0, 921_000)]  # fmt: skip
    lake.publish(
        "net_value",
        rows("net_value", [{"product_id": p, "day": TODAY - timedelta(days=d), "nav_ppm": v} for p, d, v in values]),
        TODAY,
    )
    return lake


@pytest.mark.capability("C29")
def test_a_fund_that_fell_by_eight_per_cent_is_explained_to_its_1200_holders_once(folk: Folk, fallen: Lake) -> None:
    def tell() -> Any:
        with folk.store.begin(PROGRAM) as connection:
            return tell_holders(connection, fallen, TODAY, "fund-1", "drawdown@1", ["app_push", "rm_call", "sms"])

    done = tell()
    assert (done.holders, done.tasks, done.messages, done.untold) == (
        1_200, 400, {"app_push": 400, "sms": 390}, {"no_channel": 10},
    )  # fmt: skip
    with folk.store.begin(PROGRAM) as connection:
        (fall,) = falls(fallen, read_care().drawdown, TODAY)
        ways = Counter(
            (one.channel, one.state) for one in told(connection, fall, holders_of(fallen, ["fund-1"])["fund-1"])
        )
    assert ways == {("rm_call", "ASSIGNED"): 400, ("app_push", ""): 400, ("sms", ""): 390, ("", ""): 10}
    assert [value for _, value in net_values(fallen, TODAY, 5)["fund-1"]] == [1_000_000, 960_000, 920_000]
    again = tell()
    assert (again.tasks, again.messages) == (0, {"app_push": 0, "sms": 0})
    sent = Sent()
    # None of them consented to marketing: service needs none.
    count = deliver(folk.store, system("delivery"), sent, lambda _, contacts: contacts).done
    assert count == 790
    assert deliver(folk.store, system("delivery"), sent, lambda _, contacts: contacts).done == 0
    assert sorted(len(numbers) for _, _, numbers in sent.parts) == [390, 400]
    with folk.store.begin(PROGRAM) as connection:
        assert broken_caps(connection, [Cap("*", 0, 30)]) == 0
        assert connection.scalars(text("SELECT DISTINCT contact_class FROM contact")).all() == ["service"]
        assert decisions_by_class(connection) == {("care:drawdown", 0, "service"): 1_190}
        assert connection.scalar(text("SELECT count(*) FROM staff_task WHERE staff_id = 'M00001'")) == 400


def test_a_fall_below_the_measure_is_none_and_a_stop_between_is_heard(folk: Folk, fallen: Lake) -> None:
    with pytest.raises(ConflictError, match="no_fall"), folk.store.begin(PROGRAM) as connection:
        tell_holders(connection, fallen, TODAY, "fund-2", "drawdown@1", ["sms"])
    with folk.store.begin(PROGRAM) as connection:
        assert tell_holders(connection, fallen, TODAY, "fund-1", "drawdown@1", ["sms"]).messages == {"sms": 790}
    word(folk, "do_not_contact", True, "F0500", evidence={})
    sent = Sent()
    assert deliver(folk.store, system("delivery"), sent, lambda _, contacts: contacts).done == 789
    assert "F0500" not in {number for _, _, numbers in sent.parts for number in numbers}


@pytest.mark.parametrize(
    ("words", "sells"),
    [
        ("净值近日有所波动，说明见公告", False),
        ("现在正是加 仓好时机", True),
        ("可申购同类产品", True),
        ("该产品已暂停申购", False),
        ("Buy more while it is low", True),
        ("保本", True),
    ],
)
def test_an_explanation_never_sells(words: str, sells: bool) -> None:
    assert bool(check_service(words)) is sells
