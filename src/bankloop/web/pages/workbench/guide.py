"""What stands beside a task: the guide of the call, the task's clocks, the customer in brief."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bankloop.customer.overview import Overview, open_overview
from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.script import Chosen
from bankloop.organization.rights import allowed
from bankloop.organization.task import TaskClock, TaskClocks
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Figure, Table, Tone
from bankloop.web.pages.customers.customer_page import CLASSES, EVENTS, LINES, STAGES
from bankloop.web.shell.console import Console

_HIDDEN = Text("已遮盖", "masked")
_NONE = say.same("—")
_AHEAD = 3


@dataclass(frozen=True, slots=True)
class ShownGuide:
    """The guide of the decision's script, slots filled: opening, questions, objections with answers, disclosures."""

    opening: Text
    questions: tuple[Text, ...]
    objections: tuple[tuple[Text, Text], ...]
    disclosures: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """A customer in brief: the few figures with which a call begins, and what is ahead of them."""

    figures: tuple[Figure, ...]
    ahead: tuple[Text, ...]


def guide_of(chosen: Chosen | None) -> ShownGuide | None:
    """Return the guide of a script; None where its version has none."""
    if chosen is None or chosen.guide is None:
        return None
    guide = chosen.guide
    return ShownGuide(
        chosen.filled(guide.opening, {}),
        tuple(chosen.filled(one, {}) for one in guide.questions),
        tuple((one.says.text, chosen.filled(one.answer, {})) for one in guide.objections),
        tuple(chosen.filled(one, {}) for one in guide.disclosures),
    )


def clock_table(clocks: TaskClocks, zone: ZoneInfo) -> Table:
    """Return a task's clocks as rows: due, stopped, and the working time left or by how much it was missed."""
    named = (
        (Text("首次响应", "First response"), clocks.first_response),
        (Text("下次响应", "Next response"), clocks.next_response),
        (Text("办结", "Done"), clocks.resolution),
    )
    rows = tuple(
        (Cell(title), Cell(_moment(one.due_at, zone)), Cell(_moment(one.met_at, zone)), _left(one))
        for title, one in named
        if one is not None
    )
    columns = (
        Column(Text("时钟", "Clock")),
        Column(Text("截止", "Due")),
        Column(Text("停于", "Stopped")),
        Column(Text("还剩（工作时间）", "Left (working time)")),
    )
    return Table("clocks", Text("时限", "Clocks"), columns, rows)


def _moment(at: datetime | None, zone: ZoneInfo) -> Text:
    return _NONE if at is None else say.same(f"{at.astimezone(zone):%m-%d %H:%M}")


def _left(clock: TaskClock) -> Cell:
    hours = abs(clock.left.total_seconds()) / 3600
    if clock.missed:
        return Cell(Text(f"超时 {hours:.1f} 小时", f"missed by {hours:.1f} h"), Tone.BAD, tag=True)
    if clock.met_at is not None:
        return Cell(Text("按时", "in time"), Tone.GOOD, tag=True)
    return Cell(Text(f"{hours:.1f} 小时", f"{hours:.1f} h"), Tone.PLAIN, tag=True)


def brief_of(console: Console, principal: Principal, number: str) -> Brief | None:
    """Return a customer in brief as who acts may see them, the access written down; None for who opens none."""
    if not number or not allowed(principal, "read", "customer"):
        return None
    bank = console.bank
    try:
        with bank.store.begin(principal) as connection:
            seen = open_overview(connection, bank.lake, bank.profiles(connection), bank.catalogue, number)
    except NotFoundError:  # a leader sees the task of a customer that is another's by now
        return None
    return Brief(_figures(console, seen), tuple(_ahead(seen)))


def _figures(console: Console, seen: Overview) -> tuple[Figure, ...]:
    held = [CLASSES.get(one.product_class, say.same(one.product_class)) for one in seen.holdings]
    classes = Text("、".join(one.zh for one in held), ", ".join(one.en for one in held)) if held else _NONE
    assets = _HIDDEN if seen.assets_fen is None else say.money(seen.assets_fen)
    stage = STAGES.get(str(seen.value("lifecycle_stage")), _NONE)
    return (
        Figure(Text("层级", "Tier"), seen.tier.title if seen.tier else Text("尚未关账", "no month closed yet"), stage),
        Figure(Text("金融资产", "Assets"), assets),
        Figure(Text("持有", "Holdings"), say.count(sum(one.holdings for one in seen.holdings)), classes),
        Figure(Text("关系分", "Relationship score"), say.count(seen.score)),
        Figure(Text("最近往来", "Last seen"), *_last(console, seen)),
    )


def _last(console: Console, seen: Overview) -> tuple[Text, Text | None]:
    past = [one for one in seen.timeline if one.at <= console.bank.clock.now()]
    if not past:
        return _NONE, None
    last = max(past, key=lambda one: one.at)
    what = EVENTS.get(last.what) or LINES[last.kind]
    return say.same(f"{last.at.astimezone(ZoneInfo(console.bank.lake.zone)):%m-%d}"), what


def _ahead(seen: Overview) -> list[Text]:
    found = []
    for one in seen.ahead[:_AHEAD]:
        if one.kind == "maturity":
            named = CLASSES.get(one.product_class, say.same(one.product_class))
            amount = _HIDDEN if one.amount_fen is None else say.money(one.amount_fen)
            found.append(
                Text(f"{one.day:%m-%d} {named.zh}到期 {amount.zh}", f"{one.day:%m-%d} {named.en} matures {amount.en}")
            )
        else:
            found.append(Text(f"{one.day:%m-%d} 前后发薪", f"{one.day:%m-%d} usual payday"))
    return found
