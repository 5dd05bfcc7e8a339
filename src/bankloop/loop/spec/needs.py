"""``needs.yaml``: how assets may be spread by risk tolerance, what everybody should have, which services suit whom."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bankloop.kit.expression import Type
from bankloop.kit.located import read_located
from bankloop.kit.wording import Unfit
from bankloop.loop.spec.reader import check_condition, validated
from bankloop.loop.spec.values import Key, Label, Ppm, Spec

BUILT_IN = Path(__file__).with_name("needs.yaml")
OWN = "needs.yaml"
WHOLE = 1_000_000
ASSET_CLASSES = ("demand_deposit", "term_deposit", "wealth", "fund", "insurance")
AssetClass = Annotated[str, Field(pattern=f"^({'|'.join(ASSET_CLASSES)})$")]
Tolerance = Annotated[str, Field(pattern="^C[1-5]$")]


class Basic(Spec):
    """A basic product (基础产品): who should have it (everybody where nothing is written), who has, what is offered."""

    basic: Key
    title: Label
    among: str | None = None
    held: str
    offer: Label

    @property
    def lacking(self) -> str:
        """Return the condition of who should have it and has not."""
        lacks = f"not ({self.held})"
        return f"({self.among}) and {lacks}" if self.among else lacks


class AddedService(Spec):
    """A benefit that is no money (增值服务), its kind, and whom it suits."""

    benefit: Key
    title: Label
    kind: Literal["health", "travel", "education", "culture", "life"]
    when: str


class Needs(Spec):
    """The file."""

    format: Literal[1]
    allocations: Mapping[Tolerance, Mapping[AssetClass, Ppm]]
    basics: tuple[Basic, ...] = ()
    benefits: tuple[AddedService, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Needs:
        for tolerance, shares in self.allocations.items():
            if sum(shares.values()) != WHOLE:
                raise Unfit(
                    f"{tolerance} 的配置合计应为 100%，现在是 {sum(shares.values()) / 10_000:g}%",
                    f"the shares of {tolerance} sum to {sum(shares.values()) / 10_000:g}%; make them 100%",
                )
        return self


def read_needs(folder: Path, types: Mapping[str, Type]) -> Needs:
    """Return the bank's needs, built in where it has no file; raise ``SpecError`` or ``ExpressionError``."""
    path = folder / OWN if (folder / OWN).exists() else BUILT_IN
    return _read(path, path.stat().st_mtime_ns, tuple(sorted(types.items())))


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, types: tuple[tuple[str, Type], ...]) -> Needs:
    located, known = read_located(path), dict(types)
    found = validated(located, Needs)
    for at, one in enumerate(found.basics):
        for name, text in (("among", one.among), ("held", one.held)):
            if text is not None:
                check_condition(located, ("basics", at, name), text, known)
    for at, service in enumerate(found.benefits):
        check_condition(located, ("benefits", at, "when"), service.when, known)
    return found
