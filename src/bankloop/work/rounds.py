"""A round run from beginning to end: planned, kept for its page, issued, and what is due of it handed out.

Command, page, API, demo and daily work all run a round here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from bankloop.contact.delivery import DeliveryChannel, deliver
from bankloop.loop import reach
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.learning.training import SEED
from bankloop.loop.offering.shelf import gate
from bankloop.loop.round.standing import check_start
from bankloop.loop.round.window import Window
from bankloop.organization.principals import system
from bankloop.report.keeping import save_window
from bankloop.store.contracts import Principal
from bankloop.store.outbox import Drained

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RoundRun:
    """What running a round did: its window as planned and what was issued, both None where it was run before."""

    round: int
    window_start: date
    window: Window | None
    issued: reach.Issued | None
    delivered: Drained

    def plain(self) -> dict[str, object]:
        """Return it as commands and jobs print it; ``window_start`` is that of the window that was run."""
        issued = self.issued
        return {
            "round": self.round,
            "window_start": self.window_start.isoformat(),
            "already_run": issued is None,
            "decisions": issued.decisions if issued else 0,
            "contacts": issued.accepted if issued else 0,
            "refused": dict(issued.refused) if issued else {},
            "tasks": issued.tasks if issued else 0,
            "sent": self.delivered.done,
            "failed": [{"part": one.key, "zh": one.reason.zh, "en": one.reason.en} for one in self.delivered.failures],
        }


def run_round(
    bank: Bank,
    principal: Principal,
    round_: int,
    start: date,
    channel: DeliveryChannel,
    *,
    further: bool = False,
    seed: int = SEED,
    say: Say = lambda _: None,
    shown: Callable[[Window], None] = lambda _: None,
) -> RoundRun:
    """Plan, keep, issue and hand out a window of a round, once; asked again, it hands out what is due and says when it ran.

    ``say`` hears each step, ``shown`` sees the window before it is issued. Raises what planning and issuing raise.
    """
    ran = loop.was_run(bank, principal, round_, start, further=further)
    window, issued = None, None
    if ran is None:
        check_start(start, bank.lake.today())
        say("plan")
        window = loop.plan(bank, principal, round_, start, seed, further=further)
        shown(window)
        # Kept before it is issued: whoever dies in between leaves a page that nothing leads to, never a round without one.
        save_window(window, bank.folder)
        say("run")
        issued = loop.run(bank, principal, round_, start, seed, window, further=further).issued
    say("deliver")
    delivered = hand_out(bank, channel)
    began = start if ran is None else ran.window_start
    return RoundRun(round_, began, window if issued else None, issued, delivered)


def hand_out(bank: Bank, channel: DeliveryChannel, *, patient: bool = False) -> Drained:
    """Hand out every part that is due, screened against the shelf as it is now."""
    return deliver(bank.store, system("delivery"), channel, gate, patient=patient)
