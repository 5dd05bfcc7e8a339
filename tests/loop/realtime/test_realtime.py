"""Real time on a bank whose round runs: what the batch decides, real time decides; once, and never beyond a limit."""

from __future__ import annotations

import time
from collections import Counter as Count
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.benefit.grants import STOCK, pool_of
from bankloop.contact.contracts import CONTACT_SCHEMA, Cap
from bankloop.contact.declined import declined_asked
from bankloop.contact.gate import reserve_contacts
from bankloop.customer.consent import restrict
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.ledger.statements import check_ledger
from bankloop.loop.campaign.approving import pause_campaign
from bankloop.loop.offering.shelf import ShelfChange
from bankloop.loop.realtime import (
    NOTHING,
    SHOWN,
    DecisionDesk,
    LiveAnswer,
    LiveOutcome,
    decide_live,
    explain,
    rank_live,
    record_outcome,
    slot_tallies,
)
from bankloop.loop.realtime.weighing import Planned, weigh
from bankloop.loop.run import plan
from bankloop.loop.spec import Availability
from bankloop.organization.principals import maker, system
from bankloop.store.questions import ask
from tests.loop.realtime.conftest import SCREEN, SLOT, SOME
from tests.loop.test_shelf import granted

PPM = 1_000_000
_ALLOWED = {"marketing_consent": True, "do_not_contact": False, "personalisation_off": False}


def people(desk: DecisionDesk) -> list[str]:
    found: list[str] = desk.counter().table["customer_no"].to_pylist()
    return found[:SOME]


def answers(desk: DecisionDesk, slot: str = SLOT) -> dict[str, LiveAnswer]:
    return {one: decide_live(desk, system(), one, slot) for one in people(desk)}


def shown(found: Mapping[str, LiveAnswer]) -> list[LiveAnswer]:
    return [one for one in found.values() if one.code == SHOWN]


def rows(desk: DecisionDesk, query: str) -> list[Any]:
    with desk.bank.store.begin(system()) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def later(desk: DecisionDesk, days: int) -> None:
    clock = FixedClock(desk.bank.clock.now() + timedelta(days=days))
    desk.bank.store.clock = clock
    object.__setattr__(desk.bank, "clock", clock)


def test_some_are_shown_something_and_everybody_else_is_told_why(live: DecisionDesk) -> None:
    found = answers(live)
    codes = Count(one.code for one in found.values())
    assert codes[SHOWN] > 10
    assert {"consent", "excluded", "untold", "nothing_open", "reached_already"} <= set(codes)
    for one in found.values():
        assert one.code in NOTHING
        assert "{" not in f"{one.reason.zh}{one.reason.en}"
    for one in shown(found):
        assert one.said is not None
        assert "{" not in one.said.zh
        assert one.ranked[0].score_fen > 0
        assert one.ranked[0].action == one.action
    contacts = Count(rows(live, f"SELECT channel, contact_class, accepted FROM contact WHERE channel = '{SLOT}'"))
    assert contacts == {(SLOT, "impression", True): codes[SHOWN]}


def test_asked_again_the_same_is_answered_and_nothing_new_is_written(live: DecisionDesk) -> None:
    first = answers(live)
    counted = (
        "SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM contact), (SELECT count(*) FROM benefit_grant)"
    )
    before = rows(live, counted)
    for number, one in answers(live).items():
        was = first[number]
        assert (one.code, one.decision_id, one.action, one.said) == (was.code, was.decision_id, was.action, was.said)
        assert one.known or not was.decision_id
    assert rows(live, counted) == before


def test_who_asks_many_times_at_once_gets_one_decision(live: DecisionDesk) -> None:
    number = shown({one: rank_live(live, system(), one, SLOT) for one in people(live)})[0].customer_no
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: decide_live(live, system(), number, SLOT), range(24)))
    assert len({one.decision_id for one in found}) == 1
    assert sum(not one.known for one in found) == 1
    assert rows(live, f"SELECT count(*) FROM contact WHERE channel = '{SLOT}' AND customer_no = '{number}'") == [(1,)]


