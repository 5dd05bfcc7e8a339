"""How the bank gets in touch, as its policies say it: channels with their level and delivery, hours, caps."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import Field, model_validator

from bankloop.kit.wording import Unfit
from bankloop.loop.spec.values import Days, Fen, Label, Spec


class QuietHours(Spec):
    """No contact between these bank-local times."""

    start: time = Field(alias="from")
    end: time = Field(alias="to")


class CapPolicy(Spec):
    """At most ``limit`` marketing contacts in ``days`` rolling bank-local days, on one channel or on any."""

    channel: str
    limit: int = Field(ge=0)
    days: Days


class ContactPolicy(Spec):
    """When people may be contacted and how often; what was waved away is not shown for ``dismissed_days``."""

    quiet_hours: QuietHours
    call_hours: tuple[str, ...] = ()
    caps: tuple[CapPolicy, ...] = ()
    dismissed_days: int = Field(default=30, ge=1, le=365)


class Channel(Spec):
    """A channel: how it delivers, for whom it is open, what a thousand contacts cost, what one day can carry.

    A ``slot`` is a place that customers come to by themselves: no plan sends anything there, and what it shows is
    decided while they look. What it shows counts as a contact, or as an ``impression`` under caps of its own.

    ``level`` is L1 of the core, the mobile bank, L2 of the bank's own channels around it, L3 of partners, who get no
    list of people. ``feed`` names the sources of events that tell what happens there.
    """

    title: Label
    delivery: Literal["file", "task", "slot"]
    staff: bool = False
    open_to: str
    cost_per_thousand: Fen
    minutes: int = Field(default=0, ge=0)
    per_day: int | None = Field(default=None, ge=0)
    counts: Literal["contact", "impression"] = "contact"
    level: Literal["L1", "L2", "L3"] = "L2"
    feed: tuple[str, ...] = ()

    @property
    def is_slot(self) -> bool:
        """Return whether customers come to it by themselves."""
        return self.delivery == "slot"

    @model_validator(mode="after")
    def _fits_its_delivery(self) -> Channel:
        if self.counts == "impression" and not self.is_slot:
            raise Unfit(
                "只有 delivery: slot 的渠道可以计为展示（counts: impression）",
                "only a channel with delivery: slot may count as impressions (counts: impression)",
            )
        if self.level == "L3" and self.delivery == "file":
            raise Unfit(
                "合作方渠道（L3）不得接收个人名单：改用 delivery: slot，由客户自己来看",
                "a partner's channel (L3) gets no list of people: use delivery: slot, to which customers come",
            )
        if self.is_slot and self.staff:
            raise Unfit(
                "客户自己来看的位置不占人力：delivery: slot 的渠道不写 staff: true",
                "a place that customers look at by themselves takes nobody's time: no staff: true with delivery: slot",
            )
        return self
