"""What prices leave open is settled exactly: the few moves that a better plan could still hold, by HiGHS.

At prices q a plan is worth the dual less what its customers' choices lose at q and less what it leaves over of each resource
at its price. So a plan that is worth more than the one at hand loses less than the difference, in every customer: all other
moves are out, and most customers have one choice left. (Reduced-cost fixing.) What remains is a core of a few hundred or
thousand moves. Its relaxation gives better prices; its integer optimum, where it is small, is the whole problem's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bankloop.kit.compiled import compiled
from bankloop.kit.later import later
from bankloop.loop.reach import kernels
from bankloop.loop.reach.flat import Flat, amounts_of, charges, net_of, use_of
from bankloop.loop.reach.kernels import NONE, Floats, Homes, Integers, Values
from bankloop.loop.reach.moves import SLACK

if TYPE_CHECKING:
    from scipy import sparse
else:
    sparse = later("scipy.sparse")

if TYPE_CHECKING:
    from scipy import optimize
else:
    optimize = later("scipy.optimize")

# Beyond so many moves a relaxation, and beyond so many a whole plan, takes longer than it is worth.
MOST_PRICED, MOST_WHOLE = 60_000, 1_500
# A whole plan is sought until it is this near its bound, or for so many nodes: counted, not timed, so that it is the same.
_NEAR, _NODES = 2e-5, 2_000


@dataclass(frozen=True, slots=True)
class Core:
    """The moves (m,) of ``rows`` (c,) that are still open: ``of`` (m,) whose, ``column`` (m,) to which or none.

    ``value`` (m,) fen of each, ``use`` (R, m) what each takes, ``left`` (R,) what all other customers leave of each limit and
    ``least`` (R,) of each floor, ``rest`` (n,) their choices and ``fixed`` the fen of these.
    """

    rows: Integers
    of: Integers
    column: Integers
    value: Floats
    use: Any
    left: Floats
    least: Floats
    rest: Integers
    fixed: float


def core_of(flat: Flat, price: Floats, best: Integers, worth: float, most: int) -> Core | None:
    """Return the moves that lose less than ``worth`` at the prices, ``best`` (n,) being everybody's choice there.

    None where none or more than ``most`` do.
    """
    rows, columns, found = _near(net_of(flat, price), flat.home, charges(flat, price), best, worth, most)
    if not 0 < found <= most:
        return None
    mine = np.unique(rows[:found])
    # What is in a row says where it stands: the order of customers changes nothing.
    mine = mine[np.argsort(kernels.hashes(flat.value, flat.home, mine), kind="stable")]
    place = np.empty(len(best), np.int64)
    place[mine] = np.arange(mine.size)
    of, column = np.r_[np.arange(mine.size), place[rows[:found]]], np.r_[best[mine], columns[:found]]
    order = np.lexsort((column, of))
    of, column = of[order], column[order]
    rest = best.copy()
    rest[mine] = NONE
    used = use_of(flat, rest)
    return Core(mine, of, column, _worth_of(flat, mine[of], column), _use_of(flat, mine[of], column), flat.limit - used, flat.floor - used, rest, float(_worth_of(flat, np.arange(len(rest)), rest).sum()))  # fmt: skip


def prices_of(flat: Flat, core: Core) -> Floats | None:
    """Return the prices (R,) at which the relaxation of the core is optimal; None where it has no optimum."""
    signs, sides = [core.use], [core.left]
    floors = np.flatnonzero(flat.floor > 0)
    if floors.size:
        signs.append(-core.use[floors])
        sides.append(-core.least[floors])
    matrix = sparse.csr_matrix(np.vstack([one.toarray() for one in signs])) if len(signs) > 1 else core.use
    found = optimize.linprog(
        -core.value, A_ub=matrix, b_ub=np.concatenate(sides), A_eq=_one_each(core), b_eq=np.ones(core.rows.size),
        bounds=(0, None), method="highs",
    )  # fmt: skip
    if found.status != 0:
        return None
    price = -np.asarray(found.ineqlin.marginals, np.float64)
    raised = price[: flat.limit.size].copy()
    raised[floors] -= price[flat.limit.size :]
    return np.asarray(np.maximum(raised, flat.lowest), np.float64)


def whole_of(flat: Flat, core: Core) -> tuple[Integers, float] | None:
    """Return the best whole plan (n,) that the core holds, and what no plan that it holds exceeds, fen.

    None where there is none, or what HiGHS calls whole is not within every limit.
    """
    found = optimize.milp(
        -core.value,
        constraints=[
            optimize.LinearConstraint(core.use, core.least, core.left),
            optimize.LinearConstraint(_one_each(core), 1, 1),
        ],
        integrality=np.ones(core.value.size), bounds=(0, 1), options={"node_limit": _NODES, "mip_rel_gap": _NEAR},
    )  # fmt: skip
    if found.x is None or found.mip_dual_bound is None:
        return None
    taken = found.x > 0.5
    choice = core.rest.copy()
    choice[core.rows[core.of[taken]]] = core.column[taken]
    used = use_of(flat, choice)
    if taken.sum() != core.rows.size or (used > flat.limit + SLACK).any() or (used < flat.floor - SLACK).any():
        return None
    return choice, core.fixed - float(found.mip_dual_bound)


def _one_each(core: Core) -> sparse.csr_matrix:
    m = core.of.size
    return sparse.csr_matrix((np.ones(m), (core.of, np.arange(m))), shape=(core.rows.size, m))


def _worth_of(flat: Flat, rows: Integers, columns: Integers) -> Floats:
    chosen = columns != NONE
    found = np.zeros(len(columns))
    found[chosen] = flat.value[rows[chosen], columns[chosen]]
    return found


def _use_of(flat: Flat, rows: Integers, columns: Integers) -> sparse.csr_matrix:
    """Return (R, m) what each move takes of each resource."""
    home = flat.home[rows].astype(np.int64) if flat.home.size else np.zeros(len(rows), np.int64)
    chosen = np.flatnonzero(columns != NONE)
    parts = [(flat.pool[f, home[chosen]], chosen, flat.use[f, columns[chosen]]) for f in range(flat.use.shape[0])]
    own = amounts_of(flat, rows[chosen], columns[chosen])
    parts += [(flat.pool[f, home[chosen]], chosen, own[v]) for v, f in enumerate(flat.own)]
    pools, moves, amounts = (np.concatenate(one) for one in zip(*parts, strict=True))
    return sparse.csr_matrix((amounts, (pools, moves)), shape=(flat.limit.size, len(rows)))


def _near_rows(value: Values, home: Homes, charge: Floats, best: Integers, worth: float, most: int) -> Any:
    """Return at most ``most`` moves (row, column or −1) away from ``best`` that lose less than ``worth``, and how many do."""
    rows, columns = np.empty(most, np.int64), np.empty(most, np.int64)
    found = 0
    for i in range(value.shape[0]):
        h = 0 if home.shape[0] == 0 else home[i]
        at = best[i]
        priced = np.float64(value[i, at]) - charge[h, at] if at >= 0 else 0.0
        for j in range(-1, value.shape[1]):
            if j == at:
                continue
            loss = priced - (np.float64(value[i, j]) - charge[h, j] if j >= 0 else 0.0)
            if loss < worth:
                if found < most:
                    rows[found] = i
                    columns[found] = j
                found += 1
    return rows, columns, found


_near: Callable[..., Any] = compiled()(_near_rows)
