"""Interactions on social channels: in the customer's page where the customer allows it, and nowhere without."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bankloop.customer.consent import Purpose
from bankloop.customer.interaction import Interaction, InteractionsTaken, may_take, take_interactions
from bankloop.kit.errors import DeniedError, InputError
from bankloop.kit.text import Language
from bankloop.lake.service import open_lake
from bankloop.organization.principals import auditor, system
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Role
from bankloop.web.pages.customers.customer_page import glance
from tests.customer.test_consent import NOW, Folk, folk, said, word
from tests.customer.test_overview import look

__all__ = ["folk"]

ZONE = "Asia/Shanghai"


def hand_in(folk: Folk, *interactions: Interaction, who: str = "data_steward") -> InteractionsTaken:
    with folk.store.begin(folk.who(who, "quality")) as connection:
        return take_interactions(connection, interactions, ZONE)


def message(key: int, at: datetime, customer: str = "C0001") -> Interaction:
    return Interaction(key, customer, "wecom_message", "wecom", at)


def kept(folk: Folk) -> int:
    with folk.store.begin(system("test")) as connection:
        return connection.scalar(text("SELECT count(*) FROM event WHERE source LIKE 'interaction:%'")) or 0


@pytest.mark.capability("B19")
def test_without_consent_nothing_is_ingested_and_with_it_the_customer_s_page_shows_it(
    folk: Folk, tmp_path: Path
) -> None:
    lake, now = open_lake(tmp_path, folk.store, system("lake")), folk.store.clock.now()
    hours = [now - timedelta(hours=n) for n in (3, 2, 1)]

    def shown() -> list[str]:
        with folk.store.begin(folk.who("M00001", "service")) as connection:
            seen = glance(look(connection, lake, "C0001"), {}, ZONE)
        return [row[1] for row in seen.interactions.said(Language.EN)]

    # Nobody asked: refused, and of it there is a count in the trail and nothing else.
    assert hand_in(folk, message(1, hours[0]), message(2, hours[0], "C9999")) == InteractionsTaken(0, 0, 1, 1)
    assert (kept(folk), shown()) == (0, [])
    with folk.store.begin(auditor(), Role.AUDITOR) as connection:
        [row] = [one for one in read_audit(connection) if one.verb == "event.append"]
    assert row.after == {"taken": 0, "known": 0, "refused": 1, "unknown": 1}
    # Consent counts for what comes after it, each once.
    word(folk, "experience", True, said_at=hours[1])
    assert hand_in(folk, message(1, hours[0]), message(3, hours[2])) == InteractionsTaken(1, 0, 1, 0)
    assert hand_in(folk, message(3, hours[2])) == InteractionsTaken(0, 1, 0, 0)
    assert (kept(folk), shown()) == (1, ["WeCom message"])
    word(folk, "experience", False)
    assert hand_in(folk, message(4, hours[2])) == InteractionsTaken(0, 0, 1, 0)
    assert kept(folk) == 1


def test_consent_to_something_else_or_for_another_channel_is_none() -> None:
    after = NOW - timedelta(days=1)
    assert may_take([said(Purpose.EXPERIENCE, True)], "wecom", after)
    assert may_take([said(Purpose.EXPERIENCE, True, channel="wecom")], "wecom", after)
    for words in (
        [],
        [said(Purpose.MARKETING, True)],
        [said(Purpose.EXPERIENCE, True, channel="app")],
        [said(Purpose.EXPERIENCE, True), said(Purpose.EXPERIENCE, False, 1)],
        [said(Purpose.EXPERIENCE, True), said(Purpose.EXPERIENCE, False, 1, "wecom")],
    ):
        assert not may_take(words, "wecom", after)


def test_what_is_handed_in_wrongly_is_refused_whole(folk: Folk) -> None:
    now = folk.store.clock.now()
    with pytest.raises(InputError, match="wecom_message"):
        hand_in(folk, message(5, now), Interaction(6, "C0001", "poke", "wecom", now))
    with pytest.raises(InputError, match="future"):
        hand_in(folk, message(5, now + timedelta(minutes=1)))
    with pytest.raises(DeniedError):
        hand_in(folk, message(5, now), who="system_admin")
    assert kept(folk) == 0
