"""Whether a window of a round may be issued on a day: pure, from the plans that were issued before.

While a window of a round is open, or where one was issued before, the round was run; a further window is asked for
explicitly and never overlaps one of the round's or of its campaigns' own. A window begins today or later: what is sent
now counts now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from bankloop.kit.errors import ConflictError, InputError
from bankloop.kit.text import Text
from bankloop.store.contracts import Plan


@dataclass(frozen=True, slots=True)
class RoundStanding:
    """Where a round stands on a day: the window it was run in, if it was, and the campaigns that are still under way."""

    ran: Plan | None
    under_way: frozenset[str]


def round_of(plan: Plan) -> int:
    """Return the round of an issued plan."""
    found: int = plan.summary.get("round", 0)
    return found


def standing_of(plans: Sequence[Plan], round_: int, start: date, *, further: bool = False) -> RoundStanding:
    """Return where a round stands for a window that would begin on ``start``.

    Raises ``ConflictError`` where a further window is asked for before the round's last one is over.
    """
    mine = sorted((one for one in plans if round_of(one) == round_), key=lambda one: one.window_start)
    latest = mine[-1] if mine else None
    if latest is not None and further:
        if start <= latest.window_end:
            raise _overlaps(round_, latest)
        latest = None
    elsewhere = _open_elsewhere(plans, round_, start)
    return RoundStanding(latest, frozenset(name for one in elsewhere for name in one.campaigns))


def check_start(start: date, today: date) -> None:
    """Raise ``InputError`` for a window that would begin before today: it would go out now and count then."""
    if start < today:
        raise InputError(
            "run.window_past",
            Text(
                "窗口首日 {start} 早于今天 {today}；现在发出的触达要按今天计，请用今天或以后的日期",
                "the window would begin on {start}, before today, {today}; what goes out now counts now: begin today or later",
            ),
            start=start.isoformat(),
            today=today.isoformat(),
        )


def check_apart(plans: Sequence[Plan], round_: int, start: date, campaigns: Collection[str]) -> None:
    """Raise ``ConflictError`` where one of the campaigns has a window in another round that is open on ``start``."""
    shared = [one for one in _open_elsewhere(plans, round_, start) if {*one.campaigns} & {*campaigns}]
    if shared:
        last = max(shared, key=lambda one: one.window_end)
        raise _overlaps(round_of(last), last)


def _open_elsewhere(plans: Sequence[Plan], round_: int, start: date) -> list[Plan]:
    return [one for one in plans if round_of(one) != round_ and one.window_end >= start]


def _overlaps(round_: int, plan: Plan) -> ConflictError:
    return ConflictError(
        "run.window_overlaps",
        Text(
            "第 {round} 轮的窗口 {start} 到 {end} 还开着，同一批客户不能在重叠的窗口里再被触达；请从 {end} 之后开始",
            "round {round} has a window open from {start} to {end}; the same customers are not reached again in one that "
            "overlaps it: begin after {end}",
        ),
        round=round_,
        start=plan.window_start.isoformat(),
        end=plan.window_end.isoformat(),
    )
