"""A demo's own values: what the bank is, what its load refused, five ways to give the same calls, what only truth can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.kit.text import Text
from bankloop.lake.contracts import LoadReport
from bankloop.loop.evaluate import Programme, Reading
from bankloop.loop.model import ModelCard
from bankloop.loop.optimize import Challenger
from bankloop.loop.round.window import Window
from bankloop.report.contracts import Truth
from bankloop.simulate.contracts import SimulatedBank
from bankloop.simulate.world import World
from bankloop.view import format as say
from bankloop.view.figures import Bar, BarRole, Bars, Cell, Column, Pair, Pairs, Picture, Table, Tone

_STAFF_CHANNEL = "rm_call"
# More sub-branches than this are shown as a distribution.
_MOST_UNITS = 24
_THIRDS = (Text("预测低", "low"), Text("预测中", "middle"), Text("预测高", "high"))


class Round(Protocol):
    """One campaign's round as a demo tells it."""

    @property
    def campaign(self) -> str:
        """The campaign's name."""
        ...

    @property
    def reading(self) -> Reading:
        """What the bank read."""
        ...

    @property
    def true_lift(self) -> float:
        """What the simulator knows of the same customers, a fraction."""
        ...


class CallValues(Protocol):
    """True value in fen of the same staff calls given out in five ways."""

    @property
    def calls(self) -> int:
        """How many calls there were."""
        ...

    @property
    def random(self) -> float:
        """By lot."""
        ...

    @property
    def balance_first(self) -> float:
        """The largest balances first."""
        ...

    @property
    def churn_first(self) -> float:
        """The likeliest to leave first."""
        ...

    @property
    def plan(self) -> float:
        """As planned."""
        ...

    @property
    def oracle(self) -> float:
        """By who knew the truth."""
        ...


class DemoStory(Protocol):
    """What a demo lived through."""

    @property
    def bank(self) -> SimulatedBank:
        """The bank that was simulated."""
        ...

    @property
    def load(self) -> LoadReport | None:
        """What its load did."""
        ...

    @property
    def cards(self) -> Mapping[str, ModelCard]:
        """The first models' cards."""
        ...

    @property
    def rounds(self) -> Sequence[Sequence[Round]]:
        """The campaigns of each round."""
        ...

    @property
    def windows(self) -> Sequence[Window]:
        """The windows as they were planned."""
        ...

    @property
    def challengers(self) -> Mapping[str, Challenger]:
        """The last round's challengers."""
        ...

    @property
    def pooled(self) -> Mapping[str, Reading]:
        """Readings over all rounds."""
        ...

    @property
    def placebo(self) -> Reading | None:
        """The A/A reading."""
        ...

    @property
    def programme(self) -> Programme | None:
        """The whole against the holdout."""
        ...

    @property
    def policies(self) -> CallValues | None:
        """The five ways."""
        ...

    @property
    def rerun_sends(self) -> int:
        """What a second run sent."""
        ...

    @property
    def caps_broken(self) -> int:
        """How many caps were broken."""
        ...

    @property
    def audit_ok(self) -> bool:
        """Whether the audit trail verified."""
        ...


def bank_line(bank: SimulatedBank) -> Text:
    """Return the bank in a line."""
    aum, events = say.money(bank.aum_fen), bank.rows.get("event", 0)
    return Text(
        f"{bank.customers:,} 位客户，{bank.branches} 家分行，{bank.sub_branches} 家支行，{bank.managers} 位客户经理，"
        f"金融资产 {aum.zh}，一年 {events:,} 条事件；全部由模拟器生成，种子 {bank.seed}。",
        f"{bank.customers:,} customers, {bank.branches} branches, {bank.sub_branches} sub-branches, {bank.managers} managers, "
        f"assets of {aum.en}, {events:,} events in a year; all of it simulated, seed {bank.seed}.",
    )


def known_truth(window: Window, world: World) -> Truth | None:
    """Return the truth beside a window's staff calls; None where no campaign makes any."""
    for side in window.plan.candidates.campaigns:
        column = next((i for i, action in enumerate(side.actions) if action.channel == _STAFF_CHANNEL), None)
        if column is None or not side.explore_staff or not len(side.rows):
            continue
        open_ = np.flatnonzero(side.open[:, column])
        people = window.state.table.take(pa.array(side.rows[open_]))
        key = side.actions[column].key
        chance = world.probabilities(side.campaign, people["customer_no"], [key], window.plan.window_start)
        renews = np.zeros(len(open_), bool)
        if "auto_renew_next" in people.column_names:
            renews = np.asarray(
                pc.fill_null(people["auto_renew_next"], False).to_numpy(zero_copy_only=False), dtype=bool
            )
        units = world.execution()
        rates = dict(zip(units["unit_id"].to_pylist(), units["execution"].to_pylist(), strict=True))
        return Truth(
            side.uplift[open_, column].tolist(), (chance[:, 1] - chance[:, 0]).tolist(), renews.tolist(), rates
        )
    return None


