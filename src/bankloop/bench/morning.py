"""The demo's last morning: a round begins today, and at every desk lies what lies there on a working day.

Everything is done by the bank's own verbs, as the person who does it in a bank; nothing is written past them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pyarrow.compute as pc
from openpyxl import Workbook
from sqlalchemy import Connection

from bankloop.bench.story import Say, Story, clock_of
from bankloop.care.worklist import take_list
from bankloop.customer.event import GivenEvent, read_event_types, take_events
from bankloop.customer.identity import link_identities
from bankloop.customer.relation import derive_relations
from bankloop.customer.segment import activate_segment, plan_segment, save_segment
from bankloop.customer.servicing import assign_keepers
from bankloop.customer.tier import close_month
from bankloop.growth.codes import CodeRequest, enter, make_code
from bankloop.journey.trigger import submit_trigger, triggers_of
from bankloop.kit.clock import local_moment
from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.loop.realtime import DecisionDesk, LiveOutcome, decide_live, record_outcome
from bankloop.organization.approval import approval_of, approvals, consent, next_stage
from bankloop.organization.collaboration import ask_support, refer
from bankloop.organization.granting import ask_grant, submit_transfer
from bankloop.organization.people import below, book_of, keeper_of, managers_of_units, person_of, units
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.organization.rights import principal_for
from bankloop.organization.task import NewTask, TaskKind, open_task, open_tasks_of
from bankloop.performance.target import capacities, set_target, split_target
from bankloop.simulate.clock import bank_clock, set_clock
from bankloop.store.audit import place_hold
from bankloop.store.database import now_of
from bankloop.store.history import read_decisions
from bankloop.wiring import file_channel, open_bank, workplace
from bankloop.work.crew import Crew
from bankloop.work.rounds import run_round

# A campaign of the maker's that nobody has approved yet.
DRAFTED = "young-wallet"
_DRAFT = """format: 1
campaign: young-wallet
title: {zh: 青年绑卡, en: Young customers bind a card}
motive: convenience
goal: {event: first_wallet_payment, within: 30d, value: contribution_12m}
model:
  kind: uplift
  prior:
    app_push: {wins: 10%, loses: 1%}
    coupon-10: {wins: 110%, loses: 0%}
  stated: {owner: payments, on: 2026-08-10, source: what bind-card states of the same customers}
audience: has_debit_card and not wallet_bound and age between 18 and 35
products: [debit-card-wallet]
benefits: [none, coupon-10]
scripts: [bind-card]
reach: {channels: [app_push], budget: 5000 CNY, contact: default}
evaluate: {control: 10%, explore: 5%}
optimize: {retrain: when labels are due, promote: approval}
"""
_LISTED, _REFERRED = 12, 2
_SCANNED = 31
# So many customers came by this morning, and what they did in turn with an offer once they had seen it.
_COME_BY = 250
_MADE_OF_IT = (
    (),
    (LiveOutcome.CLICKED,),
    (),
    (LiveOutcome.DISMISSED,),
    (LiveOutcome.CLICKED, LiveOutcome.ACCEPTED),
    (),
    (LiveOutcome.DECLINED,),
    (),
)
# What head office wants of the months that the story tells and of as many days ahead.
_AHEAD = timedelta(days=60)
# For what each acts, as their page says it.
_PURPOSE = {
    "hq_strategist": "campaign",
    "branch_commander": "tasks",
    "sub_branch_head": "tasks",
    "relationship_manager": "service",
    "security_admin": "administration",
    "compliance_reviewer": "review",
}
_SEGMENTS = (
    (
        "wealth-prospects",
        Text("代发未购理财", "Payroll, no wealth yet"),
        "payroll and not has_wealth and aum >= 50000",
        "首购理财陪伴 / first purchase, accompanied",
    ),
    (
        "maturing-soon",
        Text("两月内到期", "Deposits maturing in two months"),
        "term_maturing_60d >= 50000",
        "到期前三日致电 / a call three days before",
    ),
    ("young-active", Text("三十岁以下活跃", "Under thirty and active"), "age < 30 and app_registered", ""),
)
_ASKED = {
    "visit": "大额客户拟转出，请分行陪访",
    "pricing": "客户询问一年期定存可否上浮",
    "product": "稳盈固收的赎回到账时间如何答复",
    "wording": "企微话术里的“稳健”是否可用",
    "benefit": "首笔立减未到账，请核销补发",
    "data": "客户手机号已更换，请更正",
}
_ANYWAY = "演示：请复核人看过对比再决定 / demonstration: let the checker look at the comparison"


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What waits for people on that morning: requests for approval, and tasks due by the day."""

    approvals: int
    tasks: int


