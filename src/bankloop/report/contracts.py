"""What console, HTML report and command line show alike of plans and results, as values in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bankloop.kit.text import Text
from bankloop.view.figures import Figure, Picture, Table


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as people see it: the answer in a sentence and five figures, then pictures, then rows."""

    plan_id: str
    round: int
    window_start: date
    window_end: date
    answer: Text
    figures: tuple[Figure, ...]
    resources: Table
    actions: Table
    waterfalls: Mapping[str, Picture]
    left_out: Mapping[str, Table]
    certainty: tuple[Picture, ...]
    curves: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class ProgrammeView:
    """All campaigns together against the bank-wide holdout: the answer, five figures, and each goal beside it."""

    title: Text
    answer: Text
    figures: tuple[Figure, ...]
    goals: Picture
    table: Table


@dataclass(frozen=True, slots=True)
class ResultsView:
    """Readings as people see them: the forest, money, funnel and whether they may be believed.

    ``verdicts`` are campaign and sentence, of the reading that says most of each; ``arrival`` shows week by week how
    each lift came; ``rules`` are the bank's own ways to choose, measured; ``programme`` is the whole against the
    holdout; ``groups`` cut each campaign's reading.
    """

    answer: Text
    verdicts: tuple[tuple[Text, Text], ...]
    figures: tuple[Figure, ...]
    forest: Picture
    money: Picture
    readings: Table
    funnel: Table
    checks: Table
    offers: Table
    motives: Table
    basis: Table
    rules: Table
    arrival: tuple[Picture, ...] = ()
    groups: tuple[Table, ...] = ()
    programme: ProgrammeView | None = None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One limit changed and everything solved again: before and after."""

    resource: str
    title: Text
    before: float
    after: float
    table: Table


@dataclass(frozen=True, slots=True)
class Truth:
    """What only a simulator knows: the true effect of a staff call beside the predicted, and what sub-branches carry out.

    ``predicted`` and ``true`` (n,) are changes of the probability of success; ``renews`` (n,) who would stay by
    himself; ``execution`` maps a sub-branch to the share of its tasks that it does.
    """

    predicted: Sequence[float]
    true: Sequence[float]
    renews: Sequence[bool]
    execution: Mapping[str, float]
