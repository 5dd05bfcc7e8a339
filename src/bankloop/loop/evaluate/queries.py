"""What an engine is asked for before Python infers: sums, squares and cross products per metric and cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from bankloop.loop.evaluate.statistics import ArmSums

if TYPE_CHECKING:
    import ibis.expr.types as ir

_SUMS = ("n", "y", "yy", "x", "xx", "xy")


def arm_sums(table: ir.Table, by: Sequence[str], outcome: str, other: str | None = None) -> ir.Table:
    """Return one row per group with the aggregates that ``arms_of`` reads; rows without an outcome are left out.

    Squares and products are about the group's own means, as engines compute variances: money in fen squared fits no
    integer, and cancels in a float.
    """
    y = table[outcome].cast("float64")
    x = y * 0.0 if other is None else table[other].cast("float64").fill_null(0.0)
    known = table.filter(table[outcome].notnull())
    n = known.count()
    yy, xx, xy = y.var(how="pop") * n, x.var(how="pop") * n, x.cov(y, how="pop") * n
    return known.group_by(list(by)).aggregate(n=n, y=y.sum(), yy=yy, x=x.sum(), xx=xx, xy=xy)


def arms_of(sums: pa.Table) -> ArmSums:
    """Return the aggregates of ``arm_sums`` as arrays, in the rows' order."""
    found = {name: sums[name].to_numpy().astype("float64") for name in _SUMS}
    return ArmSums(**found, y0=found["y"] / found["n"], x0=found["x"] / found["n"])
