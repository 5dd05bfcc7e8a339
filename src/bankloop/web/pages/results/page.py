"""The results' page and the customers behind a round's reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Outcomes, Reading, reading_of
from bankloop.loop.reach import actions_of
from bankloop.loop.round.reading import within
from bankloop.report.contracts import ResultsView
from bankloop.report.record import action_title
from bankloop.report.results import MOTIVES, results_page
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.pages.plan.page import RowsPage, paged
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console, known, masked, narrowed
from bankloop.web.shell.texts import CELLS, GROUPS


def results_view(console: Console, principal: Principal, motive: str = "") -> ResultsView | None:
    """Return the results' page as somebody sees it: groups of their own units; None before the first reading.

    With a ``motive`` that of its campaigns alone; raises ``NotFoundError`` for one that no campaign read has.
    """
    readings = console.latest_readings()
    if not readings:
        return None
    if motive:
        known(dict(motives_read(readings)), "motive", motive)
        readings = [one for one in readings if one.motive == motive]
    truth = console.truth()
    placebo = reading_of(truth["placebo"]) if truth.get("placebo") else None
    lifts = {(name, round_): lift for name, round_, lift in truth.get("lifts", ())}
    places = console.places_of(principal)
    pooled = [within(one, places) for one in _pooled(console, readings)]
    readings = [within(one, places) for one in readings]
    # The programme and the blank trial are of all campaigns together.
    programme, placebo = (None, None) if motive else (console.programme(), placebo)
    return results_page(readings, console.titles(), pooled, placebo, lifts or None, _offer_names(console), programme)


def motives_read(readings: Sequence[Reading]) -> list[tuple[str, Text]]:
    """Return the motives of the campaigns that were read, each with its title."""
    return [(one, MOTIVES.get(one, say.same(one))) for one in sorted({one.motive for one in readings if one.motive})]


def newest_rounds(console: Console, motive: str = "") -> list[tuple[Text, str]]:
    """Return the title of each campaign, of a ``motive`` where one is given, with the address of its newest reading."""
    read = [one for one in console.latest_readings() if not motive or one.motive == motive]
    newest = {one.campaign: one.rounds[-1] for one in read}
    titles = console.titles()
    return [(titles[name], f"/results/{name}/{number}/by/") for name, number in newest.items()]


def _offer_names(console: Console) -> dict[tuple[str, str], Text]:
    """Return the offers' names by campaign and key, of every lock that ran."""
    found: dict[tuple[str, str], Text] = {}
    for lock in console.locks_run():
        found |= {(lock.name, action.key): action_title(lock, action) for action in actions_of(lock)}
    return found


def _pooled(console: Console, readings: Sequence[Reading]) -> list[Reading]:
    by_campaign: dict[str, list[Reading]] = {}
    for one in readings:
        by_campaign.setdefault(one.campaign, []).append(one)
    return [console.pooled(found) for found in by_campaign.values() if len(found) > 1]


def result_rows(
    console: Console, campaign: str, rounds: Sequence[int], group: str, page: int, seen: pa.Array | None = None
) -> RowsPage:
    """Return a page of the customers of one or more rounds: all, an arm, or who passed a step."""
    titles = console.titles()
    if campaign not in titles:
        raise errors.no_campaign(campaign)
    title = known(dict(GROUPS), "group", group)
    parts, names = [], dict[str, Text]()
    for round_ in rounds:
        decided, outcomes = console.outcomes(campaign, round_)
        chosen = np.flatnonzero(_mask(outcomes, group))
        parts.append(narrowed(_taken(decided, outcomes, round_, chosen), seen))
        lock = console.lock(decided["lock_digest"][0].as_py())
        names |= {action.key: action_title(lock, action) for action in actions_of(lock)}
    which = ", ".join(str(round_) for round_ in rounds)
    named = Text(
        f"{titles[campaign].zh} · 第 {which} 轮 · {title.zh}", f"{titles[campaign].en} · round {which} · {title.en}"
    )

    found = pa.concat_tables(parts).combine_chunks()
    if group in _UNLISTED:
        return RowsPage(named, rows_table(found.slice(0, 0), names), found.num_rows, 1, 1, False, None, None)

    def make(part: pa.Table) -> Table:
        return rows_table(part, names)

    here = f"/results/{campaign}/{'-'.join(str(round_) for round_ in rounds)}/rows"
    return paged(named, found, page, here, {"group": group}, make)


