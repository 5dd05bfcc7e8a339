"""The rule of the gate: what refuses a contact, of consent, declined offers, caps and capacities, in this order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bankloop.contact.contracts import DECLINED, IMPRESSION, MARKETING, Cap, Capacity
from bankloop.store.contracts import EVERY_UNIT


@dataclass(frozen=True, slots=True)
class Wanted:
    """One contact that is asked for; ``person`` is whose caps it counts against, the customer's own where ''."""

    decision_id: str
    customer_no: str
    unit_id: str
    channel: str
    contact_class: str
    day: date
    person: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """One contact already reserved for a customer."""

    channel: str
    contact_class: str
    day: date
    campaign: str = ""


def decide(
    wanted: Sequence[Wanted],
    made: Mapping[str, Sequence[Made]],
    caps: Sequence[Cap],
    capacities: Sequence[Capacity] = (),
    used: Mapping[tuple[str, str, date], int] | None = None,
    silent: Mapping[tuple[str, str], str] | None = None,
    declined: Collection[tuple[str, str]] = (),
) -> dict[str, str]:
    """Return for each wanted contact, taken in order, what refuses it; '' where nothing does.

    ``silent`` says by (customer, channel) why marketing is refused whatever the caps; ``declined`` names (customer,
    campaign) whose offer was declined: no channel repeats it.

    A cap holds in every running window that the contact falls into, as a later day may have been reserved before. Made
    once in ``used`` per (channel, unit, day), a capacity counts on from there. Pure: the same input, the same outcome.
    """
    ledger: dict[str, list[Made]] = defaultdict(list, {number: list(rows) for number, rows in made.items()})
    taken = dict(used or {})
    outcomes: dict[str, str] = {}
    for want in wanted:
        mine = ledger[want.person or want.customer_no]
        refusal = _refusing_word(want, silent or {}, declined)
        refusal = refusal or _refusing_cap(want, mine, caps) or _refusing_capacity(want, capacities, taken)
        outcomes[want.decision_id] = refusal
        if not refusal:
            mine.append(Made(want.channel, want.contact_class, want.day, want.campaign))
            for capacity in bearing(want, capacities):
                key = (capacity.channel, capacity.unit_id, want.day)
                taken[key] = taken.get(key, 0) + 1
    return outcomes


def _refusing_word(want: Wanted, silent: Mapping[tuple[str, str], str], declined: Collection[tuple[str, str]]) -> str:
    if want.contact_class not in (MARKETING, IMPRESSION):
        return ""
    again = DECLINED if (want.customer_no, want.campaign) in declined else ""
    return silent.get((want.customer_no, want.channel), again)


def _refusing_cap(want: Wanted, mine: Sequence[Made], caps: Sequence[Cap]) -> str:
    for cap in caps:
        if cap.units and want.unit_id not in cap.units:
            continue
        if _counts(cap, want):
            days = [m.day for m in mine if _counts(cap, m)]
            if _fullest(want.day, days, cap.days) >= cap.limit:
                return cap.name
    return ""


def _counts(cap: Cap, one: Wanted | Made) -> bool:
    """Return whether a contact is of the kind that a cap counts."""
    of_campaign = cap.campaign in ("", one.campaign)
    return of_campaign and cap.contact_class == one.contact_class and cap.scope in (EVERY_UNIT, one.channel)


def _fullest(day: date, days: Sequence[date], length: int) -> int:
    """Return how many of ``days`` lie in the fullest window of ``length`` days that holds ``day``."""
    near = [d for d in days if abs((d - day).days) < length]
    if len(near) < 2:
        return len(near)
    starts = {day, *(d for d in near if d <= day)}  # the fullest one can be moved until it begins at a contact
    return max(sum(0 <= (d - start).days < length for d in near) for start in starts)


def bearing(want: Wanted, capacities: Sequence[Capacity]) -> Iterator[Capacity]:
    """Yield the capacities that a contact uses."""
    for capacity in capacities:
        if (
            capacity.channel == want.channel
            and capacity.unit_id in (EVERY_UNIT, want.unit_id)
            and capacity.day in (None, want.day)
        ):
            yield capacity


def _refusing_capacity(want: Wanted, capacities: Sequence[Capacity], taken: Mapping[tuple[str, str, date], int]) -> str:
    for capacity in bearing(want, capacities):
        if taken.get((capacity.channel, capacity.unit_id, want.day), 0) >= capacity.limit:
            return capacity.name
    return ""
