"""Where somebody stands in the tree of units: which of them they see, and which is the topmost."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.organization.people import OrgUnit
from bankloop.store.contracts import EVERY_UNIT, Principal


def top_of(tree: Mapping[str, OrgUnit], principal: Principal) -> str | None:
    """Return the topmost unit that somebody sees: one above which they see none."""
    seen = [name for name in sorted(tree) if sees(principal, name)]
    tops = [name for name in seen if tree[name].parent_id is None or not sees(principal, tree[name].parent_id or "")]
    return tops[0] if tops else None


def sees(principal: Principal, unit_id: str | None) -> bool:
    """Return whether a unit is one of somebody's."""
    return EVERY_UNIT in principal.units or unit_id in principal.units
