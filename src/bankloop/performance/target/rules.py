"""Pure rules of targets: what weights mean, and parts whose sum is exact within what each holder can do."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from bankloop.organization.task import split
from bankloop.performance.target import errors

_WHOLE = 100


def read_weights(said: Mapping[str, str]) -> dict[str, Fraction]:
    """Return weights as people write them: all plain numbers (5, 3, 1), or all percentages that come to 100.

    Raises ``InputError`` for what is no number or below nought, for a mixture, for percentages of another sum, and where
    all are nought.
    """
    percent = {holder: words.strip().endswith(("%", "％")) for holder, words in said.items()}
    if any(percent.values()) and not all(percent.values()):
        raise errors.mixed_weights()
    found = {holder: _number(holder, words) for holder, words in said.items()}
    if percent and all(percent.values()) and sum(found.values()) != _WHOLE:
        raise errors.do_not_sum(Fraction(sum(found.values())))
    if not any(found.values()):
        raise errors.no_weights()
    return found


def parts_of(total: int, weights: Mapping[str, Fraction], capacity: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return each holder's part of a total: whole, exact in sum, none above its capacity.

    Raises ``InputError`` naming who has a weight and no capacity, or where all together cannot do the total.
    """
    if capacity is not None:
        if idle := sorted(holder for holder, weight in weights.items() if weight and not capacity.get(holder)):
            raise errors.no_capacity(idle)
        room = sum(capacity[holder] for holder, weight in weights.items() if weight)
        if room < total:
            raise errors.over_capacity(total, room)
    parts, left = split(total, weights, capacity)
    assert not left, "what has room is split"
    return parts


def _number(holder: str, words: str) -> Fraction:
    plain = words.strip().rstrip("%％").strip()
    # Looked at before it is read: of 1e99999999 a fraction would be made digit by digit.
    if "/" in plain or "e" in plain.lower():
        raise errors.bad_weight(holder, words)
    try:
        found = Fraction(plain)
    except ValueError:
        raise errors.bad_weight(holder, words) from None
    if found < 0:
        raise errors.bad_weight(holder, words)
    return found
