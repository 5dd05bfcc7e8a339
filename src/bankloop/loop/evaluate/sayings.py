"""The sentences of a reading: its verdict, what it would take, what was put aside, and what its numbers are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, inf

import numpy as np

from bankloop.kit.text import Text
from bankloop.loop.evaluate.contracts import Verdict
from bankloop.loop.evaluate.statistics import FEWEST, FEWEST_ROWS, MOST_SKEW, Estimate, RatioCheck, Read, rounds_for

# Beyond this many rounds nobody waits for the answer: the sentence says so instead of counting on.
MANY_ROUNDS = 100

SENTENCES = {
    Verdict.GAIN: Text("显著：提升 {lift}，区间 {low} 至 {high}", "significant: lift {lift}, interval {low} to {high}"),
    Verdict.HARM: Text("显著为负：{lift}，区间 {low} 至 {high}；应停", "significant harm: {lift}, interval {low} to {high}; stop it"),
    Verdict.INCONCLUSIVE: Text(
        "尚无结论：提升 {lift}，区间 {low} 至 {high}；真有 {lift} 的话，合并{rounds}轮，五次里四次看得出",
        "inconclusive: lift {lift}, interval {low} to {high}; if {lift} is true, {rounds} pooled rounds show it four times in five",
    ),
    Verdict.UNREADABLE: Text("不可读：{reason}", "unreadable: {reason}"),
}  # fmt: skip
# Before the window has closed; the interval in it is the wider one that holds at every look.
STILL_RUNNING = Text("进行中（窗口已过 {share}，随时可看的区间）：{said}", "still running ({share} of the window; an interval for any number of looks): {said}")  # fmt: skip
RESTATED = Text("更正（{day} 曾读作 {before}，之后有迟到的事件）：{said}", "restated (read as {before} on {day}; events came late): {said}")  # fmt: skip
_NO_ARM = Text("没有对照或没有处理客户", "there is no control or no treated customer")
_NOBODY = Text("没有人达成目标：先查数据是否送到", "nobody reached the goal: check the feed")
_NOBODY_YET = Text(
    "窗口已过 {share}，还没有人达成目标", "with {share} of the window gone nobody has reached the goal yet"
)
_EVERYBODY = Text(
    "人人达成目标：先查数据与目标的写法", "everybody reached the goal: check the feed and how the goal is written"
)
_FEW = Text(
    "成功太少，读不出：较小的一组按两组相同只预计 {expected} 个，至少要 {least} 个；合计还差约 {more} 个",
    "too few successes to read: the smaller arm expects {expected} were both alike, and {least} are needed, "
    "about {more} more in all",
)
_FEW_FAILURES = Text(
    "未达成的太少，读不出：较小的一组按两组相同只预计 {expected} 人，至少要 {least} 人；合计还差约 {more} 人",
    "too few failures to read: the smaller arm expects {expected} were both alike, and {least} are needed, "
    "about {more} more in all",
)
_FEW_ROWS = Text("一组不足 {least} 位客户", "an arm has fewer than {least} customers")
ALL_ALIKE = Text(
    "每位客户的钱都一样，没有差异可读：先查数据是否送到",
    "everybody's money is the same, so that nothing can be told: check the feed",
)
_FEW_PAYERS = Text(
    "付钱的人太少，而多少相差太大：像这样的要合并约 {n} 轮",
    "too few paid for how unlike their amounts are: about {n} such rounds pooled can be read",
)
_OFF = Text(
    "{which}异常（p = {p}）：先查分组与日志", "{which}: the arms are off (p = {p}); check assignment and logs first"
)

NOTES: Mapping[str, Text] = {
    "before_assignment": Text("{n} 个事件发生在分组之前，未计入", "{n} events happened before the assignment and are not counted"),
    "two_cells": Text("{n} 位客户在本轮换过分组，按第一次的分组计", "{n} customers changed cells within the round and are read by their first one"),
    "again": Text("{n} 位客户在本轮被决策不止一次，只计一次", "{n} customers were decided on more than once in the round and are counted once"),
    "redefined": Text("{n} 位客户按轮中改过的目标决策，未计入；按第一次的目标读数", "{n} customers were decided on under a goal redefined within the round and are left out; the first goal is read"),
    "same_person": Text("{n} 个客户号与另一个已决策的客户号是同一人，按第一次的决策计", "{n} customer numbers are those of a person decided on under another one; the first decision is read"),
    "no_worth": Text("{n} 位客户没有记录价值，按 0 计", "of {n} customers no worth was recorded; they count as 0"),
    "negative": Text("{n} 位客户的价值为负，照实计入", "the worth of {n} customers is negative and counts as it is"),
}  # fmt: skip


def judge(
    lift: Estimate | None,
    checks: Sequence[RatioCheck],
    elapsed: float = 1.0,
    rounds: int = 1,
    why_none: Text | None = None,
) -> tuple[Verdict, Text]:
    """Return the verdict on a lift, read from so many ``rounds``, and its sentence in words; ``why_none`` where it is None."""
    off = next((check for check in checks if not check.ok), None)
    if lift is None or off is not None:
        reason = _OFF.filled(which=off.title, p=f"{off.p:.1g}") if lift and off else why_none or _NO_ARM
        return Verdict.UNREADABLE, SENTENCES[Verdict.UNREADABLE].filled(reason=reason)
    verdict = Verdict.GAIN if lift.low > 0 else Verdict.HARM if lift.high < 0 else Verdict.INCONCLUSIVE
    said = SENTENCES[verdict].filled(
        lift=points(lift.value), low=points(lift.low), high=points(lift.high), rounds=in_rounds(needed(lift, rounds))
    )
    return verdict, said if elapsed >= 1.0 else STILL_RUNNING.filled(share=f"{elapsed:.0%}", said=said)


def why_no_lift(found: Read, successes: int, elapsed: float = 1.0) -> Text | None:
    """Return why the difference of two rates with so many ``successes`` is not read; None where it is."""
    if found.readable:
        return None
    expected, missing = float(found.successes), float(found.failures)
    if not np.isfinite(found.value):
        return _NO_ARM
    if successes == 0:
        return _NOBODY if elapsed >= 1.0 else _NOBODY_YET.filled(share=f"{elapsed:.0%}")
    if missing == 0.0:
        return _EVERYBODY
    said, least = (_FEW, expected) if expected <= missing else (_FEW_FAILURES, missing)
    total = successes if expected <= missing else successes * missing / expected
    more = ceil(round(total * max(FEWEST / least - 1.0, 0.0), 6))
    return said.filled(expected=f"{least:.1f}", least=f"{FEWEST:.0f}", more=f"{more:,}")


def why_no_money(found: Read, successes: int | None = None) -> Text | None:
    """Return why the difference of two amounts is not read; None where it is. ``successes`` are those who paid, if known."""
    if successes == 0:
        return _NOBODY
    if found.readable:
        return None
    if not np.isfinite(found.value):
        return _NO_ARM
    if not found.se > 0:
        return ALL_ALIKE
    skew = abs(float(found.skew))
    if not skew > MOST_SKEW:
        return _FEW_ROWS.filled(least=FEWEST_ROWS)
    return _FEW_PAYERS.filled(n=f"{ceil((skew / MOST_SKEW) ** 2):,}")


def needed(lift: Estimate, rounds: int = 1) -> int | None:
    """Return how many such rounds, pooled, find the lift that was read from ``rounds`` of them, four times in five."""
    return rounds_for(lift.value, lift.se * rounds**0.5)


def in_rounds(rounds: int | None) -> Text:
    """Say a number of rounds."""
    if (rounds if rounds is not None else inf) > MANY_ROUNDS:
        return Text("超过 {n} ", "more than {n}").filled(n=MANY_ROUNDS)
    return Text("约 {n} ", "about {n}").filled(n=rounds)


def points(value: float) -> str:
    """Return a difference of rates in percentage points, as people read it."""
    return f"{value * 100:+.2f} pp".replace("-", "−")


def notes_of(counts: Mapping[str, int]) -> tuple[Text, ...]:
    """Return a sentence for each kind of thing that was put aside or taken in unusual ways."""
    return tuple(NOTES[name].filled(n=f"{count:,}") for name, count in counts.items() if count)


POPULATION = Text(
    "可触达的目标客群，不含全行留白与豁免客户，分到哪组算哪组",
    "the usable audience outside the bank-wide holdout and exemptions, as assigned",
)
CELLS = Text(
    "处理组 {treated}（战役对其可用）对 对照组 {control}（不可用），其余战役对两组照常",
    "{treated} treated, who had the campaign available, against {control} of the control, who had not; all else ran for both",
)
_DIFFERENCE = Text("两组比率之差，计分区间（Miettinen–Nurminen）", "difference of two rates, score interval (Miettinen and Nurminen)")  # fmt: skip
_AMOUNTS = Text("两组均值之差，按偏度校正的区间", "difference of means, interval corrected for skewness")
_STRATIFIED = Text("按轮次与客户层级事后分层", "post-stratified over round and tier")
_CUPED = Text("以分组前模型给出的成功概率校正（CUPED）", "adjusted by the chance of success that the model gave before the assignment (CUPED)")  # fmt: skip
_FIXED = Text("到期后的 95% 区间", "95 % interval at the planned end")
_ANY_LOOK = Text("随时可看的 95% 置信序列", "95 % confidence sequence, valid at every look")


def method(*, adjusted: bool, stratified: bool, running: bool, money: bool = False) -> Text:
    """Say how a lift, or with ``money`` an amount, was read."""
    parts = [
        _AMOUNTS if money else _DIFFERENCE,
        *([_CUPED] if adjusted else []),
        *([_STRATIFIED] if stratified else []),
    ]
    parts.append(_ANY_LOOK if running else _FIXED)
    return Text("；".join(p.zh for p in parts), "; ".join(p.en for p in parts))