def open_morning(folder: Path, story: Story, today: date, seed: int, say: Say) -> Awaiting:
    """Begin the day on which the demo is looked at, nine in the morning of ``today``, and say what waits.

    From now on the bank goes by a clock of its own, which was nine then and goes as the machine's does.
    """
    place = folder / "campaigns" / f"{DRAFTED}.yaml"
    place.write_text(_DRAFT, encoding="utf-8")
    set_clock(folder, clock_of(today).now())
    with open_bank(folder, bank_clock(folder)) as bank:
        say("month")
        close_month(bank.store, system("tier"), bank.lake, today.replace(day=1) - timedelta(days=1))
        derive_relations(bank.store, system("relation"), bank.lake)
        with bank.store.begin(system("morning")) as connection:
            assign_keepers(connection, bank.lake)
            link_identities(connection)
        begin_round(bank, len(story.rounds) + 1, today, seed, say)
        say("draft")
        draft_model(bank, maker(), DRAFTED, today - timedelta(days=1), seed)
        promote(bank, checker(), DRAFTED)
        submit(bank, maker(), DRAFTED)
        keep_challenger(bank, story, today)
        say("desks")
        Desks(bank, story, today).fill()
        say("day")
        Crew(workplace(bank)).do_what_is_due()
        return _waiting(bank, today)


def _waiting(bank: Bank, today: date) -> Awaiting:
    with bank.store.begin(system("demo")) as connection:
        asked = sum(one.open for one in approvals(connection))
        tasks = sum(open_tasks_of(connection, one.unit_id, today, 1)[1] for one in units(connection))
    return Awaiting(asked, tasks)


def begin_round(bank: Bank, number: int, today: date, seed: int, say: Say) -> None:
    """Have the campaigns of the story approved once more and begin their round today."""
    for name in bank.spec.campaigns:
        if name != DRAFTED:
            submit(bank, maker(), name)
            approve_in_turn(bank, reviewers(), name)
    run_round(
        bank, system(), number, today, file_channel(bank.folder), seed=seed, say=lambda step: say(f"{step} {number}")
    )


def keep_challenger(bank: Bank, story: Story, today: date) -> None:
    """See to it that a challenger waits for its checker, asked for all the same where none is supported."""
    with bank.store.begin(system("demo")) as connection:
        asked = [approval_of(connection, "model", name) for name in story.challengers]
    if not any(one is not None and one.open for one in asked):
        name = min(story.challengers)
        loop.learn(bank, maker(), name, len(story.rounds), today, _ANYWAY, story.challengers[name])


