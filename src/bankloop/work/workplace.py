"""Where work is done: an open bank with its ways in and out, which wiring binds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bankloop.contact.delivery import DeliveryChannel
from bankloop.lake.contracts import LoadReport
from bankloop.lake.load import Progress
from bankloop.loop.bank import Bank
from bankloop.store.outbox import Drained


@dataclass(frozen=True, slots=True)
class Workplace:
    """An open bank, a campaign's channel, the post of daily reports, and how what has arrived is taken in."""

    bank: Bank
    channel: DeliveryChannel
    post: Callable[[Bank], Drained]
    take_in: Callable[[Bank, Progress | None], LoadReport]
