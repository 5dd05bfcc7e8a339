"""Head office's board: every campaign's number, taken apart by branch, sub-branch and manager down to the customers.

All levels count the same rows, so that a number is the sum of those below it and as long as the list behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.round.labels import staffed
from bankloop.organization.people import people, units
from bankloop.organization.rights import allowed
from bankloop.store.contracts import Principal
from bankloop.store.registry import list_campaigns
from bankloop.view import format as say
from bankloop.view.figures import Bar, Bars, Cell, Column, Figure, Picture, Table
from bankloop.web.pages.plan.page import RowsPage, paged
from bankloop.web.pages.results.page import facts_of, rows_table
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console, known
from bankloop.web.shell.texts import STATES
from bankloop.web.shell.words import ACTS

# From head office down; what a click on a row leads to.
LEVELS: Mapping[str, Text] = {
    "branch": Text("分行", "Branch"),
    "sub_branch": Text("支行", "Sub-branch"),
    "manager": Text("客户经理", "Manager"),
}
_NEXT = {"branch": "sub_branch", "sub_branch": "manager", "manager": None}
# What is counted of each group, in the order of the columns.
COUNTED: Mapping[str, Text] = {
    "treated": Text("处理组", "Treated"),
    "contacted": Text("触达", "Contacted"),
    "responded": Text("回应", "Responded"),
    "converted": Text("达成目标", "Converted"),
}
# What may be done here with a campaign as it stands.
STOPPABLE: Mapping[str, tuple[str, ...]] = {"running": ("pause", "kill"), "paused": ("resume", "kill")}
_RIGHTS = {"pause": ("pause", "campaign"), "resume": ("resume", "campaign"), "kill": ("kill", "approval")}
_NOBODY = Text("未归属", "nobody's")
_MOST_BARS = 14


@dataclass(frozen=True, slots=True)
class RoundRows:
    """A round's rows (n,): whose each customer was when decided on, and which are in each counted group."""

    keepers: Mapping[str, NDArray[np.str_]]
    groups: Mapping[str, NDArray[np.bool_]]
    seen: NDArray[np.bool_]

    def within(self, places: Mapping[str, str]) -> NDArray[np.bool_]:
        """Return the rows of the places named."""
        inside = self.seen.copy()
        for level, name in places.items():
            inside &= self.keepers[level] == name
        return inside


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign that runs or is paused, and what may be done with it here."""

    name: str
    title: Text
    state: Text
    acts: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Numbers of one campaign's round at one level, or of all campaigns."""

    title: Text
    answer: Text
    figures: tuple[Figure, ...]
    picture: Picture | None
    table: Table
    above: tuple[tuple[Text, str], ...] = ()
    running: tuple[Running, ...] = ()


def board_page(console: Console, principal: Principal) -> BoardPage:
    """Return every campaign's newest round within what somebody sees."""
    titles = console.titles()
    newest = _newest(console)
    mine = console.seen_by(principal)
    sums = {name: _counts(taken(console, mine, name, round_), {}) for name, round_ in newest.items()}
    rows = tuple(
        (
            Cell(titles[name], drill=f"board/{name}/{newest[name]}"),
            Cell(say.count(newest[name])),
            *(_linked(sums[name][group], f"board/{name}/{newest[name]}/rows", {"group": group}) for group in COUNTED),
        )
        for name in sums
    )
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("轮次", "Round"), number=True),
        *(Column(title, number=True) for title in COUNTED.values()),
    )
    converted = sum(one["converted"] for one in sums.values())
    answer = Text(
        f"{len(sums)} 个战役有过轮次，共 {converted:,} 位处理组客户达成目标；点数字看名单，点战役逐级分解。",
        f"{len(sums)} campaigns had a round; {converted:,} treated customers reached the goal. A number leads to its list, a "
        "campaign to its branches.",
    )
    table = Table("board", Text("各战役", "By campaign"), columns, rows)
    title = Text("总行看板", "Head-office board")
    return BoardPage(title, answer, _figures(list(sums.values())), None, table, running=_running(console, principal))


