"""What is said to who asks: the text with its values and its ranking, or why nothing is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Connection

from bankloop.contact.queries import contact_row
from bankloop.contact.refusals import say_refusal
from bankloop.kit.text import Language, Text
from bankloop.loop import reach
from bankloop.loop.audience import UNTOLD
from bankloop.loop.realtime.contracts import NOTHING, PREFIX, SHOWN, LiveAnswer, RankedAction
from bankloop.loop.realtime.desk import Counter, OpenWindow, Row
from bankloop.loop.realtime.weighing import Planned, Weighed
from bankloop.loop.script import choose
from bankloop.loop.spec import Lock

# Why a reserved contact was stopped where its benefit was refused.
NO_ROOM = "benefit:no_room"
# The same offer does not go over another channel within so many days.
SAME_OFFER_DAYS = 7
# A decision keeps beside its reason what was answered with it.
SAID = "said:"


@dataclass(frozen=True, slots=True)
class LiveCase:
    """One customer at one slot, as far as it is known before anything is decided.

    ``zone`` is the bank's; ``days`` say when the contacts of decisions are made. Who is ``flagged`` is left out in
    confidence: nothing is shown, stored or told that would not be of somebody whom chance keeps apart.
    """

    counter: Counter
    number: str
    row: Row
    slot: str
    zone: str
    decided: tuple[Mapping[str, Any], ...]
    declined: frozenset[str] = frozenset()
    days: Mapping[UUID, date] = field(default_factory=dict)
    flagged: bool = False

    def planned(self, window: OpenWindow) -> dict[str, Planned]:
        """Return what the window's plan decided of the customer, by campaign."""
        return {
            one["campaign"]: Planned(one["cell"], self._is_near(one["decision_id"]))
            for one in self.decided
            if one["window_start"] == window.plan.window_start
            and one["round"] == window.round
            and not one["campaign"].startswith(PREFIX)
        }

    def _is_near(self, decision_id: UUID) -> bool:
        day = self.days.get(decision_id)
        return day is not None and abs((day - self.counter.today).days) < SAME_OFFER_DAYS

    def earlier(self) -> tuple[Mapping[str, Any], ...]:
        """Return the decisions of this slot in the windows that are open."""
        return tuple(
            one for one in self.decided if one["campaign"].startswith(PREFIX) and one["placement"] == self.slot
        )


def answer_for(case: LiveCase, weighed: Sequence[Weighed]) -> LiveAnswer:
    """Return the answer as it is said: the text with its values, or why there is none."""
    best = max((one for one in weighed if one.chosen), key=lambda one: one.score, default=None)
    ranked = tuple(sorted((one for side in weighed for one in side.ranked()), key=lambda one: -one.score_fen))

    def silent(code: str) -> LiveAnswer:
        shown = () if code == UNTOLD else ranked
        return LiveAnswer(case.number, case.slot, code, NOTHING[code], ranked=shown)

    if best is None:
        return silent(_why_nothing(weighed, case.slot))
    campaign, action = best.chosen.split("|", 1)
    lock = best.window.locks[campaign]
    label, said = words_for(lock, action, case.row)
    return LiveAnswer(
        customer_no=case.number,
        slot=case.slot,
        code=SHOWN,
        reason=NOTHING[SHOWN],
        campaign=campaign,
        action=action,
        script=label,
        said=said,
        until=best.window.plan.window_end,
        ranked=ranked,
    )


def answer_flagged(case: LiveCase, weighed: Sequence[Weighed]) -> LiveAnswer:
    """Return the answer for who is left out in confidence: as of the holdout, or as of whom no campaign wants."""
    if any(one.members for one in weighed):
        return LiveAnswer(case.number, case.slot, UNTOLD, NOTHING[UNTOLD])
    return answer_for(case, weighed)


def words_for(lock: Lock, action: str, row: Row) -> tuple[str, Text | None]:
    """Return the script's label and the text of an action with a customer's values filled in."""
    product, _, channel = action.split("|")
    chosen = choose(lock, product, channel)
    if chosen is None:
        return "", None
    return chosen.label, Text(chosen.body(Language.ZH, row), chosen.body(Language.EN, row))


def _why_nothing(weighed: Sequence[Weighed], slot: str) -> str:
    """Return the code of why nothing is shown; whatever chance keeps apart is one answer."""
    if any(one.by_lot for one in weighed):
        return UNTOLD
    actions = [action for one in weighed for valuer in one.window.valuers.values() for action in valuer.actions]
    if slot and not any(action.channel == slot for action in actions):
        return "no_actions"
    offers = [one for side in weighed for one in side.ghost.offers if np.isfinite(one.value)]
    if any(one.outcome is reach.ActionOutcome.NO_ROOM for one in offers):
        return "no_room"
    if offers:
        return "nothing_pays"
    if any(one.declined.intersection(one.members) for one in weighed):
        return "declined"
    return "reached_already" if any(one.reached.intersection(one.members) for one in weighed) else "nothing_open"


def answer_again(connection: Connection, case: LiveCase, earlier: tuple[Mapping[str, Any], ...]) -> LiveAnswer:
    """Return what was decided before, as far as it may still be shown."""
    ranked = ranking_of(earlier)
    issued = next((one for one in earlier if one["issued_action"]), None)

    def silent(code: str, **said: object) -> LiveAnswer:
        if code == UNTOLD:  # it does not tell either that it was answered before: of who is flagged nothing is kept
            return LiveAnswer(case.number, case.slot, code, NOTHING[code])
        return LiveAnswer(case.number, case.slot, code, NOTHING[code].filled(**said), known=True, ranked=ranked)

    if issued is None:
        codes = [reason.removeprefix(SAID) for one in earlier for reason in one["reasons"] if reason.startswith(SAID)]
        return silent(codes[0])
    campaign = issued["campaign"].removeprefix(PREFIX)
    if campaign in case.declined:
        return silent("declined")
    contact = contact_row(connection, issued["decision_id"])
    if contact is None or not contact.accepted:
        return silent("refused", why=say_refusal(contact.refused_by if contact else ""))
    if contact.stopped == NO_ROOM:
        return silent("no_room")
    mine = (one for one in case.counter.windows if campaign in one.locks)
    window = next((one for one in mine if one.plan.window_start == issued["window_start"]), None)
    if window is None:
        return silent("no_window")
    action = issued["issued_action"]
    # What suited when it was decided is looked at again: the shelf and the customer's assessment go on.
    if not window.valuers[campaign].rulings.open_to(case.row).get(action.split("|")[0], False):
        return silent("nothing_open")
    label, said = words_for(window.locks[campaign], action, case.row)
    return LiveAnswer(
        customer_no=case.number,
        slot=case.slot,
        code=SHOWN,
        reason=NOTHING[SHOWN],
        decision_id=str(issued["decision_id"]),
        campaign=campaign,
        action=action,
        script=label,
        said=said,
        until=issued["window_end"],
        known=True,
        ranked=ranked,
    )


def ranking_of(decisions: Iterable[Mapping[str, Any]]) -> tuple[RankedAction, ...]:
    """Return the ranking that decisions of one answer kept, best first."""
    kept = [line for one in decisions for line in (one["part"] or ())]
    found = {(line[0], line[1]): line for line in kept}
    ranked = [
        RankedAction(line[0], line[1], line[2], line[3], line[4], reach.ActionOutcome(line[5]))
        for line in found.values()
    ]
    return tuple(sorted(ranked, key=lambda one: -one.score_fen))
