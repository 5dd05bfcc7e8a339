"""Whom an effect is told of, in words: who comes by themselves, what was stated and is believed, who is left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_EVERYBODY = Text("全体", "everybody")
_UNKNOWN = Text("或不详", "or unknown")


def segment_in_words(bounds: Sequence[Mapping[str, Any]], named: Mapping[str, Mapping[str, Any]]) -> Text:
    """Return who a segment is; ``named`` are the attributes' definitions, as the catalogue or a lock has them."""
    if not bounds:
        return _EVERYBODY
    parts = [_bound(one, named.get(one["feature"], {})) for one in bounds]
    return Text("，".join(one.zh for one in parts), ", ".join(one.en for one in parts))


def _bound(one: Mapping[str, Any], definition: Mapping[str, Any]) -> Text:
    name = Text(str(definition.get("zh", one["feature"])), str(definition.get("en", one["feature"])))
    low, high = one["low"], one["high"]
    if definition.get("type") == "bool":
        word = Text("是", "yes") if low is not None else Text("否", "no")
        said = Text(f"{name.zh}：{word.zh}", f"{name.en}: {word.en}")
    else:
        shown = [None if edge is None else _edge(edge, definition) for edge in (low, high)]
        said = _span(name, *shown)
    return Text(f"{said.zh}{_UNKNOWN.zh}", f"{said.en} {_UNKNOWN.en}") if one["unknown"] else said


def _edge(value: float, definition: Mapping[str, Any]) -> Text:
    if definition.get("type") == "money":
        return say.money(value)
    return say.same(f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}")


def _span(name: Text, low: Text | None, high: Text | None) -> Text:
    if low is None and high is not None:
        return Text(f"{name.zh} ≤ {high.zh}", f"{name.en} ≤ {high.en}")
    if high is None and low is not None:
        return Text(f"{name.zh} > {low.zh}", f"{name.en} > {low.en}")
    assert low is not None
    assert high is not None
    return Text(f"{name.zh} {low.zh} 至 {high.zh}", f"{name.en} {low.en} to {high.en}")


def advice(effects: Mapping[str, Mapping[str, float]]) -> tuple[Text, Tone]:
    """Return what a segment's believed effects mean for it."""
    best = max(effects.values(), key=lambda one: one["mean"], default=None)
    if best is None or best["mean"] <= 0.0:
        return Text("自己会办成，不联系", "does it alone: not contacted"), Tone.WARN
    harmed = [action for action, one in effects.items() if one["mean"] < 0.0]
    if not harmed:
        return Text("值得联系", "worth a contact"), Tone.GOOD
    channels = ", ".join(sorted({action.split("|")[2] for action in harmed}))
    return Text(f"不用 {channels}（会帮倒忙）", f"not by {channels}, which does harm"), Tone.WARN


def segments_table(card: Mapping[str, Any], named: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """Return the segments of a campaign's model: who, how many, who comes alone, each action stated → believed."""
    segments = card.get("segments") or ()
    if not segments:
        return None
    rows = []
    for one in sorted(segments, key=lambda found: found["rate"]):
        word, tone = advice(one["effects"])
        rows.append(
            (
                Cell(segment_in_words(one["bounds"], named)),
                Cell(say.percent(one["share"], 0)),
                Cell(say.percent(one["rate"], 1)),
                Cell(_effects(one["effects"])),
                Cell(word, tone),
            )
        )
    columns = (
        Column(Text("谁", "Who")),
        Column(Text("占比", "Share"), number=True),
        Column(Text("不联系也会办成", "Reach the goal alone"), number=True),
        Column(Text("一次触达的作用：先验 → 现在相信 [95%]", "What a contact does: stated → believed [95 %]")),
        Column(Text("所以", "Therefore")),
    )
    caption = Text("分群：先验与后验", "Segments: what was stated, what is believed")
    return Table("segments", caption, columns, tuple(rows), _statement(card))


def _effects(effects: Mapping[str, Mapping[str, float]]) -> Text:
    """Return effects in points, the largest first."""
    said = []
    for action, one in sorted(effects.items(), key=lambda pair: -pair[1]["mean"]):
        _, benefit, channel = action.split("|")
        name = channel if benefit == "none" else f"{channel}+{benefit}"
        numbers = (
            f"{value * 100:+.1f}".replace("-", "−") for value in (one["stated"], one["mean"], one["low"], one["high"])
        )
        stated, mean, low, high = numbers
        said.append(f"{name} {stated} → {mean} [{low}, {high}]")
    return say.same("; ".join(said))


def _statement(card: Mapping[str, Any]) -> Text | None:
    """Return what the owner stated and who signed it."""
    stated = card.get("stated") or {}
    if not stated:
        return None
    zh = "，".join(f"{name} 赢 {wins:.1%} 失 {loses:.1%}" for name, (wins, loses) in stated.items())
    en = ", ".join(f"{name} wins {wins:.1%} and loses {loses:.1%}" for name, (wins, loses) in stated.items())
    who = card.get("statement") or {}
    signed = Text("没有署名", "nobody signed it")
    if who:
        owner, on, source = who["owner"], who["on"], who["source"]
        signed = Text(f"{owner}，{on}：{source}", f"{owner}, {on}: {source}")
    return Text(f"先验：{zh}（{signed.zh}）。", f"Stated: {en} ({signed.en}).")
