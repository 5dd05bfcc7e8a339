"""The catalogue of metrics: each with formula, owner, need and versions, so that a past day keeps its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bankloop.kit.errors import NotFoundError
from bankloop.kit.expression import BOOL, Type, parse, to_ibis
from bankloop.kit.later import later
from bankloop.kit.text import Text
from bankloop.kit.wording import Unfit
from bankloop.loop.spec import Label, Spec, read_spec

if TYPE_CHECKING:
    import duckdb
    import ibis
else:
    duckdb, ibis = later("duckdb"), later("ibis")

Integers = NDArray[np.int64]

# 四个关键需求: every metric serves one of them.
NEEDS: Mapping[str, Text] = {
    "acquire": Text("获客与客户经营", "Customers won and kept"),
    "innovate": Text("数字化业务创新", "Digital business"),
    "operate": Text("数字化运营", "Digital operations"),
    "deliver": Text("敏捷交付", "Agile delivery"),
}


_OVER: Mapping[str, Text] = {
    "point": Text("", ""),
    "month_average": Text("，当月日均", ", daily average of the month"),
    "since_year_start": Text("，比年初", ", since the year's start"),
}


# Any scene that an event says.
ANY_SCENE = "*"


class MetricVersion(Spec):
    """One formula from a day on: ``above`` over ``below`` summed over customers, or customers ``active`` this month.

    With ``every`` each such event of the month counts, not each customer once; with ``scenes`` only those in one of
    these, where ``*`` is any that is said.

    ``over`` reads ``above`` as the average of the month's days, or as the change since the year's start.
    """

    version: int = Field(ge=1)
    since: date
    above: str | None = None
    below: str | None = None
    where: str | None = None
    active: tuple[str, ...] = ()
    every: bool = False
    scenes: tuple[str, ...] = ()
    over: Literal["point", "month_average", "since_year_start"] = "point"

    @model_validator(mode="after")
    def _counts_something(self) -> MetricVersion:
        if bool(self.above) == bool(self.active):
            raise Unfit("指标只写 above 或 active 之一", "a metric counts either `above` or who was `active`")
        if (self.every or self.scenes) and not self.active:
            raise Unfit(
                "every 和 scenes 说的是 active 的事件，请写 active",
                "`every` and `scenes` are about events of `active`; name them",
            )
        return self

    @property
    def formula(self) -> Text:
        """Return the formula as people read it."""
        kinds_zh, kinds_en = "、".join(self.active), " or ".join(self.active)
        if self.scenes:
            kinds_zh += "（在场景中）" if ANY_SCENE in self.scenes else f"（场景 {'、'.join(self.scenes)}）"
            kinds_en += " in a scene" if ANY_SCENE in self.scenes else f" in {' or '.join(self.scenes)}"
        above = (
            Text(self.above, self.above)
            if self.above
            else Text(f"当月的 {kinds_zh} 次数", f"every {kinds_en} of the month")
            if self.every
            else Text(f"当月有 {kinds_zh} 的客户", f"customers with {kinds_en} in the month")
        )
        if self.below is not None:
            above = Text(f"sum({above.zh}) / sum({self.below})", f"sum({above.en}) / sum({self.below})")
        if self.where is not None:
            above = Text(f"{above.zh}，限 {self.where}", f"{above.en} where {self.where}")
        return Text(above.zh + _OVER[self.over].zh, above.en + _OVER[self.over].en)


class Metric(Spec):
    """One metric of the catalogue; its grain is the customer: every number drills down to rows."""

    key: str
    title: Label
    owner: str
    need: Literal["acquire", "innovate", "operate", "deliver"]
    unit: Literal["count", "money", "share", "ratio"]
    versions: tuple[MetricVersion, ...] = Field(min_length=1)

    def on(self, day: date) -> MetricVersion:
        """Return the version in force on a day: the last that began by then, else the first."""
        begun = [one for one in self.versions if one.since <= day]
        return max(begun, key=lambda one: one.since) if begun else min(self.versions, key=lambda one: one.since)


class MetricFile(Spec):
    """``metrics.yaml``."""

    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """One metric of one group: whole sums ``above`` and ``below``, which add up over groups, and their quotient.

    ``value`` is None where nothing lies below the line, or where a day that it needs is not known.
    """

    metric: str
    version: int
    group: str
    above: int
    below: int
    value: float | None


def read_metrics(folder: Path) -> dict[str, Metric]:
    """Return the catalogue by key: the built-in metrics, and those of the bank's own metrics.yaml."""
    built_in = Path(str(resources.files("bankloop.loop.evaluate") / "metrics.yaml"))
    found = {one.key: one for one in read_spec(built_in, MetricFile).metrics}
    own = folder / "metrics.yaml"
    return {**found, **{one.key: one for one in read_spec(own, MetricFile).metrics}} if own.exists() else found


def metric_of(catalogue: Mapping[str, Metric], key: str) -> Metric:
    """Return a metric; raise ``NotFoundError`` with those there are."""
    if key not in catalogue:
        raise NotFoundError(
            "metric.unknown",
            Text("没有指标 {name}；有 {known}", "there is no metric {name}; there are {known}"),
            name=key,
            known=", ".join(catalogue),
        )
    return catalogue[key]


def amounts(state: pa.Table, texts: Mapping[str, str], types: Mapping[str, Type], as_of: date) -> dict[str, Integers]:
    """Return whole numbers (n,) of named expressions; a yes counts one, NULL counts nothing."""
    with duckdb.connect() as connection:
        connection.register("state", state)
        table = ibis.duckdb.from_connection(connection).table("state")
        columns = {}
        for name, text in texts.items():
            expression = parse(text, types)
            value = to_ibis(expression, table, as_of)
            columns[name] = (value.cast("int64") if expression.type == BOOL else value).fill_null(0).cast("int64")
        found = connection.sql(str(ibis.to_sql(table.select(**columns), dialect="duckdb"))).to_arrow_table()
    return {name: np.asarray(found[name].to_numpy(), dtype=np.int64) for name in texts}


def numbers(
    metric: Metric,
    version: MetricVersion,
    above: Integers,
    below: Integers | None,
    groups: Sequence[str],
    days: int = 1,
) -> list[Number]:
    """Return a metric by group: sums are whole, so that groups add up exactly; ``days`` divides an average of days."""
    keys, code = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    up, down = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    np.add.at(up, code, above)
    if below is not None:
        np.add.at(down, code, below)
    found = []
    for key, a, b in zip(keys.tolist(), up.tolist(), down.tolist(), strict=True):
        value = a / days if below is None else a / b if b else None
        found.append(Number(metric.key, version.version, key, a, b if below is not None else days, value))
    return found
