"""What the owner of a campaign states of its effect before there is data: both sides of it, with source and date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field

from bankloop.kit.errors import SpecError
from bankloop.kit.located import Located
from bankloop.kit.text import Text
from bankloop.loop.spec.values import NO_BENEFIT, Label, Ppm, Spec

# People within a segment may differ by so many attributes at most: what a round holds tells apart no more.
MOST_MODERATORS = 8


class StatedShare(Spec):
    """What an action does, as stated: the share of the base that it wins, and of who needs no contact that it loses."""

    wins: Ppm
    loses: Ppm


class Signature(Spec):
    """Whose word the prior is: the ``owner`` who signs it, ``on`` which day, and the ``source`` that it rests on."""

    owner: str = Field(min_length=1)
    on: date
    source: str = Field(min_length=1)


class OwnRule(Spec):
    """How the bank would choose without a plan: who has most (or ``first: least``) of an expression, ``among`` some first."""

    title: Label
    by: str = Field(min_length=1)
    among: str | None = None
    first: Literal["most", "least"] = "most"


class Prior(Spec):
    """How the model is built: ``prior`` states of each channel and benefit what it wins and what it loses.

    Wins are a share of the ``base``: of those who would reach the goal by themselves (``converts``), or would not
    (``fails``); losses always of those who would. ``stated`` says whose word that is. ``learner`` learns the effect from
    rounds where chance decided: ``segments`` about the prior, ``S``, ``T``, ``X`` or ``DR`` over trees, ``auto`` the one
    that is surely nearest to what happened. ``moderators`` are the attributes by which people within a segment may differ,
    at most eight.
    """

    kind: Literal["uplift", "propensity"] = "uplift"
    learner: Literal["segments", "S", "T", "X", "DR", "auto"] = "segments"
    base: Literal["converts", "fails"] = "converts"
    prior: Mapping[str, StatedShare] = Field(default_factory=dict)
    stated: Signature | None = None
    moderators: tuple[str, ...] = Field(default=(), max_length=MOST_MODERATORS)


def check_both_sides(located: Located) -> None:
    """Refuse a prior that says what a contact wins and is silent on what it loses: no number stands in for it."""
    model = located.content.get("model")
    prior = model.get("prior") if isinstance(model, Mapping) else None
    for name, said in (prior or {}).items() if isinstance(prior, Mapping) else ():
        if isinstance(said, Mapping) and {"wins", "loses"} <= set(said):
            continue
        wins = said.get("wins", "15%") if isinstance(said, Mapping) else said
        raise SpecError(
            "spec.prior_one_sided",
            Text(
                "{place}：{name} 的先验只写了一面；一次触达也会失去客户。请写 {name}: {{wins: {wins}, loses: 1%}}，"
                "loses 是本来不用触达也会达成、却因触达而失去的比例，确知没有就写 0%",
                "{place}: the prior of {name} tells one side only, and a contact can lose a customer too. Write "
                "{name}: {{wins: {wins}, loses: 1%}}; loses is the share of those who would reach the goal by themselves "
                "that a contact loses, 0% where it is known that it loses none",
            ),
            place=located.place("model", "prior", name),
            name=name,
            wins=wins,
        )


def check_stated(located: Located, model: Prior, channels: Iterable[str], benefits: Iterable[str]) -> None:
    """Refuse a channel or benefit of which nothing is stated, and a prior that nobody signs."""
    silent = [name for name in (*channels, *benefits) if name != NO_BENEFIT and name not in model.prior]
    if silent:
        raise SpecError(
            "spec.prior_missing",
            Text(
                "{place}：没有写 {name} 的先验，没有默认值可用；请在 model.prior 下写 {name}: {{wins: 比例, loses: 比例}}",
                "{place}: nothing is stated of {name}, and there is no default; write {name}: {{wins: share, loses: share}} "
                "under model.prior",
            ),
            place=located.place("model"),
            name=silent[0],
        )
    if model.stated is None:
        raise SpecError(
            "spec.prior_unsigned",
            Text(
                "{place}：先验没有署名；请在 model 下写 stated: {{owner: 谁负责, on: 年-月-日, source: 依据}}",
                "{place}: nobody signs the prior; write stated: {{owner: who answers for it, on: YYYY-MM-DD, "
                "source: what it rests on}} under model",
            ),
            place=located.place("model"),
        )


def two_sided(campaign: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a locked campaign as it is written now: locks of earlier versions stated wins alone."""
    model = campaign["model"]
    prior = {
        name: said if isinstance(said, Mapping) else {"wins": said, "loses": "0%"}
        for name, said in model.get("prior", {}).items()
    }
    learner = "segments" if model.get("learner") == "pooled" else model.get("learner", "segments")
    return {**campaign, "model": {**model, "prior": prior, "learner": learner}}
