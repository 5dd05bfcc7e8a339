"""Pure rules of points: the bank's file, how many an event earns, when they end, which are spent first."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bankloop.benefit.points import errors
from bankloop.benefit.points.contracts import MAX_POINTS, PPM, EarnRule, Expiry, PointsLot, PointsProgramme
from bankloop.kit.errors import SpecError
from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text

BUILT_IN = Path(__file__).with_name("points.yaml")
OWN = "points.yaml"
_KEYS = ("title", "begins", "pending_days", "expiry", "taken_back", "grace_days", "worth_fen", "breakage", "earn")
_RULE_KEYS = ("id", "title", "event", "each_yuan", "points", "tiers", "cap")
_ROUNDING = {"": 1, "month": 1, "quarter": 3, "half": 6, "year": 12}
_PERIODS = ("day", "month", "year")
_MAX_DAYS, _MAX_MONTHS, _MAX_FACTOR = 90, 60, 100


def read_points(folder: Path | None = None) -> PointsProgramme:
    """Return the bank's own ``points.yaml``, or what every bank begins with; ``SpecError`` names file and line."""
    own = folder / OWN if folder is not None and (folder / OWN).exists() else BUILT_IN
    file = read_located(own)
    content = _mapping(file, (), file.content, _KEYS)
    begins = content.get("begins")
    if not isinstance(begins, date):
        raise _bad(file, ("begins",), "begins 应为日期，如 2026-01-01", "begins is a day such as 2026-01-01")
    rules = content.get("earn", [])
    if not isinstance(rules, list):
        raise _bad(file, ("earn",), "earn 应为规则列表", "earn is a list of rules")
    read = tuple(_rule(file, at, one) for at, one in enumerate(rules))
    for at, one in enumerate(read):
        if one.rule_id in {other.rule_id for other in read[:at]}:
            raise _bad(
                file,
                (
                    "earn",
                    at,
                ),
                f"规则 {one.rule_id} 重复",
                f"the rule {one.rule_id} is there twice",
            )
    taken = content.get("taken_back", "debt")
    if taken not in ("debt", "lost"):
        raise _bad(file, ("taken_back",), "taken_back 只能是 debt 或 lost", "taken_back is debt or lost")
    return PointsProgramme(
        _title(file, ("title",), content.get("title")),
        begins,
        _whole(file, ("pending_days",), content.get("pending_days", 0), 0, _MAX_DAYS),
        _expiry(file, content.get("expiry", {"kind": "none"})),
        taken == "debt",
        _whole(file, ("grace_days",), content.get("grace_days", 0), 0, 366),
        _whole(file, ("worth_fen",), content.get("worth_fen", 0), 0, MAX_POINTS),
        _share(file, ("breakage",), content.get("breakage", 0), 1),
        read,
    )


def read_number(words: str) -> int:
    """Return a number of points as people write it; raise ``InputError`` for what is none."""
    plain = words.strip().replace(",", "").replace("，", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= len(str(MAX_POINTS))):
        raise errors.bad_number(words)
    return int(plain)


def points_of(rule: EarnRule, amount_fen: int | None, tier: int | None) -> int:
    """Return what one event earns before any cap: whole points, the factor of the tier last."""
    times = max(amount_fen or 0, 0) // rule.each_fen if rule.each_fen else 1
    factor = (rule.tiers or {}).get(tier or 0, PPM)
    return times * rule.points * factor // PPM


def ends_on(expiry: Expiry, active_from: date) -> date | None:
    """Return the first day on which points may not be spent any more, None for never.

    A month after 31 January is the end of February; rounding goes to the first day of the month, quarter, half or year
    that follows, so that points of a rounded period all live through its last day.
    """
    if expiry.kind == "none":
        return None
    plain = _months_later(active_from, expiry.months)
    if expiry.kind == "calendar":
        days = [
            date(year, month, min(day, monthrange(year, month)[1])) + timedelta(days=1)
            for year in (plain.year, plain.year + 1)
            for month, day in expiry.days
        ]
        return min(day for day in days if day > plain)
    if not expiry.round_up:
        return plain
    size = _ROUNDING[expiry.round_up]
    first = date(plain.year, (plain.month - 1) // size * size + 1, 1)
    return plain if plain == first else _months_later(first, size)


def drawn(lots: Sequence[PointsLot], points: int) -> tuple[tuple[PointsLot, int], ...]:
    """Return how much a spending takes of which lots, the first to end first; nothing where too little is left."""
    parts, left = [], points
    for one in sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.lot)):
        part = min(one.remaining, left)
        if part > 0:
            parts.append((one, part))
            left -= part
    return () if left else tuple(parts)


