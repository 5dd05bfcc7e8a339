"""Pure rules of retention: what of a person's data goes when they ask, what stays, until when and by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from bankloop.customer.subject import errors
from bankloop.customer.subject.contracts import Category, ErasurePlan, Fate, RetentionRuling
from bankloop.kit.located import read_located
from bankloop.kit.text import Text

_BUILT_IN = Path(__file__).with_name("retention.yaml")
_FILE = "retention.yaml"
_MOST_YEARS = 100
# Which category a table of the lake belongs to; others hold nothing about a person.
TABLES: Mapping[str, str] = {
    "customer": "identity", "identity": "identity", "relation": "identity", "holding": "transactions", "standing_order": "transactions", "event": "transactions",
    "customer_extra": "identity", "event_extra": "transactions",
    "edge": "profile", "tier_month": "profile", "servicing": "profile", "exposure": "profile", "score": "profile",
}  # fmt: skip


def read_retention(folder: Path | None = None) -> tuple[Category, ...]:
    """Return the categories, with the years that the bank's own ``retention.yaml`` gives them where it has one.

    Raises ``SpecError`` for a category that there is not and for years that cannot be.
    """
    body = read_located(_BUILT_IN).content["categories"]
    years = {name: int(entry["years"]) for name, entry in body.items()}
    if folder is not None and (folder / _FILE).exists():
        years |= _own_years(folder / _FILE, years)
    return tuple(
        Category(name, Text(str(e["zh"]), str(e["en"])), years[name], Text(**e["basis"])) for name, e in body.items()
    )


def erasure_plan(
    customer_no: str, categories: Sequence[Category], ended_on: date | None, holds: Sequence[str], today: date
) -> ErasurePlan:
    """Return what becomes of each category today; a legal hold keeps all, a relation that lasts keeps what must outlive it."""
    rulings = tuple(_ruled(one, ended_on, holds, today) for one in categories)
    return ErasurePlan(customer_no, ended_on, rulings)


def _ruled(one: Category, ended_on: date | None, holds: Sequence[str], today: date) -> RetentionRuling:
    if holds:
        why = Text(f"法律保全：{'；'.join(holds)}", f"legal hold: {'; '.join(holds)}")
        return RetentionRuling(one.name, Fate.HELD, None, why)
    if one.years == 0:
        return RetentionRuling(one.name, Fate.ERASED, None, one.basis)
    if ended_on is None:
        why = Text(f"业务关系存续；{one.basis.zh}", f"the relation lasts; {one.basis.en}")
        return RetentionRuling(one.name, Fate.KEPT, None, why)
    until = years_after(ended_on, one.years)
    return RetentionRuling(one.name, Fate.ERASED if until <= today else Fate.KEPT, until, one.basis)


def years_after(day: date, years: int) -> date:
    """Return the same day years later; 29 February becomes 1 March in a common year."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _own_years(path: Path, known: Mapping[str, int]) -> dict[str, int]:
    file = read_located(path)
    entries = (file.content or {}).get("categories") or {}
    found = {}
    for name, entry in entries.items():
        given = entry.get("years") if isinstance(entry, dict) else None
        if name not in known:
            raise errors.unknown_category(file.place("categories", name), str(name), list(known))
        if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= _MOST_YEARS:
            raise errors.bad_years(file.place("categories", name), str(name))
        found[name] = given
    return found