def test_at_the_plan_s_prices_real_time_chooses_what_the_plan_chose(live: DecisionDesk) -> None:
    """Every customer of the plan, held apart or not: the same locks, state and prices, the same intended action."""
    counter = live.counter()
    window = counter.windows[0]
    batch = plan(live.bank, system(), window.round, window.plan.window_start)
    assert str(window.plan.plan_id).replace("-", "") == batch.plan.plan_id
    found = batch.plan.candidates
    names = [*(f"{one.campaign}|{one.key}" for one in found.actions), ""]
    numbers = found.customer_no.to_pylist()
    different, chosen = [], 0
    for at, number in enumerate(numbers):
        row = counter.row(number)
        assert row is not None
        side = weigh(counter, window, row, number, "", {})
        intended = names[max(batch.plan.intended[at].tolist())]
        chosen += bool(intended)
        if side.ghost.chosen != intended or side.cell != found.cell[at]:
            different.append((number, side.ghost.chosen, intended, side.cell, found.cell[at]))
        assert set(side.control) == {
            c.campaign for c, held in zip(found.campaigns, found.control[at], strict=True) if held
        }
    assert chosen > 100
    assert different == []


def test_the_holdout_and_the_control_see_nothing_and_what_they_would_have_seen_is_kept(live: DecisionDesk) -> None:
    found = answers(live)
    kept = rows(
        live,
        "SELECT customer_no, cell, intended_action, issued_action, propensities->>'' FROM decision WHERE placement = "
        f"'{SLOT}' AND cell IN ('holdout', 'control')",
    )
    assert {cell for _, cell, *_ in kept} == {"holdout", "control"}
    assert any(intended for _, _, intended, *_ in kept)
    for number, _, _, issued, nothing in kept:
        assert (issued, nothing) == ("", str(PPM))
        assert (found[number].code, found[number].decision_id, found[number].ranked) == ("untold", "", ())


def test_who_is_flagged_in_confidence_is_answered_as_chance_is(live: DecisionDesk) -> None:
    """Asked twice and looked at, a flagged customer is answered as one of the holdout is, or as one whom nobody wants."""
    counter = live.counter()
    window = counter.windows[0]
    wants, everybody = window.valuers["bind-card"].audience, counter.table["customer_no"].to_pylist()
    rows_ = {one: row for one in everybody if (row := counter.row(one)) is not None}
    flagged = [one for one, row in rows_.items() if counter.exclusions.left_out({**row, **_ALLOWED}) == "untold"]
    found = answers(live)
    held = {
        one
        for (one,) in rows(live, f"SELECT customer_no FROM decision WHERE placement = '{SLOT}' AND cell = 'holdout'")
    }
    by_lot = next(one for one in found.values() if one.customer_no in held)
    unwanted = next(one for one in found.values() if one.code == "nothing_open" and not wants(rows_[one.customer_no]))
    seen = set()
    for one in flagged:
        told = [decide_live(live, system(), one, SLOT) for _ in range(2)] + [rank_live(live, system(), one, SLOT)]
        if told[0].code in ("consent", "excluded"):
            continue
        like = by_lot if wants(rows_[one]) is True else unwanted
        again = [
            like,
            decide_live(live, system(), like.customer_no, SLOT),
            rank_live(live, system(), like.customer_no, SLOT),
        ]
        assert [{**_plain(each), "customer_no": ""} for each in told] == [
            {**_plain(each), "customer_no": ""} for each in again
        ]
        assert rows(live, f"SELECT count(*) FROM decision WHERE placement = '{SLOT}' AND customer_no = '{one}'") == [
            (0,)
        ]
        seen.add(told[0].code)
    assert seen == {"untold", "nothing_open"}


def test_who_is_flagged_after_something_was_decided_sees_it_no_more(live: DecisionDesk) -> None:
    one = shown(answers(live))[0]
    counter = live.counter()
    at = counter.table["customer_no"].to_pylist().index(one.customer_no)
    frozen = counter.table["frozen"].to_pylist()
    frozen[at] = True
    table = counter.table.set_column(counter.table.column_names.index("frozen"), "frozen", pa.array(frozen))
    live._kept = replace(counter, table=table)
    live.fresh_seconds, live._looked = 3_600.0, time.monotonic()
    assert _plain(decide_live(live, system(), one.customer_no, SLOT)) == _plain(
        rank_live(live, system(), one.customer_no, SLOT)
    )
    assert decide_live(live, system(), one.customer_no, SLOT).code == "untold"


def _plain(one: LiveAnswer) -> dict[str, Any]:
    return {name: getattr(one, name) for name in LiveAnswer.__slots__}


