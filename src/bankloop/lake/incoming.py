"""What lies under data/incoming: each source's files by T+1 day, and which folders still wait for their .ok."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake.permission import no_permission
from bankloop.lake.sources import Source

# Answers to queries lie here beside what is delivered.
DRAWN = "drawn"
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One source's files of one day; ``day`` is None for files outside dated folders."""

    source: Source
    day: date | None
    files: tuple[Path, ...]


def find(incoming: Path, sources: Sequence[Source]) -> tuple[list[Delivery], list[str]]:
    """Return the deliveries that are complete, by day and then in the order of ``sources``, and the waiting folders.

    A dated folder is complete when it holds ``.ok``, or when every file of it that a source matches has its own flag
    (``name.csv.ok`` or ``name.ok``). Files outside dated folders need no flag. Raises ``EnvironmentFault`` for a folder
    that may not be opened: looked past, its delivery would be missing unseen.
    """
    _check_open(incoming)
    found: dict[tuple[date | None, int], list[Path]] = {}
    by_folder: dict[Path, list[Path]] = {}
    for index, source in enumerate(sources):
        for path in sorted(incoming.glob(source.path)) if not source.drawn else ():
            if path.is_relative_to(incoming / DRAWN):
                continue
            top = incoming / path.relative_to(incoming).parts[0]
            day = _day(top.name) if top.is_dir() else None
            if path.is_file() and path.suffix != ".ok":
                found.setdefault((day, index), []).append(path)
                if day is not None:
                    by_folder.setdefault(top, []).append(path)
    waiting = {folder for folder, files in by_folder.items() if not _complete(folder, files)}
    deliveries = []
    for (day, index), files in sorted(found.items(), key=lambda item: (item[0][0] or date.min, item[0][1])):
        ready = tuple(f for f in files if not any(folder in f.parents for folder in waiting))
        if ready:
            deliveries.append(Delivery(sources[index], day, ready))
    return deliveries, sorted(folder.name for folder in waiting)


def in_order(found: Iterable[Delivery], sources: Sequence[Source]) -> list[Delivery]:
    """Return deliveries by day, those of one day in the order of ``sources``."""
    places = {source.name: place for place, source in enumerate(sources)}
    return sorted(found, key=lambda one: (one.day or date.min, places[one.source.name]))


def check_days(deliveries: Iterable[Delivery], today: date) -> None:
    """Raise ``DataError`` for a delivery of a day to come: as a snapshot it would supersede every real one."""
    for one in deliveries:
        if one.day is not None and one.day > today:
            raise future_delivery(f"{one.files[0].parent.name}/{one.files[0].name}", one.day, today)


def _check_open(incoming: Path) -> None:
    if not incoming.is_dir():
        return
    inside = (one for one in incoming.iterdir() if one.is_dir()) if _may_open(incoming) else (incoming,)
    for folder in inside:
        if not _may_open(folder):
            raise no_permission(f"data/{folder.relative_to(incoming.parent)}")


def _may_open(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK, effective_ids=True)


def _complete(folder: Path, files: Sequence[Path]) -> bool:
    if (folder / ".ok").is_file() or folder.with_name(folder.name + ".ok").is_file():
        return True
    return all(f.with_name(f.name + ".ok").is_file() or f.with_suffix(".ok").is_file() for f in files)


def _day(folder: str) -> date | None:
    found = _DAY.fullmatch(folder)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def future_delivery(place: str, day: date, today: date) -> DataError:
    """A folder dated after today: a snapshot of that day would stand before every real one."""
    return DataError(
        "lake.future_delivery",
        Text(
            "{place} 的日期 {day} 晚于今天 {today}；请更正文件夹名，再次装载",
            "{place} is dated {day}, after today, {today}; correct the folder's name and load again",
        ),
        place=place,
        day=day,
        today=today,
    )
