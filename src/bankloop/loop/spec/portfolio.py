"""What stands above campaigns: programmes (``programmes/NAME.yaml``) and the library of plays (``plays.yaml``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from bankloop.kit.located import read_located
from bankloop.kit.text import Text
from bankloop.kit.wording import Unfit
from bankloop.loop.spec.contracts import Key, Label, Ppm, Spec
from bankloop.loop.spec.reader import known_names, validated


class Span(Spec):
    """The first and the last day of a programme."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.last <= self.first:
            raise Unfit("to 应晚于 from", "`to` must lie after `from`")
        return self


class ProgrammeSpec(Spec):
    """Campaigns under one baseline and target: how much ``metric`` shall grow over the day before the window (ppm)."""

    format: int = Field(ge=1, le=1)
    programme: Key
    title: Label
    owner: str = Field(min_length=1)
    campaigns: tuple[Key, ...] = Field(min_length=1)
    metric: str
    target: Ppm
    window: Span


class Play(Spec):
    """A use case of the library (策略库): customer × product × journey × scene, with data, model, owner, KPI, campaigns."""

    key: Key
    title: Label
    customer: Label
    journey: Label
    scene: Label
    products: tuple[Key, ...] = Field(min_length=1)
    data: tuple[str, ...] = ()
    model: Label
    owner: str = Field(min_length=1)
    kpi: Label
    campaigns: tuple[Key, ...] = ()


class PlayLibrary(Spec):
    """``plays.yaml``."""

    format: int = Field(ge=1, le=1)
    plays: tuple[Play, ...]


def read_programmes(folder: Path, campaigns: Collection[str], metrics: Collection[str]) -> dict[str, ProgrammeSpec]:
    """Return a bank's programmes by name; raise ``SpecError`` with place and nearest name for what it does not have."""
    found = {}
    for path in sorted((folder / "programmes").glob("*.yaml")):
        located = read_located(path)
        one = validated(located, ProgrammeSpec)
        known_names(located, ("campaigns",), one.campaigns, campaigns, Text("战役", "campaign"))
        known_names(located, ("metric",), [one.metric], metrics, Text("指标", "metric"))
        found[one.programme] = one
    return found


def read_plays(
    folder: Path, campaigns: Collection[str], products: Collection[str], attributes: Collection[str]
) -> tuple[Play, ...]:
    """Return a bank's library of plays, empty without a file; names that the bank does not have are refused."""
    path = folder / "plays.yaml"
    if not path.exists():
        return ()
    located = read_located(path)
    library = validated(located, PlayLibrary)
    kinds: Mapping[str, tuple[Collection[str], Text]] = {
        "campaigns": (campaigns, Text("战役", "campaign")),
        "products": (products, Text("产品", "product")),
        "data": (attributes, Text("标签", "attribute")),
    }
    for index, play in enumerate(library.plays):
        for field, (known, kind) in kinds.items():
            names: Iterable[str] = getattr(play, field)
            known_names(located, ("plays", index, field), names, known, kind)
    return library.plays
