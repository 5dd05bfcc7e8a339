"""Pure rules of an instruction: each unit takes its share of lines, each manager so many a day, by worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from bankloop.care.worklist import errors
from bankloop.care.worklist.contracts import DailyPace, ListRow, Refused, Shares
from bankloop.kit.located import read_located

BUILT_IN = Path(__file__).with_name("worklist.yaml")
OWN = "worklist.yaml"
_KEYS = {"least", "most"}
# A day has no room for more calls than this, whoever writes the file.
_HIGHEST = 100


def read_pace(folder: Path | None = None) -> DailyPace:
    """Return the bank's own ``worklist.yaml``, or what every bank begins with; ``SpecError`` names file and line."""
    own = folder / OWN if folder is not None and (folder / OWN).exists() else BUILT_IN
    file = read_located(own)
    content = file.content if isinstance(file.content, dict) else {}
    entry = content.get("head_office_tasks")
    if set(content) != {"head_office_tasks"} or not isinstance(entry, dict) or set(entry) != _KEYS:
        raise errors.bad_pace(file.place("head_office_tasks"))
    least, most = entry["least"], entry["most"]
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (least, most))
    if not whole or not 1 <= least <= most <= _HIGHEST:
        raise errors.bad_pace(file.place("head_office_tasks"))
    return DailyPace(least, most)


def within_shares(
    rows: Sequence[ListRow], places: Mapping[str, str], shares: Shares
) -> tuple[list[ListRow], list[Refused]]:
    """Return the lines within their unit's share, the worthiest first, and those beyond it."""
    left = dict(shares.amounts)
    kept, refused = [], []
    for row in _by_worth(rows):
        holder = shares.counts_for.get(places[row.customer_no], "")
        if left.get(holder, 0) > 0:
            left[holder] -= 1
            kept.append(row)
        else:
            refused.append(Refused(row.line, row.customer_no, "beyond"))
    return kept, refused


def paced(
    rows: Sequence[ListRow],
    hands: Mapping[str, str],
    people: Mapping[str, int],
    days: Sequence[date],
    had: Mapping[tuple[str, date], int],
    pace: DailyPace,
) -> tuple[dict[str, date], list[Refused]]:
    """Return the day of each customer's task and the lines for which no day has room.

    ``hands`` is who has each customer, a manager or a unit's people together (``people``: how many those are, one where
    it is not named); ``had`` what they have on a day already. Everybody does ``least`` a day, and more only where the
    days would not do.
    """
    mine: dict[str, list[ListRow]] = {}
    for row in _by_worth(rows):
        mine.setdefault(hands[row.customer_no], []).append(row)
    found: dict[str, date] = {}
    refused: list[Refused] = []
    for who, wanted in sorted(mine.items()):
        most = pace.a_day(len(wanted), len(days), people.get(who, 1))
        waiting = iter(wanted)
        for day in days:
            for _ in range(max(most - had.get((who, day), 0), 0)):
                if (taken := next(waiting, None)) is not None:
                    found[taken.customer_no] = day
        refused += [Refused(row.line, row.customer_no, "full") for row in waiting]
    return found, refused


def _by_worth(rows: Sequence[ListRow]) -> list[ListRow]:
    return sorted(rows, key=lambda row: (-row.value_fen, row.line))
