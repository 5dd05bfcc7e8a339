"""A small bank with people whose triggers are in force, at eleven on a working day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.customer.event import EventsTaken, GivenEvent, read_event_types, take_events
from bankloop.journey.trigger import Firing, firings_of, hear_events, submit_trigger
from bankloop.kit.clock import FixedClock
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.approval import approval_of, consent, next_stage
from bankloop.organization.principals import maker, reviewers, system
from bankloop.simulate.service import write_templates
from bankloop.store.hearings import when_taken
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

ZONE = "Asia/Shanghai"
ELEVEN = datetime(2026, 6, 30, 3, tzinfo=UTC)
FILE = """format: 1
triggers:
  - trigger: arrival
    title: {zh: 到店, en: arrival}
    when: {event: queue_ticket, where: "event_outlet <> 'closed'"}
    rest: 2h
    then:
      - task: {title: {zh: 接待, en: welcome}, within: 30m}
      - notice: {role: sub_branch_head, title: {zh: 到店, en: arrived}}
  - trigger: looks
    title: {zh: 三次, en: three looks}
    when: {event: page_view, times: 3, within: 24h, without: [wealth_purchase]}
    rest: 7d
    then: [{task: {title: {zh: 看, en: look}}}]
  - trigger: silence
    title: {zh: 沉默, en: silence}
    when: {event: cardless_withdraw, absent: 1h, without: [login]}
    then: [{task: {title: {zh: 问, en: ask}}}]
  - trigger: note
    title: {zh: 通知, en: note}
    when: {event: salary_paid}
    then: [{contact: {script: payday-note, channels: [app_push, letter], class: service}}]
  - trigger: offer
    title: {zh: 推介, en: offer}
    when: {event: receipt_scan}
    then: [{contact: {script: payday-note, channels: [letter], class: marketing}}]
"""


@dataclass
class Desk:
    """The bank, its people, and the ways to tell it events and look at what they led to."""

    bank: Bank
    folk: Folk
    numbers: list[int] = field(default_factory=lambda: [0])

    def tell(
        self, kind: str, source: str, minutes: float = -1, customer: str = "C0001", **fields: object
    ) -> EventsTaken:
        self.numbers[0] += 1
        at = self.bank.clock.now() + timedelta(minutes=minutes)
        return self.give(source, GivenEvent(f"e-{self.numbers[0]}", kind, customer, at, "app", fields))

    def give(self, source: str, *events: GivenEvent) -> EventsTaken:
        with self.bank.store.begin(self.folk.who("data_steward", "quality")) as connection:
            return take_events(connection, read_event_types(), source, events, ZONE)

    def firings(self, name: str = "") -> list[Firing]:
        with self.bank.store.begin(system("test")) as connection:
            return firings_of(connection, name)

    def count(self, table: str) -> int:
        with self.bank.store.begin(system("test")) as connection:
            return connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0

    def at(self, moment: datetime) -> None:
        clock = FixedClock(moment)
        self.bank.store.clock = clock
        object.__setattr__(self.bank, "clock", clock)


def enforce(bank: Bank, name: str) -> None:
    """Submit a trigger and give every consent."""
    submit_trigger(bank, maker(), name, "ready")
    people = reviewers()
    for turn in range(len(people)):
        with bank.store.begin(people[turn]) as connection:
            request = approval_of(connection, "trigger", name)
            assert request is not None
            if next_stage(request) is None:
                return
            consent(connection, request.approval_id, "seen")


@pytest.fixture
def make_desk(folk: Folk, tmp_path: Path) -> Callable[[str], Desk]:
    def make(written: str) -> Desk:
        write_templates(tmp_path)
        script = tmp_path / "scripts" / "payday-note.yaml"
        script.write_text(script.read_text(encoding="utf-8") + '      letter:\n        zh: "您的工资已到账。"\n        en: "Your salary has arrived."\n', encoding="utf-8")  # fmt: skip
        policies = tmp_path / "policies.yaml"
        letter = "  letter: {title: {zh: 信函, en: letter}, delivery: file, open_to: age is null or age > 0, cost_per_thousand: 0 CNY}\n"
        policies.write_text(
            policies.read_text(encoding="utf-8").replace("channels:\n", f"channels:\n{letter}", 1), encoding="utf-8"
        )
        (tmp_path / "triggers.yaml").write_text(written, encoding="utf-8")
        folk.store.clock = FixedClock(max(ELEVEN, folk.store.clock.now()))
        when_taken(hear_events)
        return Desk(Bank(tmp_path, folk.store, open_lake(tmp_path, folk.store, system("lake")), folk.store.clock), folk)

    return make


@pytest.fixture
def desk(make_desk: Callable[[str], Desk]) -> Desk:
    made = make_desk(FILE)
    for name in ("arrival", "looks", "silence", "note", "offer"):
        enforce(made.bank, name)
    return made
