"""A customer's attributes as cards (标签卡): value, what it is from, of which version and day, until when it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bankloop.customer.overview import Known, Overview
from bankloop.kit.text import Text
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table
from bankloop.web.pages.customers.customer_page import STAGES

ORIGINS: Mapping[str, Text] = {
    "fact": Text("事实", "fact"),
    "window": Text("事件窗口", "window of events"),
    "rule": Text("规则", "rule"),
    "band": Text("分档", "band"),
    "case": Text("分情形", "case"),
    "lasting": Text("持续天数", "days in a row"),
    "score": Text("模型", "model"),
}
_HIDDEN = Text("已遮盖", "masked")
_NONE = say.same("—")
_PPM = 1_000_000
_AT_A_GLANCE = ("score", "case", "band")


@dataclass(frozen=True, slots=True)
class TagCard:
    """One tag: its title and value, and a line of where it is from."""

    name: str
    title: Text
    value: Text
    origin: Text
    validity: Text


def cards_of(seen: Overview) -> tuple[TagCard, ...]:
    """Return what says most at a glance: scores, stages, bands, and the yes-or-no rules that hold."""
    by_name = {one.name: one for one in seen.attributes}
    shown = [
        one
        for one in seen.attributes
        if one.value is not None and (one.kind in _AT_A_GLANCE or (one.kind == "rule" and one.value is True))
    ]
    return tuple(TagCard(one.name, one.title, value_of(one), _origin(one, by_name), _validity(one)) for one in shown)


def attributes_table(seen: Overview) -> Table:
    """Return every attribute with its origin, version, day and validity."""
    by_name = {one.name: one for one in seen.attributes}
    rows = tuple(
        (
            Cell(one.title, drill=f"attributes/{one.name}"), Cell(_HIDDEN if one.masked else value_of(one)),
            Cell(_origin(one, by_name)), Cell(say.same(one.version)), Cell(say.same(one.as_of)),
            Cell(say.same(one.valid_until or "—")), Cell(say.same(one.owner)),
        )
        for one in seen.attributes
    )  # fmt: skip
    columns = (
        Column(Text("标签", "Attribute")), Column(Text("值", "Value")), Column(Text("来源", "From")),
        Column(Text("版本", "Version")), Column(Text("截至", "As of")), Column(Text("有效至", "Valid until")),
        Column(Text("负责", "Owner")),
    )  # fmt: skip
    return Table("attributes", Text("画像", "Attributes"), columns, rows)


def value_of(one: Known) -> Text:
    """Return a value in words."""
    if one.value is None:
        return _NONE
    if isinstance(one.value, bool):
        return Text("是", "yes") if one.value else Text("否", "no")
    if one.name == "lifecycle_stage":
        return STAGES.get(str(one.value), say.same(one.value))
    if one.type == "score":
        return say.same(f"{one.value / _PPM:.2f}")
    return say.money(one.value) if one.money else say.same(one.value)


def _origin(one: Known, by_name: Mapping[str, Known]) -> Text:
    """Return what a value is from: the model with its version, or the rule with the values that it was made of."""
    kind = ORIGINS.get(one.kind, say.same(one.kind))
    if one.model:
        return Text(f"{kind.zh} {one.model} {one.version}", f"{kind.en} {one.model} {one.version}")
    made = [by_name[name] for name in one.made_of if name in by_name]
    if not made:
        return kind
    zh, en = (_list(made, by_name, language) for language in ("zh", "en"))
    return Text(f"{kind.zh}：{zh}", f"{kind.en}: {en}")


def _list(made: Sequence[Known], by_name: Mapping[str, Known], language: str) -> str:
    """Return the parts of a rule with their values, and the model of a score among them."""
    said = []
    for one in made:
        value = _HIDDEN if one.masked else value_of(one)
        words = f"{getattr(one.title, language)} {getattr(value, language)}"
        if one.model:
            words += (
                f"（{one.model} {one.version}，{one.as_of}）"
                if language == "zh"
                else f" ({one.model} {one.version}, {one.as_of})"
            )
        said.append(words)
    return ("、" if language == "zh" else ", ").join(said)


def _validity(one: Known) -> Text:
    until = one.valid_until
    if until is None:
        return Text(f"截至 {one.as_of}", f"as of {one.as_of}")
    return Text(f"截至 {one.as_of}，有效至 {until}", f"as of {one.as_of}, valid until {until}")
