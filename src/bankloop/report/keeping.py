"""Plans kept beside the bank, so that their pages open at once: words in JSON, arrays in npz, customers in Parquet."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bankloop.kit.errors import NotFoundError
from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Text
from bankloop.loop.reach import Family, Problem, ResourceLine, Rules
from bankloop.loop.round.window import Window
from bankloop.report.baselines import Beside
from bankloop.report.record import CampaignRecord, FallRecord, PlanLine, PlanRecord, plan_key, record_of
from bankloop.report.simulated_truth import truth_of

_WORDS, _ARRAYS, _ROWS, _EXCLUDED = "plan.json", "problem.npz", "rows.parquet", "excluded.parquet"


def plans_home(folder: Path) -> Path:
    """Return where a bank keeps its plans' pages."""
    return folder / "data" / "plans"


def save_window(window: Window, folder: Path) -> Path:
    """Keep what the plan's page needs under ``data/plans/<plan id>`` and return the place; the same plan is kept once."""
    home = plans_home(folder)
    target = home / plan_key(window.plan.plan_id)
    if (target / _WORDS).exists():
        return target
    home.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=home))
    try:
        _write(record_of(window, truth_of(window, folder)), made)
        os.replace(made, target)
    except OSError:
        # Whoever kept the same plan meanwhile was first: it is the same page.
        if not (target / _WORDS).exists():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def kept_plans(folder: Path) -> frozenset[str]:
    """Return the ids of the plans whose pages are kept."""
    return frozenset(path.parent.name for path in plans_home(folder).glob(f"*/{_WORDS}"))


def load_window_view(folder: Path, plan_id: str) -> PlanRecord:
    """Return a kept plan; raise ``NotFoundError`` when there is none of that id."""
    try:
        home = plans_home(folder) / plan_key(plan_id)
    except ValueError:
        home = plans_home(folder) / "none"
    if not (home / _WORDS).exists():
        raise NotFoundError(
            "plan.not_kept",
            Text(
                "没有方案“{plan}”的明细；用 bankloop run 运行该窗口后会保存",
                "no detail of plan '{plan}' is kept; bankloop run keeps it when the window runs",
            ),
            plan=plan_id,
        )
    return _read(home)


def _write(record: PlanRecord, home: Path) -> None:
    plain = {
        "plan_id": record.plan_id,
        "round": record.round,
        "days": [day.isoformat() for day in (record.window_start, record.window_end, record.as_of)],
        "objective": record.objective,
        "bound": record.bound,
        "gap": record.gap,
        "candidates": record.candidates,
        "campaigns": [asdict(campaign) for campaign in record.campaigns],
        "lines": [asdict(line) for line in record.lines],
        "resources": [
            {**asdict(line), "limit": line.limit if isfinite(line.limit) else None} for line in record.resources
        ],
        "curves": {name: [list(point) for point in points] for name, points in record.curves.items()},
        "families": [[family.name, family.group is not None, list(family.pools)] for family in record.problem.families],
        "rules": None if record.rules is None else asdict(record.rules),
        "conflict": [asdict(words) for words in record.conflict],
        "beside": record.beside.as_dict(),
    }
    arrays: dict[str, np.ndarray] = {"value": record.problem.value, "cost": record.cost.astype(np.float32)}
    for index, family in enumerate(record.problem.families):
        arrays |= {f"use{index}": family.use, f"limit{index}": family.limit, f"price{index}": record.prices[index]}
        if family.group is not None:
            arrays[f"group{index}"] = family.group
        if family.floor is not None:
            arrays[f"floor{index}"] = family.floor
    with (home / _ARRAYS).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    pq.write_table(record.rows, home / _ROWS, compression="zstd")
    pq.write_table(record.excluded, home / _EXCLUDED, compression="zstd")
    (home / _WORDS).write_text(canonical_json(plain), encoding="utf-8")


def _read(home: Path) -> PlanRecord:
    plain: dict[str, Any] = json.loads((home / _WORDS).read_text(encoding="utf-8"))
    with np.load(home / _ARRAYS) as file:
        arrays = dict(file)
    families = tuple(
        Family(
            name,
            arrays[f"use{i}"],
            arrays[f"limit{i}"],
            arrays.get(f"group{i}"),
            arrays.get(f"floor{i}"),
            tuple(pools[0]) if pools else (),
        )
        for i, (name, _, *pools) in enumerate(plain["families"])
    )
    start, end, as_of = (date.fromisoformat(day) for day in plain["days"])
    return PlanRecord(
        plan_id=plain["plan_id"],
        round=plain["round"],
        window_start=start,
        window_end=end,
        as_of=as_of,
        objective=plain["objective"],
        bound=plain["bound"],
        gap=plain["gap"],
        candidates=plain["candidates"],
        campaigns=tuple(_campaign(one) for one in plain["campaigns"]),
        lines=tuple(PlanLine(**{**one, "title": Text(**one["title"])}) for one in plain["lines"]),
        resources=tuple(
            ResourceLine(
                **{
                    **one,
                    "title": Text(**one["title"]),
                    "unit": Text(**one["unit"]),
                    "limit": inf if one["limit"] is None else one["limit"],
                }
            )
            for one in plain["resources"]
        ),
        curves={name: _points(points) for name, points in plain["curves"].items()},
        problem=Problem(arrays["value"], families),
        prices=tuple(arrays[f"price{i}"] for i in range(len(families))),
        cost=arrays["cost"].astype(np.float64),
        rows=pq.read_table(home / _ROWS),
        excluded=pq.read_table(home / _EXCLUDED),
        rules=_rules(plain.get("rules")),
        conflict=tuple(Text(**words) for words in plain.get("conflict", ())),
        beside=Beside.of(plain.get("beside", {})),
    )


def _rules(plain: Mapping[str, Any] | None) -> Rules | None:
    """Return what one customer may get as it was kept: pairs come back as tuples."""
    if plain is None:
        return None
    pairs = {name: tuple(tuple(pair) for pair in plain[name]) for name in ("excludes", "needs", "follows")}
    return Rules(plain["most"], tuple(plain["placement"]), **pairs)


def _campaign(one: Mapping[str, Any]) -> CampaignRecord:
    def falls(found: Sequence[Mapping[str, Any]]) -> tuple[FallRecord, ...]:
        return tuple(FallRecord(fall["code"], Text(**fall["title"]), fall["count"]) for fall in found)

    return CampaignRecord(
        **{
            **one,
            "title": Text(**one["title"]),
            "launch": Text(**one["launch"]) if one.get("launch") else None,
            "falls": falls(one["falls"]),
            "left_out": falls(one["left_out"]),
            "certainty": _points(one["certainty"]),
        }
    )


def _points(points: Sequence[Sequence[float]]) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(a), float(b), float(c)) for a, b, c in points)