def _months_later(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _rule(file: Located, at: int, entry: Any) -> EarnRule:
    content = _mapping(file, ("earn", at), entry, _RULE_KEYS)
    for key in ("id", "event"):
        if not isinstance(content.get(key), str) or not content[key]:
            raise _bad(
                file,
                (
                    "earn",
                    at,
                    key,
                ),
                f"{key} 应为名称",
                f"{key} is a name",
            )
    each = _whole(file, ("earn", at, "each_yuan"), content.get("each_yuan", 0), 0, MAX_POINTS)
    tiers = content.get("tiers", {})
    if not isinstance(tiers, dict):
        raise _bad(
            file,
            (
                "earn",
                at,
                "tiers",
            ),
            "tiers 应写 层级: 倍数",
            "tiers says TIER: FACTOR",
        )
    factors = {
        _whole(file, ("earn", at, "tiers"), tier, 1, 99): _share(file, ("earn", at, "tiers", tier), factor, _MAX_FACTOR)
        for tier, factor in tiers.items()
    }
    cap = _mapping(file, ("earn", at, "cap"), content.get("cap", {}), ("per", "points"))
    if cap and cap.get("per") not in _PERIODS:
        raise _bad(
            file,
            (
                "earn",
                at,
                "cap",
            ),
            f"per 应为 {'、'.join(_PERIODS)}",
            f"per is one of {', '.join(_PERIODS)}",
        )
    return EarnRule(
        content["id"],
        _title(file, ("earn", at, "title"), content.get("title")),
        content["event"],
        _whole(file, ("earn", at, "points"), content.get("points"), 1, MAX_POINTS),
        each * 100,
        factors,
        cap.get("per", ""),
        _whole(file, ("earn", at, "cap", "points"), cap["points"], 1, MAX_POINTS) if cap else 0,
    )


def _expiry(file: Located, entry: Any) -> Expiry:
    content = _mapping(file, ("expiry",), entry, ("kind", "months", "round_up", "days"))
    kind, rounding = content.get("kind"), content.get("round_up", "")
    if kind not in ("none", "rolling", "calendar") or rounding not in _ROUNDING:
        raise _bad(
            file,
            ("expiry",),
            "kind 应为 none、rolling、calendar；round_up 应为 month、quarter、half、year",
            "kind is none, rolling or calendar; round_up is month, quarter, half or year",
        )
    months = _whole(file, ("expiry", "months"), content.get("months", 0), int(kind == "rolling"), _MAX_MONTHS)
    days = tuple(_day(file, one) for one in content.get("days", ()))
    if kind == "calendar" and not days:
        raise _bad(file, ("expiry",), "calendar 需要 days，如 [12-31]", "calendar needs days such as ['12-31']")
    return Expiry(kind, months, rounding, days)


def _day(file: Located, words: Any) -> tuple[int, int]:
    try:
        # A leap year: the 29th of February is a day, and the 28th in other years.
        day = date.fromisoformat(f"2024-{words}")
    except ValueError as error:
        raise _bad(
            file,
            (
                "expiry",
                "days",
            ),
            f"“{words}”不是 月-日，如 '12-31'",
            f"'{words}' is no month-day such as '12-31'",
        ) from error
    return day.month, day.day


def _mapping(file: Located, route: tuple[str | int, ...], entry: Any, keys: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise _bad(file, route, "应为 键: 值", "it is not KEY: VALUE")
    if unknown := [key for key in entry if key not in keys]:
        raise _bad(
            file,
            (*route, unknown[0]),
            f"未知的键 {unknown[0]}；可用 {'、'.join(keys)}",
            f"unknown key {unknown[0]}; known are {', '.join(keys)}",
        )
    return entry


def _title(file: Located, route: tuple[str | int, ...], entry: Any) -> Text:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) and entry[key] for key in ("zh", "en")):
        raise _bad(file, route, "title 应写 {zh: …, en: …}", "title says {zh: …, en: …}")
    return Text(entry["zh"], entry["en"])


def _whole(file: Located, route: tuple[str | int, ...], value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _bad(file, route, f"应为 {least} 到 {most} 的整数", f"a whole number from {least} to {most} belongs here")
    return value


def _share(file: Located, route: tuple[str | int, ...], value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise _bad(file, route, f"应为 0 到 {most} 的数", f"a number from 0 to {most} belongs here")
    return round(value * PPM)


def _bad(file: Located, route: tuple[str | int, ...], zh: str, en: str) -> SpecError:
    return errors.bad_file(file.place(*route), ".".join(map(str, route)), zh, en)