def test_who_explores_is_drawn_for_with_the_probability_that_is_kept(live: DecisionDesk) -> None:
    answers(live)
    kept = rows(
        live, f"SELECT issued_action, propensities FROM decision WHERE placement = '{SLOT}' AND cell = 'explore'"
    )
    drawn = [(issued, odds) for issued, odds in kept if len(odds) > 1]
    assert drawn
    for issued, odds in drawn:
        assert sum(odds.values()) == PPM
        assert issued in odds
        assert max(odds.values()) - min(odds.values()) < len(odds)


def test_what_is_dismissed_comes_back_on_no_channel_until_its_days_are_over(live: DecisionDesk) -> None:
    one = shown(answers(live))[0]
    now = live.bank.clock.now()
    with live.bank.store.begin(system()) as connection:
        assert record_outcome(live, connection, one.decision_id, LiveOutcome.SHOWN, now)
        assert record_outcome(live, connection, one.decision_id, LiveOutcome.DISMISSED, now)
        assert not record_outcome(live, connection, one.decision_id, LiveOutcome.DISMISSED, now)
    assert decide_live(live, system(), one.customer_no, SLOT).code == "declined"
    assert decide_live(live, system(), one.customer_no, SCREEN).code == "declined"
    for days, quiet in ((29, {"bind-card"}), (2, set())):
        later(live, days)
        with live.bank.store.begin(system()) as connection:
            asked = declined_asked([one.customer_no], live.bank.clock.now())
            assert ask(connection, asked) == quiet


def test_outcomes_are_of_what_was_shown_and_count_once(live: DecisionDesk) -> None:
    found = answers(live)
    one, now = shown(found)[0], live.bank.clock.now()
    silent = rows(live, f"SELECT decision_id FROM decision WHERE placement = '{SLOT}' AND issued_action = '' LIMIT 1")[
        0
    ][0]
    planned = rows(live, "SELECT decision_id FROM decision WHERE placement = 'outbound' LIMIT 1")[0][0]
    with live.bank.store.begin(system()) as connection:
        with pytest.raises(ConflictError, match="showed nothing"):
            record_outcome(live, connection, str(silent), LiveOutcome.CLICKED, now)
        for unknown in (str(planned), "no number", "00000000-0000-7000-8000-000000000000"):
            with pytest.raises(NotFoundError, match="no real-time decision"):
                record_outcome(live, connection, unknown, LiveOutcome.CLICKED, now)
        with pytest.raises(InputError, match="before its decision"):
            record_outcome(live, connection, one.decision_id, LiveOutcome.CLICKED, now - timedelta(hours=1))
        for number in ("click 1", "click 2", "click 1"):
            record_outcome(live, connection, one.decision_id, LiveOutcome.CLICKED, now, number)
        tally = {each.slot: each for each in slot_tallies(live.bank, connection, live.counter().as_of)}
    assert tally[SLOT].outcomes["clicked"] == 2
    assert tally[SLOT].issued == len(shown(found))
    assert tally[SCREEN].customers == 0


def test_an_offer_on_a_screen_counts_as_a_contact(live: DecisionDesk) -> None:
    found = shown(answers(live, SCREEN))
    assert len(found) > 10
    kept = Count(
        rows(live, f"SELECT channel, contact_class, campaign, accepted FROM contact WHERE channel = '{SCREEN}'")
    )
    assert kept == {(SCREEN, "marketing", "bind-card", True): len(found)}
    # Whom the bank may contact once a week was contacted by the screen: a message of the same week is one too many.
    with live.bank.store.begin(system()) as connection:
        asked = [
            {
                "decision_id": str(uuid4()), "customer_no": one.customer_no, "unit_id": "*", "channel": "sms",
                "campaign": "first-wealth", "contact_class": "marketing", "due_at": live.bank.clock.now(),
            }
            for one in found
        ]  # fmt: skip
        outcomes = reserve_contacts(connection, pa.Table.from_pylist(asked, CONTACT_SCHEMA), [Cap("*", 1, 7)])
    assert set(outcomes["refused_by"].to_pylist()) == {"cap:marketing:*:1/7d"}