def facts_of(
    console: Console, campaign: str, round_: int, chosen: NDArray[np.int64]
) -> tuple[pa.Table, dict[str, Text]]:
    """Return what became of the chosen rows of a round, and the names of its actions."""
    decided, outcomes = console.outcomes(campaign, round_)
    lock = console.lock(decided["lock_digest"][0].as_py())
    return _taken(decided, outcomes, round_, chosen), {one.key: action_title(lock, one) for one in actions_of(lock)}


def rows_table(part: pa.Table, names: Mapping[str, Text]) -> Table:
    """Return such rows as people see them, customers masked."""
    return Table("rows", Text("名单", "Rows"), _COLUMNS, tuple(_row(row, names) for row in part.to_pylist()))


def rounds_of(words: str) -> list[int]:
    """Return the rounds that an address names: ``1`` or ``1-2``; raise for anything else."""
    parts = words.split("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts) or len(set(parts)) < len(parts):
        raise errors.unreadable(
            "rounds", Text(f"“{words[:16]}”不是轮次，如 1 或 1-2", f"'{words[:16]}' names no rounds, as 1 or 1-2 does")
        )
    return [int(part) for part in parts]


def _taken(decided: pa.Table, outcomes: Outcomes, round_: int, chosen: NDArray[np.int64]) -> pa.Table:
    rows = decided.select(["customer_no", "issued_action"]).take(pa.array(chosen))
    facts = {
        "round": np.full(len(outcomes.control), round_),
        "control": outcomes.control,
        "contacted": outcomes.contacted,
        "success": outcomes.success,
        "cost": outcomes.cost,
    }
    for name, values in facts.items():
        rows = rows.append_column(name, pa.array(values[chosen]))
    return rows


_COLUMNS = (
    Column(Text("客户", "Customer")),
    Column(Text("轮次", "Round"), number=True),
    Column(Text("分组", "Arm")),
    Column(Text("动作", "Action")),
    Column(Text("触达", "Contacted")),
    Column(Text("达成目标", "Goal reached")),
    Column(Text("花费", "Spent"), number=True),
)
# Whom the lot kept apart is counted and never listed: who is in no list may be left out in confidence.
_UNLISTED = ("all", "control")
_YES, _NO = Text("是", "yes"), Text("否", "no")


def _mask(outcomes: Outcomes, group: str) -> np.ndarray:
    treated = ~outcomes.control
    match group:
        case "all":
            return np.ones(len(treated), bool)
        case "treated":
            return treated
        case "control":
            return outcomes.control
        case "contacted":
            return treated & outcomes.contacted
        case "converted":
            return treated & (outcomes.success > 0)
        case "by_hand":
            return outcomes.control & outcomes.by_hand
        case _:
            return treated & outcomes.steps.get(group, np.zeros(len(treated), bool))


def _row(row: dict[str, object], actions: Mapping[str, Text]) -> tuple[Cell, ...]:
    return (
        Cell(say.same(masked(str(row["customer_no"])))),
        Cell(say.same(row["round"])),
        Cell(CELLS["control"] if row["control"] else GROUPS["treated"]),
        Cell(actions.get(str(row["issued_action"]), say.same("—"))),
        Cell(_YES if row["contacted"] else _NO),
        Cell(_YES if row["success"] else _NO),
        Cell(say.money(float(str(row["cost"])))),
    )
