"""Which actions may go together for one customer, and the best of such sets at the prices.

All allowed sets are laid out once as a walk through the tree of their columns; a branch whose next action is closed or earns
nothing is stepped over whole. So a pass costs about what the few actions that pay at all cost, whatever the rules are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.compiled import compiled
from bankloop.loop.reach import errors
from bankloop.loop.reach.kernels import Floats, Homes, Integers, Values

# More sets than these are no rule that anybody thought through.
MOST_SETS = 50_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What one customer may get in a window: at most ``most`` actions, one per ``placement`` (k,).

    ``excludes`` are pairs that never go together; of a pair in ``needs`` the first goes only with the second. A pair in
    ``follows`` are placements: something of the first goes only with something of the second.
    """

    most: int
    placement: tuple[int, ...]
    excludes: tuple[tuple[int, int], ...] = ()
    needs: tuple[tuple[int, int], ...] = ()
    follows: tuple[tuple[int, int], ...] = ()

    def allows(self, columns: Sequence[int]) -> bool:
        """Return whether these actions may go together."""
        chosen = set(columns)
        places = [self.placement[column] for column in columns]
        return (
            len(columns) <= self.most
            and len(set(places)) == len(places)
            and not any(a in chosen and b in chosen for a, b in self.excludes)
            and all(b in chosen for a, b in self.needs if a in chosen)
            and all(b in places for a, b in self.follows if a in places)
        )


@dataclass(frozen=True, slots=True)
class Tree:
    """All sets of columns in the order of a walk: per node its last ``column``, ``depth``, where to go to ``skip`` it.

    ``allowed`` says whether the node itself may be chosen, ``helps`` (k,) which columns others need, ``member`` (s, k).
    """

    column: Integers
    depth: Integers
    skip: Integers
    allowed: NDArray[np.bool_]
    helps: NDArray[np.bool_]
    member: NDArray[np.bool_]


def tree_of(rules: Rules) -> Tree:
    """Lay out the sets that the rules allow; raise ``InputError`` for rules about unknown actions or with too many sets."""
    k = len(rules.placement)
    pairs = [*rules.excludes, *rules.needs]
    places = [place for pair in rules.follows for place in pair]
    if rules.most < 1 or any(not 0 <= column < k for pair in pairs for column in pair) or min(places, default=0) < 0:
        raise errors.bad_rules()
    columns: list[tuple[int, ...]] = []
    skip: list[int] = []

    def grow(prefix: tuple[int, ...]) -> None:
        for column in range(prefix[-1] + 1 if prefix else 0, k):
            wider = (*prefix, column)
            if not _may_grow(rules, wider):
                continue
            if len(columns) >= MOST_SETS:
                raise errors.bad_rules()
            at = len(columns)
            columns.append(wider)
            skip.append(0)
            grow(wider)
            skip[at] = len(columns)

    grow(())
    member = np.zeros((len(columns), k), bool)
    for node, chosen in enumerate(columns):
        member[node, list(chosen)] = True
    helps = np.zeros(k, bool)
    helps[[b for _, b in rules.needs]] = True
    helped = {b for _, b in rules.follows}
    helps[[column for column, place in enumerate(rules.placement) if place in helped]] = True
    return Tree(
        np.array([c[-1] for c in columns], np.int64), np.array([len(c) - 1 for c in columns], np.int64),
        np.array(skip, np.int64), np.array([rules.allows(c) for c in columns], bool), helps, member,
    )  # fmt: skip


def _may_grow(rules: Rules, columns: tuple[int, ...]) -> bool:
    """Return whether a set breaks nothing that a larger one could not put right: only a missing need can be."""
    without_needs = Rules(rules.most, rules.placement, rules.excludes)  # nor what follows what
    return without_needs.allows(columns)


def _best_sets(
    value: Values, home: Homes, charge: Floats, first: int, last: int, column: Integers, depth: Integers, skip: Integers,
    allowed: Any, helps: Any, counts: Integers, choice: Integers,
) -> Any:  # fmt: skip
    """Write the best node of rows first..last to ``choice``, −1 for none; add to ``counts`` (h, s); return the sum."""
    total = 0.0
    rest = 0.0
    nodes = column.shape[0]
    sums = np.zeros(value.shape[1] + 1)
    for i in range(first, last):
        h = 0 if home.shape[0] == 0 else home[i]
        best = 0.0
        pick = -1
        node = 0
        while node < nodes:
            j = column[node]
            reduced = np.float64(value[i, j]) - charge[h, j]
            if reduced == -np.inf or (reduced <= 0.0 and not helps[j]):
                node = skip[node]
                continue
            d = depth[node]
            sums[d + 1] = sums[d] + reduced
            if allowed[node] and sums[d + 1] > best:
                best = sums[d + 1]
                pick = node
            node += 1
        choice[i] = pick
        if pick >= 0:
            counts[h, pick] += 1
            whole = total + best
            rest += (total - whole) + best if total >= best else (best - whole) + total
            total = whole
    return total, rest


