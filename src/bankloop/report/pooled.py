"""Readings of several rounds together, kept beside the bank: they take seconds, and their page is to open at once.

What is kept is found by what it was read from, so that it is read anew when a round's own reading changes, another window
runs or another version reads; until every round is read it is of the day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from bankloop import __version__
from bankloop.kit.ids import digest
from bankloop.loop.evaluate import Programme, Reading, programme_of, reading_of
from bankloop.store.contracts import Plan


def pooled_reading(folder: Path, readings: Sequence[Reading], make: Callable[[], Reading]) -> Reading:
    """Return one campaign's rounds read together; ``readings`` are its rounds' own, ``make`` reads where none is kept."""
    place = _place(folder, f"pooled-{readings[0].campaign}", [_sign(one) for one in readings])
    plain = _kept(place)
    if plain is None:
        found = make()
        _keep(place, {**found.as_dict(), "verdict": found.verdict.value})
        return found
    return reading_of(plain)


def programme_reading(
    folder: Path, readings: Sequence[Reading], plans: Sequence[Plan], today: date, make: Callable[[], Programme]
) -> Programme:
    """Return the programme against its holdout; ``make`` reads it where none is kept of these readings and ``plans``."""
    read = {(one.campaign, one.rounds[-1]) for one in readings}
    due = {(name, int(plan.summary["round"])) for plan in plans if "round" in plan.summary for name in plan.campaigns}
    of_day = [] if due <= read else [today.isoformat()]
    signs = sorted(json.dumps(_sign(one)) for one in readings)
    place = _place(folder, "programme", [signs, sorted(str(plan.plan_id) for plan in plans), of_day])
    plain = _kept(place)
    if plain is None:
        found = make()
        _keep(place, found.as_dict())
        return found
    return programme_of(plain)


def _sign(one: Reading) -> list[Any]:
    """What tells a reading from another of the same rounds: who was counted, and what came out."""
    lift = None if one.lift is None else [one.lift.value, one.lift.low, one.lift.high]
    return [one.campaign, list(one.rounds), one.treated, one.control, lift]


def _place(folder: Path, kind: str, key: Sequence[Any]) -> Path:
    return folder / "data" / "readings" / kind / f"{digest([__version__, *key])[:24]}.json"


def _kept(place: Path) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # none yet, or half of one after a full disk: read anew
        return None
    return found


def _keep(place: Path, plain: Mapping[str, Any]) -> None:
    """Write it whole or not at all; what it takes the place of goes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made = place.with_name(f".{uuid4().hex}")
    made.write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
    os.replace(made, place)
    for old in place.parent.glob("*.json"):
        if old != place:
            old.unlink(missing_ok=True)