def _newest(console: Console) -> dict[str, int]:
    """Return each campaign's newest round: it is shown from its first day, long before there is a reading."""
    found: dict[str, int] = {}
    for plan in console.stored_plans():
        for name in plan.campaigns:
            found.setdefault(name, int(plan.summary["round"]))
    return dict(sorted(found.items()))


def _running(console: Console, principal: Principal) -> tuple[Running, ...]:
    """Return what runs, with the switches of who may throw them: a pause and its end, and the kill."""
    titles = console.titles()
    with console.reading() as connection:
        rows = [row for row in list_campaigns(connection) if row.state in STOPPABLE]
    may = {act: allowed(principal, *right) for act, right in _RIGHTS.items()}
    return tuple(
        Running(
            row.name, titles[row.name], STATES[row.state],
            tuple((act, ACTS[act]) for act in STOPPABLE[row.state] if may[act]),
        )
        for row in rows
    )  # fmt: skip


def decomposed(
    console: Console, principal: Principal, campaign: str, round_: int, by: str, places: Mapping[str, str]
) -> BoardPage:
    """Return a round's numbers by the units or people of a level, within the places above it."""
    titles = console.titles()
    if campaign not in titles:
        raise errors.no_campaign(campaign)
    known(dict(LEVELS), "by", by)
    rows_of = taken(console, console.seen_by(principal), campaign, round_)
    inside, keepers = rows_of.within(places), rows_of.keepers[by]
    names = _names(console, principal, places)
    here, parts = f"board/{campaign}/{round_}", []
    for name in np.unique(keepers[inside]).tolist():
        below = {**places, by: name}
        parts.append((name, below, _counts(rows_of, below)))
    parts.sort(key=lambda one: (-one[2]["converted"], one[0]))
    whole = _counts(rows_of, places)
    rows = [_part_row(names, here, by, *one) for one in parts]
    rows.append(
        (Cell(Text("合计", "Total")), *(_linked(whole[g], f"{here}/rows", {**places, "group": g}) for g in COUNTED), _rate(whole))
    )  # fmt: skip
    columns = (
        Column(LEVELS[by]),
        *(Column(title, number=True) for title in COUNTED.values()),
        Column(Text("转化率", "Rate"), number=True),
    )
    note = Text("合计等于各行之和，也等于名单的行数。", "The total is the sum of the rows, and the length of its list.")
    table = Table("parts", Text(f"按{LEVELS[by].zh}", f"By {LEVELS[by].en.lower()}"), columns, tuple(rows), note)
    title = Text(f"{titles[campaign].zh} · 第 {round_} 轮", f"{titles[campaign].en} · round {round_}")
    where = "".join(f"{names.get(name, _NOBODY).zh} · " for name in places.values())
    place = "".join(f"{names.get(name, _NOBODY).en} · " for name in places.values())
    answer = Text(
        f"{where}处理组 {whole['treated']:,} 人，达成目标 {whole['converted']:,} 人。",
        f"{place}{whole['treated']:,} treated, {whole['converted']:,} reached the goal.",
    )
    bars = tuple(
        Bar(names.get(name, _NOBODY), float(counts["converted"]), say.count(counts["converted"]))
        for name, _, counts in parts[:_MOST_BARS]
    )
    caption = Text("达成目标，按机构", "Converted, by unit")
    picture = Picture("converted", caption, caption, Bars(bars)) if len(bars) > 1 and whole["converted"] else None
    return BoardPage(title, answer, _figures([whole]), picture, table, _above(here, places, names, titles[campaign]))


