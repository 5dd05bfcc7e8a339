"""What models need without being asked: a challenger when a round's labels are due, a watch over every champion.

Neither decides anything: a challenger that the comparison supports is submitted for another person's approval, and drift
asks for a retraining. Both go by what is known: where the bank's files do not reach far enough, they wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.loop import optimize
from bankloop.loop.bank import Bank
from bankloop.loop.learning.training import learn_from, learnt_until, watch_model
from bankloop.loop.spec import read_lock
from bankloop.organization.approval import approval_of
from bankloop.organization.principals import system
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.registry import champion, list_campaigns, read_plans
from bankloop.store.registry import read_lock as stored_lock

WAITS = "model.waits"
_WAITS_WHY = Text(
    "关于该模型的申请还在等人决定，这一轮先等着；请批准或退回",
    "a request about the model waits for a person, and the round waits with it; approve it or send it back",
)
_RUNNING = "running"
# What the files must say before a window can be learned from: who was a customer, and what they did.
_TABLES = ("customer", "event")


@dataclass(frozen=True, slots=True)
class LearningOutcome:
    """What became of a round whose labels are due: the challenger's version and whether it was proposed, or why none was."""

    round: int
    version: int = 0
    proposed: bool = False
    refused: str = ""
    why: Text | None = None

    @property
    def said(self) -> Text:
        """Return it in words."""
        if self.why is not None:
            return Text(f"第 {self.round} 轮未学：{self.why.zh}", f"round {self.round} not learned from: {self.why.en}")
        if self.proposed:
            return Text(
                f"第 {self.round} 轮学出第 {self.version} 版，已提交审批",
                f"version {self.version} learned from round {self.round}, submitted for approval",
            )
        return Text(
            f"第 {self.round} 轮学出第 {self.version} 版，不明显更好，现任照旧",
            f"version {self.version} learned from round {self.round}, not surely better: the champion stays",
        )


@dataclass(frozen=True, slots=True)
class WatchedModel:
    """What a champion was found to be: how many things were watched, which of them passed their limit, or why none could."""

    watched: int = 0
    alarms: tuple[str, ...] = ()
    refused: str = ""
    why: Text | None = None

    @property
    def said(self) -> Text:
        """Return it in words."""
        if self.why is not None:
            return Text(f"未看：{self.why.zh}", f"not watched: {self.why.en}")
        if self.alarms:
            kinds = ", ".join(self.alarms)
            return Text(f"超限：{kinds}；请重训", f"past the limit: {kinds}; retrain")
        return Text(f"{self.watched} 项都在限内", f"{self.watched} watched, all within their limits")


def learn_when_due(bank: Bank, today: date) -> Mapping[str, LearningOutcome]:
    """Train a challenger for each campaign's newest round whose labels are due and that none has learned from.

    A request about the model that still waits for a person is not replaced by the program's: the round waits too.
    """
    who, found = system("learning"), dict[str, LearningOutcome]()
    for name, round_ in _due(bank, who, today).items():
        with bank.store.begin(who) as connection:
            request = approval_of(connection, "model", name)
        if request is not None and request.open:
            found[name] = LearningOutcome(round_, refused=WAITS, why=_WAITS_WHY)
            continue
        try:
            made = learn_from(bank, who, name, round_, today, "")
            found[name] = LearningOutcome(round_, made.version, made.comparison.supported)
        except BankloopError as error:
            found[name] = LearningOutcome(round_, refused=error.code, why=error.message)
    _note(bank, who, "model.learn", {name: one.refused for name, one in found.items()})
    return found


def watch_champions(bank: Bank, today: date) -> Mapping[str, WatchedModel]:
    """Watch the champion of every running campaign on the day after the newest files: without any nothing can have changed."""
    if _known_until(bank) < today - timedelta(days=1):
        return {}
    who, found = system("learning"), dict[str, WatchedModel]()
    with bank.store.begin(who) as connection:
        running = [row.name for row in list_campaigns(connection) if row.state == _RUNNING]
        names = [name for name in running if champion(connection, name) is not None]
    for name in names:
        try:
            seen: tuple[optimize.Drift, ...] = watch_model(bank, who, name, today)
            found[name] = WatchedModel(len(seen), tuple(one.kind for one in seen if one.alarm))
        except BankloopError as error:
            found[name] = WatchedModel(refused=error.code, why=error.message)
    _note(bank, who, "model.watch", {name: one.refused for name, one in found.items()})
    return found


def _due(bank: Bank, who: Principal, today: date) -> dict[str, int]:
    """Return by campaign the newest round all of whose windows have closed, by the clock and by the files, with one unlearned."""
    known, found = min(_known_until(bank), today - timedelta(days=1)), dict[str, int]()
    with bank.store.begin(who) as connection:
        plans = [plan for plan in read_plans(connection) if "round" in plan.summary]
        for row in list_campaigns(connection):
            if row.lock_digest is None:
                continue
            within = read_lock(stored_lock(connection, row.lock_digest)).campaign.goal.within
            last: dict[int, date] = {}
            for plan in plans:
                if row.name in plan.campaigns:
                    number = int(plan.summary["round"])
                    last[number] = max(last.get(number, date.min), plan.window_start)
            closed = [number for number, start in last.items() if start + timedelta(days=within - 1) <= known]
            if closed:
                newest = max(closed)
                until = learnt_until(connection, row.name, newest)
                if until is None or until < last[newest]:
                    found[row.name] = newest
    return found


def _known_until(bank: Bank) -> date:
    """Return the day up to which the bank's files say what happened."""
    current = [bank.lake.manifest.current(table) for table in _TABLES]
    return min((version.as_of if version is not None else date.min) for version in current)


def _note(bank: Bank, who: Principal, verb: str, refused: Mapping[str, str]) -> None:
    """Write down in the trail what could not be done, and why."""
    told = {name: code for name, code in refused.items() if code}
    if told:
        with bank.store.begin(who) as connection:
            for name, code in told.items():
                record_audit(connection, verb, "model", name, None, {"refused": code}, "daily")
