"""The whole way from no budget to enough of it: exact, for one budget over everything.

Every customer's best action as money grows walks along the upper hull of (cost, value); all walks merged by value per
unit are the best use of every budget at once. (Sinha and Zoltners 1979; Sverdrup et al. 2025 on multi-armed Qini curves.)
"""

from __future__ import annotations

import numpy as np

from bankloop.loop.reach import errors
from bankloop.loop.reach.assignment import Family, Problem, flatten
from bankloop.loop.reach.kernels import Floats
from bankloop.loop.reach.paths import BudgetPath, path_of

__all__ = ["BudgetPath", "budget_path"]


def budget_path(value: Floats, use: Floats) -> BudgetPath:
    """Return the path of one budget: ``value`` (n, k) as in a problem, ``use`` (k,) what each action costs.

    Between two steps nothing better exists but a part of the next one; so at its own points the path is the optimum.
    """
    flat = flatten(Problem(value, (Family("budget", use, np.array([np.inf])),)))
    if not flat.use.shape[1]:
        raise errors.bad_shape()
    return path_of(flat)