def policies_picture(policies: CallValues) -> Picture:
    """Return what the same staff calls are truly worth, given out in five ways."""
    ways = (
        (Text("随机", "Random"), policies.random, BarRole.PLAIN),
        (Text("余额优先", "Balance first"), policies.balance_first, BarRole.PLAIN),
        (Text("流失分优先", "Churn score first"), policies.churn_first, BarRole.PLAIN),
        (Text("本方案", "The plan"), policies.plan, BarRole.CHOSEN),
        (Text("全知（上限）", "Oracle (ceiling)"), policies.oracle, BarRole.TRUTH),
    )
    best = max(policies.random, policies.balance_first, policies.churn_first)
    more, ceiling = (
        say.money(policies.plan - best, sign=True),
        say.percent(policies.plan / policies.oracle if policies.oracle else 0.0, 0),
    )
    return Picture(
        name="policies",
        title=Text(f"同样 {policies.calls:,} 通电话，换一种给法", f"The same {policies.calls:,} calls, given out differently"),
        alt=Text(f"与最好的常规做法相比，本方案 {more.zh}，达到全知上限的 {ceiling.zh}。",
                 f"Against the best usual way the plan makes {more.en}, {ceiling.en} of the oracle's ceiling."),
        chart=Bars(tuple(Bar(label, value, say.money(value), role) for label, value, role in ways)),
        note=Text("按模拟行的真值计价，已扣电话成本。", "Priced at the simulator's truth, after the cost of calls."),
    )  # fmt: skip


def dogs_picture(truth: Truth) -> Picture:
    """Return what a call truly does to those who would stay anyway and to the rest, beside what the model predicts."""
    predicted, true = np.asarray(truth.predicted) * 100, np.asarray(truth.true) * 100
    renews = np.asarray(truth.renews, dtype=bool)
    groups = ((Text("自动转存", "Renews by itself"), renews), (Text("不自动转存", "Does not renew"), ~renews))
    rows = tuple(pair for label, mask in groups for pair in _thirds(label, predicted[mask], true[mask]))
    harmed = float((true < 0).mean()) if len(true) else 0.0
    mean = [float(true[mask].mean()) if mask.any() else 0.0 for _, mask in groups]
    return Picture(
        name="dogs",
        title=Text("别叫醒睡着的狗：一通电话的真实作用", "Let sleeping dogs lie: what a call truly does"),
        alt=Text(f"自动转存的客户打电话平均 {mean[0]:+.1f} pp，其余 {mean[1]:+.1f} pp；{harmed:.0%} 的客户会因电话而变差。",
                 f"A call moves those who renew by themselves by {mean[0]:+.1f} pp and the rest by {mean[1]:+.1f} pp; "
                 f"it does harm to {harmed:.0%} of customers."),
        chart=Pairs(rows),
        note=Text("赭色条是模拟行的真值，绿色刻度是模型的预测；低于零的，打了更糟。",
                  "Ochre bars are the simulator's truth, green ticks the model's prediction; below nought a call makes it worse."),
    )  # fmt: skip


def _thirds(label: Text, predicted: np.ndarray, true: np.ndarray) -> list[Pair]:
    """One group by thirds of its predictions; whole where the model does not tell its customers apart."""
    if not len(predicted):
        return []
    if len(predicted) < 30 or np.ptp(predicted) < 1e-9:
        return [Pair(label, float(predicted.mean()), float(true.mean()), len(true))]
    parts = np.array_split(np.argsort(predicted, kind="stable"), 3)
    return [
        Pair(Text(f"{label.zh} · {third.zh}", f"{label.en} · {third.en}"), float(predicted[rows].mean()), float(true[rows].mean()), len(rows))
        for third, rows in zip(_THIRDS, parts, strict=True)
    ]  # fmt: skip


def execution_picture(truth: Truth) -> Picture:
    """Return which share of their tasks sub-branches carry out."""
    rates = sorted(truth.execution.items(), key=lambda pair: -pair[1])
    if len(rates) <= _MOST_UNITS:
        bars = tuple(Bar(say.same(unit), rate, say.percent(rate, 0), BarRole.TRUTH) for unit, rate in rates)
    else:
        tenths = [sum(low <= rate * 10 < low + 1 for _, rate in rates) for low in range(10)]
        tenths[9] += sum(rate >= 1.0 for _, rate in rates)
        bars = tuple(
            Bar(say.same(f"{low * 10}–{low * 10 + 10}%"), float(n), Text(f"{n} 家", f"{n} units"), BarRole.TRUTH)
            for low, n in reversed(list(enumerate(tenths))) if n
        )  # fmt: skip
    values = np.array([rate for _, rate in rates]) if rates else np.zeros(1)
    low, middle, high = (f"{q:.0%}" for q in np.quantile(values, [0.25, 0.5, 0.75]))
    return Picture(
        name="execution",
        title=Text("支行真正做了多少", "What sub-branches really carry out"),
        alt=Text(f"{len(rates)} 家支行，任务执行率中位 {middle}，四分位 {low} 至 {high}。",
                 f"{len(rates)} sub-branches carry out {middle} of their tasks at the median, {low} to {high} at the quartiles."),
        chart=Bars(bars),
        note=Text("模拟行的真值；意向处理读数已含没做的任务。", "The simulator's truth; intention-to-treat readings contain the tasks not done."),
    )  # fmt: skip


