"""Requests between lines and offices as values: both inboxes, one request with what was said, the owner as far as shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.organization.collaboration import ANSWERS, Collaboration, Conversation, Inbox, RequestKind
from bankloop.organization.rights import open_customer
from bankloop.organization.task import TaskEvent, TaskState
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone
from bankloop.web.pages.workbench.page import STATES
from bankloop.web.shell.console import Console, masked
from bankloop.web.shell.front_words import FRONT_WORDS

# What a line needs to know of a customer who is referred to it.
OWNER_FIELDS = ("region", "merchant_owner", "aum_fen")
_OWNER: Mapping[str, Text] = {
    "region": Text("地区", "Region"),
    "merchant_owner": Text("商户主", "Merchant"),
    "aum_fen": Text("个人资产", "Own assets"),
}
_OVER = (TaskState.DONE, TaskState.REJECTED, TaskState.RECALLED, TaskState.EXPIRED)
_ACTS: Mapping[str, Text] = {
    "accepted": Text("接下", "taken on"),
    "answered": Text("答复", "answered"),
    "passed": Text("转出", "passed on"),
    "added": Text("补充", "added"),
    "withdrawn": Text("撤回", "withdrawn"),
    "escalated": Text("升级", "escalated"),
    "assigned": Text("分配", "assigned"),
    "reassigned": Text("改派", "reassigned"),
    "logged": Text("记录", "logged"),
    "rejected": Text("退回", "rejected"),
}
_LEVELS = (
    Text("已提醒", "reminded"),
    Text("超时，已升级", "overdue, escalated"),
    Text("严重超时", "long overdue"),
)
# Why nothing of an owner shows; the refusals themselves name the customer's number.
_HIDDEN: Mapping[str, Text] = {
    "rights.no_customer": Text("两个条线之间没有共享协议，资料不显示；需要时请总行提出协议", "no agreement shares this line's customers; head office may propose one"),
    "rights.no_consent": Text("有共享协议，但客户没有同意；请提出人征得同意", "there is an agreement, but the customer has not consented; the asker may ask them"),
    "rights.agreement_over": Text("共享协议已到期或终止", "the agreement is over"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request: what is asked, where it stands, what was said, what the other line may know of the owner."""

    found: Conversation
    title: Text
    state: Text
    late: bool
    due: str
    facts: tuple[tuple[Text, Text], ...]
    owner: tuple[tuple[Text, Text], ...]
    refusal: Text | None
    said: tuple[tuple[str, str, Text, str], ...]
    answers: Mapping[str, Text]


def inbox_tables(found: Inbox, zone: str) -> tuple[Table, Table, Table]:
    """Return what waits for one, what one asked, and what one's units asked."""
    named = (("received", found.received), ("asked", found.asked), ("watched", found.watched))
    received, asked, watched = (_table(name, rows, zone) for name, rows in named)
    return received, asked, watched


def request_page(console: Console, principal: Principal, found: Conversation) -> RequestPage:
    """Return one request; who receives a referral sees of the owner what agreements share, and each look is on record."""
    one, zone = found.request, console.bank.lake.zone
    owner: tuple[tuple[Text, Text], ...] = ()
    refusal = None
    if one.kind is RequestKind.REFERRAL and one.asked_by != principal.id:
        try:
            owner = _owner(console, principal, one.about_no)
        except BankloopError as error:
            refusal = _HIDDEN.get(error.code, _HIDDEN["rights.no_customer"])
    return RequestPage(
        found, one.topic.title, _state(one), one.task.escalated >= 2 and one.task.state not in _OVER,
        _when(one, zone), _facts(one), owner, refusal,
        tuple(_said(event, one.kind, zone) for event in found.events), ANSWERS[one.kind],
    )  # fmt: skip


def _owner(console: Console, principal: Principal, number: str) -> tuple[tuple[Text, Text], ...]:
    view = open_customer(console.bank.store, console.bank.lake, principal, number, OWNER_FIELDS)
    return tuple((_OWNER[name], _shown(name, view.values[name])) for name in OWNER_FIELDS)


def _shown(name: str, value: object) -> Text:
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if name == "aum_fen" and isinstance(value, int):
        return say.money(value)
    return say.same("—" if value is None else value)


def _facts(one: Collaboration) -> tuple[tuple[Text, Text], ...]:
    whom = one.company or (masked(one.customer_no) if one.customer_no else "—")
    facts = [(Text("提出人", "Asked by"), say.same(f"{one.asked_by} · {one.from_unit}"))]
    if one.kind is RequestKind.REFERRAL:
        facts += [
            (Text("转给条线", "To the line"), say.same(f"{one.to_line} · {one.to_unit}")),
            (Text("服务对象", "To be served"), say.same(whom)),
        ]
    if one.about_no:
        facts.append((Text("提出人的客户", "The asker's customer"), say.same(masked(one.about_no))))
    facts.append((Text("承办人", "In hand of"), say.same(one.task.staff_id or "—")))
    return tuple(facts)


def _table(name: str, found: Sequence[Collaboration], zone: str) -> Table:
    rows = tuple(
        (
            Cell(one.topic.title, drill=f"collaboration/{one.request_id}"),
            Cell(_state(one), _tone(one), tag=True),
            Cell(say.same(one.company or masked(one.customer_no or one.about_no) if one.company or one.customer_no or one.about_no else "—")),
            Cell(say.same(one.asked_by if name != "asked" else one.task.staff_id or "—")),
            Cell(say.same(_when(one, zone))),
        )
        for one in found
    )  # fmt: skip
    person = Text("承办人", "In hand of") if name == "asked" else Text("提出人", "Asked by")
    columns = (
        Column(Text("事项", "Matter")), Column(Text("状态", "State")), Column(Text("客户", "Customer")), Column(person),
        Column(Text("应办结", "Due")),
    )  # fmt: skip
    return Table(name, FRONT_WORDS[name], columns, rows)


def _state(one: Collaboration) -> Text:
    task = one.task
    if task.outcome in ANSWERS[one.kind]:
        return ANSWERS[one.kind][task.outcome]
    if task.escalated and task.state not in _OVER:
        return _LEVELS[task.escalated - 1]
    return Text("已撤回", "withdrawn") if task.state is TaskState.RECALLED else STATES[task.state]


def _tone(one: Collaboration) -> Tone:
    if one.task.state is TaskState.DONE:
        return Tone.WARN if one.task.outcome == "declined" else Tone.GOOD
    return Tone.BAD if one.task.escalated >= 2 and one.task.state not in _OVER else Tone.PLAIN


def _when(one: Collaboration, zone: str) -> str:
    return f"{one.task.due_at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" if one.task.due_at else "—"


def _said(event: TaskEvent, kind: RequestKind, zone: str) -> tuple[str, str, Text, str]:
    what = ANSWERS[kind].get(event.outcome) or _ACTS.get(event.act, say.same(event.act))
    return f"{event.happened_at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}", event.person, what, event.note
