"""The calendar of campaigns: two of one week that want the same customers more often than the caps let are told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.text import Text
from bankloop.loop.campaign.approving import approve_in_turn, schedule_campaign, submit
from bankloop.loop.campaign.calendar import CalendarEntry, clashes
from bankloop.loop.spec import CapPolicy, Policies
from bankloop.organization.principals import maker, reviewers
from bankloop.store.embedded import EmbeddedServer
from tests.bankfixture import open_small_bank
from tests.conftest import TEMPLATE
from tests.web.conftest import Staffed, TestClient, staff

DAY = date(2026, 7, 6)


@pytest.fixture(scope="module")
def own(store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A bank whose campaigns are moved about."""
    small = open_small_bank(tmp_path_factory.mktemp("calendar"), store_server, TEMPLATE, clock, "calendar")
    found = staff(small)
    with TestClient(found.app, base_url="http://127.0.0.1"):
        yield found
    small.open.store.close()


def moved(own: Staffed, name: str, audience: str, day: date) -> None:
    """Give a campaign an audience and a day: its file edited, submitted, approved, scheduled."""
    bank, place = own.small.open, own.small.open.folder / "campaigns" / f"{name}.yaml"
    lines = place.read_text(encoding="utf-8").splitlines()
    written = [f"audience: {audience}" if line.startswith("audience:") else line for line in lines]
    place.write_text("\n".join(written) + "\n", encoding="utf-8")
    vars(bank).pop("spec", None)
    submit(bank, maker(), name)
    approve_in_turn(bank, reviewers(), name)
    schedule_campaign(bank, maker(), name, day)


@pytest.mark.capability("E18")
def test_two_campaigns_for_one_segment_in_one_week_over_the_cap_are_a_conflict(own: Staffed) -> None:
    bank, strategist = own.small.open, own.client("strategist")
    strategist.cookies.set("language", "en")
    policies = bank.folder / "policies.yaml"
    written = policies.read_text(encoding="utf-8")
    assert "{channel: any, limit: 3, days: 7}" in written
    policies.write_text(written.replace("any, limit: 3, days: 7", "any, limit: 1, days: 7"), encoding="utf-8")
    today = bank.lake.today()
    segment = "payroll and age between 18 and 65"
    moved(own, "bind-card", segment, today + timedelta(days=20))
    moved(own, "first-wealth", segment, today + timedelta(days=35))
    assert 'href="/calendar"' in strategist.get("/").text
    submit(bank, maker(), "keep-deposits")
    states = {(one["campaign"], one["state"]) for one in own.api("strategist").get("/api/v1/calendar").json()["items"]}
    assert ("keep-deposits", "waiting") in states
    apart = strategist.get("/calendar").text
    assert "No conflict in the weeks to come" in apart
    moved(own, "first-wealth", segment, today + timedelta(days=23))
    told = own.api("strategist").get("/api/v1/calendar").json()
    (clash,) = [one for one in told["conflicts"] if one["channel"] == "any"]
    assert (clash["limit"], clash["days"]) == (1, 7)
    assert clash["campaigns"] == ["bind-card", "first-wealth"]
    as_of = today - timedelta(days=1)
    state = bank.state(as_of).table
    wanted = [row for row in state.to_pylist() if row["payroll"] and row["age"] and 18 <= row["age"] <= 65]
    assert 0 < clash["customers"] <= len(wanted)
    dated = {(one["campaign"], one["since"]) for one in told["items"] if one["state"] == "scheduled"}
    assert dated == {
        ("bind-card", f"{today + timedelta(days=20)}"), ("first-wealth", f"{today + timedelta(days=23)}"),
    }  # fmt: skip
    page = strategist.get("/calendar").text
    assert "There are conflicts" in page
    assert "1 in 7 days" in page
    assert f"{clash['customers']:,}" in page
    moved(own, "first-wealth", "not payroll and age between 18 and 65", today + timedelta(days=23))
    left = own.api("strategist").get("/api/v1/calendar").json()["conflicts"]
    assert not [one for one in left if one["channel"] == "any"]


def entry(name: str, day: date, *channels: str) -> CalendarEntry:
    return CalendarEntry(name, Text(name, name), "scheduled", day, day, channels)


def with_caps(policies: Policies, *caps: tuple[str, int, int], per_customer: int = 1) -> Policies:
    contact = policies.contact.model_copy(
        update={"caps": tuple(CapPolicy(channel=c, limit=n, days=d) for c, n, d in caps)}
    )
    plan = policies.plan.model_copy(update={"per_customer": per_customer})
    return policies.model_copy(update={"contact": contact, "plan": plan})


def test_what_starts_on_one_day_is_one_plan_and_what_a_cap_does_not_mean_counts_nothing(own: Staffed) -> None:
    known = own.small.open.spec.policies
    both = {"a": np.array([True, True, False]), "b": np.array([True, False, True]), "c": np.array([True, True, True])}
    same = [entry("a", DAY, "sms"), entry("b", DAY, "sms")]
    assert clashes(same, both, with_caps(known, ("any", 1, 7))) == ()
    (two,) = clashes(same, both, with_caps(known, ("any", 1, 7), per_customer=2))
    assert (two.customers, two.campaigns) == (1, ("a", "b"))
    week = [
        entry("a", DAY, "sms"),
        entry("b", DAY + timedelta(days=6), "app_push"),
        entry("c", DAY + timedelta(days=7), "sms"),
    ]
    found = clashes(week, both, with_caps(known, ("any", 1, 7)))
    assert [(one.since, one.campaigns, one.customers) for one in found] == [
        (DAY + timedelta(days=6), ("b", "c"), 2), (DAY, ("a", "b"), 1),
    ][::-1]  # fmt: skip
    (sms,) = clashes(week, both, with_caps(known, ("sms", 1, 30)))
    assert (sms.campaigns, sms.customers) == (("a", "c"), 2)
    assert clashes(week, both, with_caps(known, ("app_banner", 0, 30), ("app_push", 1, 30))) == ()
    banner = [dataclasses.replace(week[0], channels=("app_banner",)), entry("b", DAY + timedelta(days=1), "sms")]
    assert clashes(banner, both, with_caps(known, ("any", 1, 7))) == ()  # a slot sends nothing to anybody