class Desks:
    """What the people of a demonstration did before the day began, each in their own name."""

    def __init__(self, bank: Bank, story: Story, today: date) -> None:
        self._bank, self._story, self._today = bank, story, today
        self._of = {role: person for person, role in reversed(story.people)}
        with bank.store.begin(system("demo")) as connection:
            manager = person_of(connection, self._of["relationship_manager"])
            self._manager, self._place = manager.staff_id, manager.unit_id or ""
            self._branch = person_of(connection, self._of["branch_commander"]).unit_id or ""
            self._book = [row.customer_no for row in book_of(connection, self._manager, limit=_LISTED + _REFERRED)]

    def fill(self) -> None:
        """Do all of it."""
        self.set_targets()
        self.save_audiences()
        self.send_list()
        self.ask_around()
        self.ask_for_consents()
        self.hang_codes()
        self.put_triggers_in_force()
        self.tell_events()
        self.come_by()

    def set_targets(self) -> None:
        """Head office sets three targets over the months; the branch and the sub-branch split theirs."""
        first, last = self._story.first_day, self._today + _AHEAD
        deposits = self._story.bank.aum_fen // 40
        wanted = (
            ("办结任务 / tasks", "tasks", 2 * len(self._book)),
            ("成交 / sales", "sales", 60),
            ("存款 / deposits", "deposits", deposits),
        )
        for name, measure, total in wanted:
            with self._as("hq_strategist") as connection:
                root = next(unit for unit in units(connection) if unit.parent_id is None).unit_id
                made = set_target(connection, name, measure, first, last, total, _hands(connection, root, first, last))
            for role, holder in (("branch_commander", self._branch), ("sub_branch_head", self._place)):
                if role in self._of:
                    with self._as(role) as connection:
                        split_target(connection, made.target_id, holder, _hands(connection, holder, first, last))

    def save_audiences(self) -> None:
        """Two segments in use with the plan that somebody answers for, one that has none yet."""
        catalogue = self._bank.catalogue
        with self._as("hq_strategist") as connection:
            for name, title, condition, plan in _SEGMENTS:
                made = save_segment(connection, catalogue, name, title, condition)
                if plan:
                    plan_segment(connection, name, made.version, plan, "strategist", plan)
                    activate_segment(connection, name, made.version)

    def send_list(self) -> None:
        """The branch sends the manager a list of customers to call back, with a line that nobody knows."""
        body = _sheet([(one, "回访", 0, "上季大额转出") for one in self._book[:_LISTED]] + [("C?", "回访", 0, "")])
        hours = WorkTime(self._bank.lake.zone)
        with self._as("branch_commander") as connection:
            due = self._today + timedelta(days=2)
            take_list(connection, "分行回访名单", body, due, self._today, hours)

    def ask_around(self) -> None:
        """The manager refers a company and asks each desk for help; a partner has somebody to see."""
        hours = WorkTime(self._bank.lake.zone)
        with self._as("relationship_manager") as connection:
            for about, topic in zip(self._book[_LISTED:], ("corporate_loan", "payroll"), strict=False):
                refer(connection, topic, about, "企业主提到用款需求", company="泉江精密机械", agreed=True, hours=hours)
            for topic, need in _ASKED.items():
                ask_support(connection, topic, need, about_no=self._book[0], hours=hours)
        with self._as("hq_strategist") as connection:
            start = self._bank.clock.now()
            due = local_moment(self._today, 17, 30, self._bank.lake.zone)
            partner = self._of["partner_agent"]
            unit = person_of(connection, partner).unit_id or ""
            about = "上门核实商户信息"
            open_task(connection, NewTask("demo/partner", TaskKind.CARE, "", unit, about, start, due, partner))

    def ask_for_consents(self) -> None:
        """A transfer and a grant wait for their checkers; compliance holds a customer's data."""
        with self._as("branch_commander") as connection:
            near = managers_of_units(connection)
            here = [one for unit in below(connection, [self._branch]) for one in near.get(unit, [])]
            other = [one for one in here if one != self._manager]
            submit_transfer(connection, self._manager, other[0], "岗位轮换", customers=self._book[:3])
        with self._as("security_admin") as connection:
            ask_grant(connection, "scene", "data_scientist", "临时分析岗")
        with self._as("compliance_reviewer") as connection:
            place_hold(connection, "customer", self._book[1], "涉诉，保全相关记录")

    def hang_codes(self) -> None:
        """Two managers of one place have a code each on one poster; people scanned them this morning."""
        until, known = self._today + timedelta(days=90), self._bank.spec.campaigns
        hung = []
        with self._as("hq_strategist") as connection:
            for person in managers_of_units(connection)[self._place][:2]:
                wanted = CodeRequest("扫码绑卡", person, until, None, "bind-card", "商圈", ("网点大堂", "商场门口"))
                hung.append(make_code(connection, wanted, known, self._today))
        with self._bank.store.begin(system("codes", "growth")) as connection:
            for turn in range(_SCANNED):
                code = hung[turn % 3 % len(hung)]
                enter(connection, code.code, code.places[turn % 2], f"demo-{turn * 2 // 3}", self._today)

    def put_triggers_in_force(self) -> None:
        """Every trigger that the bank begins with is submitted and approved; some wait for what is told next."""
        for name in triggers_of(self._bank):
            submit_trigger(self._bank, maker(), name, "演示 / demonstration")
            for person in reviewers():
                with self._bank.store.begin(person) as connection:
                    asked = approval_of(connection, "trigger", name)
                    if asked is not None and next_stage(asked) is not None:
                        consent(connection, asked.approval_id, _ANYWAY)

    def tell_events(self) -> None:
        """Four systems tell what happened this morning; one has a field that nobody knows, and tells all of it again."""
        now, types = self._bank.clock.now(), read_event_types(self._bank.folder)
        fields: dict[str, dict[str, object]] = {
            "page_view": {"page": "wealth", "seconds": 40},
            "cardless_withdraw": {"amount": "800.00"},
            "queue_ticket": {"outlet": self._place},
        }
        sent = (("mobile_bank", "page_view"), ("mobile_bank", "cardless_withdraw"), ("branch", "queue_ticket"))
        moved: tuple[tuple[str, dict[str, object]], ...] = (
            ("transfer_out", {"amount": "2000000"}),
            ("transfer_out", {"amount": "3000000", "reason": "house_purchase"}),
            ("salary_paid", {"amount": "8600"}),
            ("salary_stopped", {}),
        )
        with self._bank.store.begin(system("events")) as connection:
            for source, kind in sent:
                told = [
                    GivenEvent(f"{kind}-{at}", kind, one, now - timedelta(minutes=1 + at), source, fields[kind])
                    for at, one in enumerate(self._book)
                ]
                wrong = replace(told[0], number=f"{kind}-x", fields={**fields[kind], "teller": "7"})
                for part in ([*told, wrong], told) if source == "branch" else (told,):
                    take_events(connection, types, source, part, self._bank.lake.zone)
            ago, zone = now - timedelta(minutes=2), self._bank.lake.zone
            again = [
                GivenEvent(f"again-{at}-{turn}", "page_view", one, ago, "mobile_bank", fields["page_view"])
                for at, one in enumerate(self._book[:6])
                for turn in range(2)
            ]
            take_events(connection, types, "mobile_bank", again, zone)
            told = [
                GivenEvent(f"moved-{at}", kind, one, ago, "core", said)
                for at, (one, (kind, said)) in enumerate(zip(self._book, moved * 2, strict=False))
            ]
            take_events(connection, types, "core", told, zone)

    def come_by(self) -> None:
        """Customers opened the app or stood at a machine, and made of the offer what people make of one."""
        desk, who = DecisionDesk(self._bank), system("demo")
        slots = [name for name, one in self._bank.spec.policies.channels.items() if one.is_slot]
        made = [decide_live(desk, who, one, slots[at % len(slots)]) for at, one in enumerate(self._passing(desk))]
        shown = [one.decision_id for one in made if one.decision_id]
        with self._bank.store.begin(who) as connection:
            now = now_of(connection)
            for at, decision in enumerate(shown):
                for outcome in (LiveOutcome.SHOWN, *_MADE_OF_IT[at % len(_MADE_OF_IT)]):
                    record_outcome(desk, connection, decision, outcome, now)

    def _passing(self, desk: DecisionDesk) -> list[str]:
        """Return customers from all over the bank, half of them of those whom the plan left for who comes by."""
        everybody = desk.counter().table["customer_no"].to_pylist()
        with self._bank.store.begin(system("demo")) as connection:
            left: list[str] = []
            for window in desk.counter().windows:
                found = read_decisions(
                    connection, list(window.locks), window.round, columns=("customer_no", "issued_action")
                )
                left += found.filter(pc.equal(pc.fill_null(found["issued_action"], ""), ""))["customer_no"].to_pylist()
            some = {*_every(everybody, _COME_BY), *_every(sorted(set(left)), _COME_BY)}
            return sorted(row.customer_no for row in keeper_of(connection, *some))

    @contextmanager
    def _as(self, role: str) -> Iterator[Connection]:
        with self._bank.store.begin(system("demo")) as connection:
            principal = principal_for(connection, self._of[role], _PURPOSE[role], role=role)
        with self._bank.store.begin(principal) as connection:
            yield connection


def _every(numbers: Sequence[str], most: int) -> Sequence[str]:
    """Return at most ``most`` of the numbers, spread over all."""
    return numbers[:: -(-len(numbers) // most) or 1]


def _hands(connection: Connection, unit_id: str, first: date, last: date) -> dict[str, Fraction]:
    """Return the weights of a split by who is at work: what nobody works at can take nothing."""
    return {one: Fraction(room) for one, room in capacities(connection, unit_id, first, last).items() if room}


def _sheet(rows: Sequence[tuple[object, ...]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (("客户号", "事项", "价值", "说明"), *rows):
        sheet.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