def test_a_withdrawal_between_decision_and_look_is_heard(live: DecisionDesk) -> None:
    one = shown(answers(live))[0]
    with live.bank.store.begin(system()) as connection:
        restrict(connection, one.customer_no, "letter", {"letter": "stop"})
    again = decide_live(live, system(), one.customer_no, SLOT)
    assert (again.code, again.decision_id, again.said) == ("consent", "", None)


def test_what_leaves_the_shelf_between_decision_and_look_is_not_shown(live: DecisionDesk) -> None:
    one = shown(answers(live))[0]
    product = one.action.split("|")[0]
    granted(live.bank, ShelfChange(product, Availability(on=False)), "the issuer stopped it")
    assert decide_live(live, system(), one.customer_no, SLOT).code == "nothing_open"


def test_a_paused_campaign_shows_nothing_more(live: DecisionDesk) -> None:
    one = shown(answers(live))[0]
    pause_campaign(live.bank, maker(), "bind-card", "a complaint")
    assert decide_live(live, system(), one.customer_no, SLOT).code == "no_window"


def test_a_stock_is_never_overrun_however_many_look_at_once(live: DecisionDesk) -> None:
    """Three coupons are left: whoever comes at once, three are given at most, and the ledger adds up."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: decide_live(live, system(), one, SLOT), people(live)))
    given = Count(one.action.split("|")[1] for one in found if one.code == SHOWN)
    with live.bank.store.begin(system()) as connection:
        for benefit in ("coupon-10", "coupon-20"):
            pool_now = pool_of(connection, STOCK, benefit)
            assert pool_now.left >= 0
            granted = connection.scalar(
                text("SELECT count(*) FROM benefit_grant WHERE benefit = :benefit AND granted"), {"benefit": benefit}
            )
            assert granted == pool_now.committed + pool_now.spent
            assert given[benefit] <= (granted or 0)
        assert check_ledger(connection) == ()


def test_a_ranking_writes_nothing_and_says_what_a_decision_would(live: DecisionDesk) -> None:
    before = rows(live, "SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM contact)")
    ranked = {one: rank_live(live, system(), one, SLOT) for one in people(live)}
    assert rows(live, "SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM contact)") == before
    one = shown(ranked)[0]
    decided = decide_live(live, system(), one.customer_no, SLOT)
    assert (decided.code, decided.action, decided.ranked) == (one.code, one.action, one.ranked)
    looked = rank_live(live, system(), one.customer_no, SLOT)
    assert (looked.decision_id, looked.known, looked.action) == (decided.decision_id, True, decided.action)


def test_every_decision_is_explained(live: DecisionDesk) -> None:
    one = shown(answers(live))[0]
    with live.bank.store.begin(system()) as connection:
        found = explain(connection, one.decision_id)
        with pytest.raises(NotFoundError):
            explain(connection, "nothing")
    assert (found.slot, found.campaign, found.issued) == (SLOT, "bind-card", one.action)
    assert found.ranked == one.ranked
    assert found.odds[found.issued] > 0
    assert found.contact is not None
    assert found.contact.accepted
    assert found.beside == {"bind-card": "reached"}
    assert np.isfinite(found.ranked[0].value_fen)


def test_a_channel_that_is_no_slot_and_a_stranger_are_refused(live: DecisionDesk) -> None:
    with pytest.raises(InputError, match="app_banner"):
        decide_live(live, system(), people(live)[0], "app_baner")
    with pytest.raises(InputError, match="is no slot"):
        rank_live(live, system(), people(live)[0], "sms")
    with pytest.raises(NotFoundError):
        decide_live(live, system(), "C99999999", SLOT)


def test_what_the_plan_sends_the_slot_does_not_repeat(live: DecisionDesk) -> None:
    found = answers(live)
    days = dict(rows(live, "SELECT customer_no, due_day FROM contact WHERE accepted AND channel = 'sms'"))
    near = {one for one, day in days.items() if (day - live.counter().today).days < 7}
    assert near & set(found)
    assert all(found[one].code == "reached_already" for one in near & set(found))
    counter = live.counter()
    number = shown(found)[0].customer_no
    row = counter.row(number)
    assert row is not None
    window = counter.windows[0]
    assert weigh(counter, window, row, number, SLOT, {"bind-card": Planned("optimize", near=True)}).chosen == ""
    assert weigh(counter, window, row, number, SLOT, {"bind-card": Planned("optimize")}).chosen != ""