def card_table(cards: Mapping[str, Mapping[str, Any]], titles: Mapping[str, Text]) -> Table:
    """Return model cards side by side; each card as plain values, as the store keeps them."""
    rows = tuple(
        (
            Cell(titles.get(name, say.same(name))),
            Cell(
                *_standing(card),
                tag=True,
            ),
            Cell(say.count(card["rows"])),
            Cell(say.count(card["positives"])),
            Cell(ranged(card, "auc", "{:.3f}")),
            Cell(ranged(card, "ks", "{:.3f}")),
            Cell(ranged(card, "lift_at_10", "{:.2f}", "×")),
            Cell(say.same(f"{card['psi']:.2f}"), Tone.WARN if card["psi"] > 0.25 else Tone.PLAIN),
            Cell(_window(card)),
        )
        for name, card in cards.items()
    )
    columns = (
        Column(Text("模型", "Model")),
        Column(Text("效力", "Standing")),
        Column(Text("样本", "Rows"), number=True),
        Column(Text("正例", "Positives"), number=True),
        Column(say.same("AUC"), number=True),
        Column(say.same("KS"), number=True),
        Column(say.same("lift@10%"), number=True),
        Column(say.same("PSI"), number=True),
        Column(Text("样本期", "Window")),
    )
    note = Text(
        "“尚非因果”：按历史倾向乘以写明的先验，随机一轮之后才谈因果。方括号内为留出样本重抽的 95% 区间。",
        "'Not yet causal': propensity from history times a stated prior; causal only after a randomised round. In brackets: 95 % of "
        "resamples of the rows held out.",
    )
    return Table("models", Text("模型卡", "Model cards"), columns, rows, note)


def _standing(card: Mapping[str, Any]) -> tuple[Text, Tone]:
    if card["kind"] == "forecast":
        return Text("预测", "Forecast"), Tone.PLAIN
    if card["kind"] == "amount":
        return Text("金额", "Amount"), Tone.PLAIN
    return (Text("因果", "Causal"), Tone.GOOD) if card["causal"] else (Text("尚非因果", "Not yet causal"), Tone.WARN)


def ranged(card: Mapping[str, Any], name: str, form: str, unit: str = "") -> Text:
    """Return a card's number with its interval, where it has one."""
    span = card.get("intervals", {}).get(name)
    held = f" [{form.format(span[0])}, {form.format(span[1])}]" if span else ""
    return say.same(f"{form.format(card[name])}{unit}{held}")


def _window(card: Mapping[str, Any]) -> Text:
    start, end = card["window"]
    return Text(f"{start} 至 {end}", f"{start} to {end}")


def effect_table(card: Mapping[str, Any], names: Mapping[str, Text]) -> Table | None:
    """Return the measured effects of a card's actions; None for a model that has none yet."""
    if not card.get("effects"):
        return None
    rows = tuple(
        (
            Cell(names.get(key, say.same(key))),
            Cell(say.count(one["rows"])),
            Cell(say.same(f"{one['mean'] * 100:+.2f} [{one['low'] * 100:+.2f}, {one['high'] * 100:+.2f}]".replace("-", "−"))),
        )
        for key, one in card["effects"].items()
    )  # fmt: skip
    columns = (
        Column(Text("动作", "Action")),
        Column(Text("人数", "Customers"), number=True),
        Column(Text("平均作用 pp [95% 区间]", "Mean effect pp [95% interval]"), number=True),
    )
    return Table("effects", Text("各动作的平均作用", "Mean effect of each action"), columns, rows)


def check_table(story: DemoStory) -> Table:
    """Return the promises that every run keeps."""
    passed, failed = Text("通过", "Passed"), Text("异常", "Failed")
    facts = (
        (Text("再运行一次，发出", "A second run sends"), say.count(story.rerun_sends), story.rerun_sends == 0),
        (Text("突破的频控", "Contact caps broken"), say.count(story.caps_broken), story.caps_broken == 0),
        (Text("审计链核验", "Audit chain"), Text("完整", "intact") if story.audit_ok else Text("有断点", "broken"), story.audit_ok),
    )  # fmt: skip
    rows = tuple(
        (Cell(name), Cell(value), Cell(passed if ok else failed, Tone.GOOD if ok else Tone.BAD, tag=True))
        for name, value, ok in facts
    )
    columns = (
        Column(Text("承诺", "Promise")),
        Column(Text("结果", "Result"), number=True),
        Column(Text("核验", "Check")),
    )
    return Table("promises", Text("每次运行都守住的", "What every run keeps"), columns, rows)
