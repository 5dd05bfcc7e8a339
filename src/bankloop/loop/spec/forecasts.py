"""``forecasts.yaml``: what customers will do by themselves, each a model of its own that fills a score attribute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from bankloop.kit.expression import MONEY, SCORE, Type, parse
from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text
from bankloop.kit.wording import Unfit
from bankloop.loop.spec.reader import known_names, validated
from bankloop.loop.spec.values import Days, Key, Label, Ppm, Spec

BUILT_IN = Path(__file__).with_name("forecasts.yaml")
OWN = "forecasts.yaml"


class Given(Spec):
    """What the forecast is conditional on: rows are those to whom ``event`` happened ``within`` days of the day looked from.

    ``amount`` is the attribute that says beforehand what the event's amount will be.
    """

    event: str
    within: Days
    amount: str | None = None


class Forecast(Spec):
    """One forecast: whether ``event`` happens ``within`` days to who meets ``among``; ``attribute`` is the score it fills.

    With ``least`` an event counts only with that share of the attribute ``of``. A score holds for ``valid`` days.
    """

    forecast: Key
    title: Label
    attribute: str
    among: str
    given: Given | None = None
    event: str
    within: Days
    least: Ppm | None = None
    of: str | None = None
    valid: Days = 30

    @model_validator(mode="after")
    def _least_of_something(self) -> Forecast:
        if (self.least is None) != (self.of is None):
            raise Unfit(
                "least 是某标签的份额：least 与 of 一起写", "least is a share of an attribute: write both least and of"
            )
        return self

    @property
    def days(self) -> int:
        """Return how far back the day lies from which rows are looked at: what is given, then the outcome."""
        return self.within + (self.given.within if self.given else 0)


class Forecasts(Spec):
    """The file."""

    format: int = Field(ge=1, le=1)
    forecasts: tuple[Forecast, ...]


def read_forecasts(folder: Path, types: Mapping[str, Type]) -> dict[str, Forecast]:
    """Return the forecasts by key, built in and the bank's own; raise ``SpecError`` with the place of what is not known."""
    found: dict[str, Forecast] = {}
    for path in (BUILT_IN, folder / OWN):
        if path.exists():
            located = read_located(path)
            for index, one in enumerate(validated(located, Forecasts).forecasts):
                _check(located, index, one, types)
                found[one.forecast] = one
    return found


def _check(located: Located, index: int, one: Forecast, types: Mapping[str, Type]) -> None:
    scores = [name for name, kind in types.items() if kind == SCORE]
    money = [name for name, kind in types.items() if kind == MONEY]
    at = ("forecasts", index)
    known_names(located, (*at, "attribute"), [one.attribute], scores, Text("模型分标签", "score attribute"))
    known_names(located, (*at, "of"), [one.of] if one.of else [], money, Text("金额标签", "money attribute"))
    amount = one.given.amount if one.given else None
    known_names(
        located, (*at, "given", "amount"), [amount] if amount else [], money, Text("金额标签", "money attribute")
    )
    parse(one.among, types)