def wants_of(rules: Rules) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what goes when something is taken away: ``needed`` (k, k) of actions, ``follows`` (k, k) of placements."""
    k = len(rules.placement)
    needed, follows = np.zeros((k, k), bool), np.zeros((k, k), bool)
    for a, b in rules.needs:
        needed[a, b] = True
    pairs = set(rules.follows)
    for a in range(k):
        for b in range(k):
            follows[a, b] = (rules.placement[a], rules.placement[b]) in pairs
    return needed, follows


def _drop(
    order: Integers, columns: Integers, home: Homes, chosen: Any, needed: Any, follows: Any, use: Floats, pool: Integers,
    used: Floats, limit: Floats,
) -> None:  # fmt: skip
    """Take actions away in the given order while a limit they use is broken, and with each what needs it."""
    k = chosen.shape[1]
    for position in range(order.shape[0]):
        i, j = order[position], columns[position]
        h = 0 if home.shape[0] == 0 else home[i]
        if not chosen[i, j]:
            continue
        broken = False
        for f in range(use.shape[0]):
            if use[f, j] > 0.0 and used[pool[f, h]] > limit[pool[f, h]] + 1e-9:
                broken = True
        if not broken:
            continue
        chosen[i, j] = False
        for f in range(use.shape[0]):
            used[pool[f, h]] -= use[f, j]
        again = True
        while again:
            again = False
            for a in range(k):
                if not chosen[i, a]:
                    continue
                lacks = False
                asked = False
                found = False
                for b in range(k):
                    if needed[a, b] and not chosen[i, b]:
                        lacks = True
                    if follows[a, b]:
                        asked = True
                        found = found or chosen[i, b]
                if lacks or (asked and not found):
                    chosen[i, a] = False
                    again = True
                    for f in range(use.shape[0]):
                        used[pool[f, h]] -= use[f, a]


def _refit(
    order: Integers, value: Values, home: Homes, charge: Floats, column: Integers, depth: Integers, skip: Integers,
    allowed: Any, member: Any, chosen: Any, use: Floats, pool: Integers, used: Floats, limit: Floats,
) -> Any:  # fmt: skip
    """Walk customers in order; give each the best set less ``charge`` that is worth more than theirs and fits."""
    k = value.shape[1]
    families = use.shape[0]
    sums, worth = np.zeros(k + 1), np.zeros(k + 1)
    takes = np.zeros((k + 1, families))
    moved = 0
    for position in range(order.shape[0]):
        i = order[position]
        h = 0 if home.shape[0] == 0 else home[i]
        now = 0.0
        best = 0.0
        for j in range(k):
            if chosen[i, j]:
                now += np.float64(value[i, j])
                best += np.float64(value[i, j]) - charge[h, j]
                for f in range(families):
                    used[pool[f, h]] -= use[f, j]
        pick = -1
        node = 0
        while node < column.shape[0]:
            j = column[node]
            d = depth[node]
            v = np.float64(value[i, j])
            fits = v != -np.inf
            for f in range(families):
                takes[d + 1, f] = takes[d, f] + use[f, j]
                if takes[d + 1, f] > 0.0 and used[pool[f, h]] + takes[d + 1, f] > limit[pool[f, h]] + 1e-9:
                    fits = False
            if not fits:
                node = skip[node]
                continue
            worth[d + 1] = worth[d] + v
            sums[d + 1] = sums[d] + v - charge[h, j]
            if allowed[node] and worth[d + 1] > now + 1e-9 and (pick < 0 or sums[d + 1] > best):
                best = sums[d + 1]
                pick = node
            node += 1
        if pick >= 0:
            moved += 1
            for j in range(k):
                chosen[i, j] = member[pick, j]
        for j in range(k):
            if chosen[i, j]:
                for f in range(families):
                    used[pool[f, h]] += use[f, j]
    return moved


_compiled = compiled()
best_sets: Any = _compiled(_best_sets)
drop: Any = _compiled(_drop)
refit: Any = _compiled(_refit)
