"""Pure rules of credit: shares as people write them, and fen that never come to more than the deal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from bankloop.performance.credit import errors
from bankloop.performance.credit.contracts import WHOLE, Share


def read_shares(said: Mapping[str, tuple[str, str]]) -> tuple[Share, ...]:
    """Return shares of (line, words) by person: 0.6, 0.4; raise ``InputError`` for what is no share, or above the whole."""
    found = []
    for staff, (line, words) in said.items():
        try:
            ppm = Decimal(words.strip()) * WHOLE
        except ArithmeticError:  # no number, or one with an exponent that nothing is computed with
            raise errors.bad_share(staff, words) from None
        if not ppm.is_finite() or ppm != ppm.to_integral_value() or not 0 < ppm <= WHOLE:
            raise errors.bad_share(staff, words)
        found.append(Share(staff, line, int(ppm)))
    if not found:
        raise errors.bad_share("—", "—")
    if (total := sum(one.share_ppm for one in found)) > WHOLE:
        raise errors.above_whole(total)
    return tuple(found)


def even_shares(brought: Sequence[tuple[str, str, UUID]]) -> tuple[Share, ...]:
    """Return equal shares for (person, line, task), in whole millionths rounded down: never above the whole together."""
    return tuple(Share(staff, line, WHOLE // len(brought), task) for staff, line, task in brought)


def credited_fen(amount_fen: int, share_ppm: int) -> int:
    """Return so many millionths of an amount, rounded down: shares together never come to more than the deal."""
    return amount_fen * share_ppm // WHOLE
