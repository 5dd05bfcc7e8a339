"""Channels as a registry: levels around the core, connections read from what really happened, online rates.

A channel is connected for data where its sources tell events, for transactions where some of them have an amount, for
marketing where contacts of campaigns go over it, for service where those of care do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from bankloop.contact.contracts import IMPRESSION, MARKETING
from bankloop.contact.queries import contacts_by_channel
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.offering.shelf import shelf_now
from bankloop.loop.spec import Channel, Product
from bankloop.organization.principals import system
from bankloop.organization.rights import require
from bankloop.performance.plays import plays_of
from bankloop.store.database import principal_of
from bankloop.store.lineage import events_by_source

DAYS = 30


class Connectivity(StrEnum):
    """What a channel is connected for (四个贯通)."""

    TRANSACTION = "transaction"
    MARKETING = "marketing"
    SERVICE = "service"
    DATA = "data"


class OnlineKind(StrEnum):
    """Of what a share is online (三个在线)."""

    PRODUCT = "product"
    SERVICE = "service"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel: level, how it delivers, what a day carries, and the events or contacts behind each connection."""

    name: str
    title: Text
    level: str
    delivery: str
    feed: tuple[str, ...]
    per_day: int | None
    cost_per_thousand: int
    seen: Mapping[Connectivity, int]

    def connected(self, kind: Connectivity) -> bool:
        """Return whether anything of a kind happened over it."""
        return self.seen[kind] > 0


@dataclass(frozen=True, slots=True)
class OnlineRate:
    """How many of a kind customers can reach without a branch, of how many; ``offline`` names the others."""

    kind: OnlineKind
    online: int
    total: int
    offline: tuple[Text, ...]

    @property
    def share(self) -> float | None:
        """Return the share online; None where there is none of the kind."""
        return self.online / self.total if self.total else None


def channel_lines(bank: Bank, connection: Connection, today: date) -> tuple[ChannelLine, ...]:
    """Return the bank's channels with what happened over them in the last thirty days, the core first."""
    for right in ("contact.read", "event.read"):
        require(principal_of(connection), right)
    since = today - timedelta(days=DAYS)
    told = {source: (events, amounts) for source, events, amounts in events_by_source(connection, since)}
    made: dict[str, dict[str, int]] = {}
    for channel, kind, count in contacts_by_channel(connection, since):
        made.setdefault(channel, {})[kind] = count
    channels = bank.spec.policies.channels
    lines = [_line(name, one, told, made.get(name, {})) for name, one in channels.items()]
    return tuple(sorted(lines, key=lambda line: line.level))


def _line(name: str, one: Channel, told: Mapping[str, tuple[int, int]], made: Mapping[str, int]) -> ChannelLine:
    events = [told.get(source, (0, 0)) for source in one.feed]
    sold = made.get(MARKETING, 0) + made.get(IMPRESSION, 0)
    seen = {
        Connectivity.TRANSACTION: sum(amounts for _, amounts in events),
        Connectivity.MARKETING: sold,
        Connectivity.SERVICE: sum(made.values()) - sold,
        Connectivity.DATA: sum(count for count, _ in events),
    }
    return ChannelLine(
        name, one.title.text, one.level, one.delivery, one.feed, one.per_day, one.cost_per_thousand, seen
    )


def online_rates(bank: Bank) -> tuple[OnlineRate, ...]:
    """Return the three online rates: of products and of services on the shelf, and of the plays of the library.

    A play is online where one of its campaigns reaches customers without staff.
    """
    shelf = [one for one in shelf_now(bank, system("channels")).all_of(bank.spec.products.values()) if one.available.on]
    services = [one for one in shelf if one.product_class == "service"]
    products = [one for one in shelf if one.product_class not in ("service", "bundle")]
    return (_of_products(OnlineKind.PRODUCT, products), _of_products(OnlineKind.SERVICE, services), _of_plays(bank))


def _of_products(kind: OnlineKind, found: Sequence[Product]) -> OnlineRate:
    offline = tuple(one.title.text for one in found if not one.is_online)
    return OnlineRate(kind, len(found) - len(offline), len(found), offline)


def _of_plays(bank: Bank) -> OnlineRate:
    channels, campaigns = bank.spec.policies.channels, bank.spec.campaigns
    plays, offline = plays_of(bank), []
    for play in plays:
        mine = [campaigns[name] for name in play.campaigns if name in campaigns]
        if all(channels[way].staff for one in mine for way in one.reach.channels):
            offline.append(play.title.text)
    return OnlineRate(OnlineKind.MARKETING, len(plays) - len(offline), len(plays), tuple(offline))