def board_rows(
    console: Console, principal: Principal, campaign: str, round_: int, group: str, places: Mapping[str, str], page: int
) -> RowsPage:
    """Return the customers behind a number, masked; as many as the number says."""
    titles = console.titles()
    if campaign not in titles:
        raise errors.no_campaign(campaign)
    counted = known(dict(COUNTED), "group", group)
    rows_of = taken(console, console.seen_by(principal), campaign, round_)
    chosen = np.flatnonzero(rows_of.within(places) & rows_of.groups[group])
    found, actions = facts_of(console, campaign, round_, chosen)
    title = Text(f"{titles[campaign].zh} · {counted.zh}", f"{titles[campaign].en} · {counted.en}")
    here = f"/board/{campaign}/{round_}/rows"
    return paged(title, found, page, here, {**places, "group": group}, lambda part: rows_table(part, actions))


def taken(console: Console, mine: pa.Array | None, campaign: str, round_: int) -> RoundRows:
    """Return a round's rows as somebody sees them, whose customers are ``mine``; the round itself is read once a day for all."""
    decided, outcomes = console.outcomes(campaign, round_)
    keepers = console.scores.get(
        ("keepers", campaign, round_, console.today),
        lambda: {
            "branch": np.array(pc.fill_null(decided["unit_id"], "").to_pylist(), dtype=str),
            **{level: staffed(console.bank, decided, level) for level in ("sub_branch", "manager")},
        },
    )
    treated = ~outcomes.control
    groups = {
        "treated": treated,
        "contacted": treated & outcomes.contacted,
        "responded": treated & outcomes.steps.get("responded", np.zeros(len(treated), bool)),
        "converted": treated & (outcomes.success > 0),
    }
    seen = np.ones(len(treated), bool)
    if mine is not None:
        seen = np.asarray(pc.is_in(decided["customer_no"], mine).to_numpy(zero_copy_only=False), dtype=bool)
    return RoundRows(keepers, groups, seen)


def _counts(rows: RoundRows, places: Mapping[str, str]) -> dict[str, int]:
    inside = rows.within(places)
    return {name: int((inside & hit).sum()) for name, hit in rows.groups.items()}


def _part_row(
    names: Mapping[str, Text], here: str, by: str, name: str, below: Mapping[str, str], counts: Mapping[str, int]
) -> tuple[Cell, ...]:
    deeper = _NEXT[by]
    address = f"{here}?{urlencode({**below, 'by': deeper})}" if deeper else None
    return (
        Cell(names.get(name, say.same(name)) if name else _NOBODY, drill=address),
        *(_linked(counts[group], f"{here}/rows", {**below, "group": group}) for group in COUNTED),
        _rate(counts),
    )


def _linked(number: int, address: str, query: Mapping[str, str]) -> Cell:
    return Cell(say.count(number), drill=f"{address}?{urlencode(query)}" if number else None)


def _rate(counts: Mapping[str, int]) -> Cell:
    return Cell(say.percent(counts["converted"] / counts["treated"]) if counts["treated"] else say.same("—"))


def _figures(found: Sequence[Mapping[str, int]]) -> tuple[Figure, ...]:
    return tuple(Figure(title, say.count(sum(one[name] for one in found))) for name, title in COUNTED.items())


def _names(console: Console, principal: Principal, places: Mapping[str, str]) -> dict[str, Text]:
    """Return the names of units, and of the people of the sub-branch whose managers are shown."""
    with console.bank.store.begin(principal) as connection:
        found = {unit.unit_id: unit.name for unit in units(connection)}
        unit = places.get("sub_branch")
        staff = people(connection, (unit,)) if unit else []
    return found | {one.staff_id: Text(one.name or one.staff_id, one.name or one.staff_id) for one in staff}


def _above(
    here: str, places: Mapping[str, str], names: Mapping[str, Text], campaign: Text
) -> tuple[tuple[Text, str], ...]:
    """The way back up: the board, the campaign, and each place on the way down."""
    way: list[tuple[Text, str]] = [(Text("总行看板", "Board"), "/board"), (campaign, f"/{here}")]
    so_far: dict[str, str] = {}
    for level, name in places.items():
        so_far[level] = name
        deeper = _NEXT[level]
        if deeper:
            way.append(
                (names.get(name, say.same(name)) if name else _NOBODY, f"/{here}?{urlencode({**so_far, 'by': deeper})}")
            )
    return tuple(way)
