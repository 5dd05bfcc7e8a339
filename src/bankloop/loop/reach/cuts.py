"""What the dual was found to be at some prices: planes that lie under it everywhere, and the least point of them all.

A plane is what customers take at some prices. It holds whatever limits the resources outside of pools have, so that a
question of another limit goes on from the planes that are known. The linear program is kept between two questions and
starts from its last answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bankloop.kit.later import later
from bankloop.loop.reach.kernels import Floats

if TYPE_CHECKING:
    import highspy
else:
    highspy = later("highspy")


class Cuts:
    """Planes over the prices of some resources, none at first.

    A price is what lies above zero, paid for the limit, less what lies below, paid for the floor.
    """

    def __init__(self) -> None:
        self._count = 0

    def begin(self, scale: Floats, unit: float) -> None:
        """Say of what size a price (R,) and the dual are; once there are planes it is known."""
        if self._count:
            return
        self._scale, self._unit = scale, unit
        made: Any = highspy.Highs  # what it ships is half typed
        program = made()
        for option, value in (("output_flag", False), ("presolve", "off"), ("solver", "simplex"), ("threads", 1)):
            program.setOptionValue(option, value)
        free = np.r_[np.zeros(2 * scale.size), highspy.kHighsInf]
        program.addVars(free.size, -np.where(free > 0, free, 0.0), free)
        self._program, self._columns = program, np.arange(free.size, dtype=np.int32)

    def __len__(self) -> int:
        """Return how many planes are known."""
        return self._count

    def aim(self, limit: Floats, floor: Floats) -> None:
        """Say what the limits and floors (R,) of the resources are, from now on."""
        goal = np.r_[limit * self._scale / self._unit, -floor * self._scale / self._unit, 1.0]
        self._program.changeColsCost(goal.size, self._columns, goal)

    def add(self, constant: float, used: Floats) -> None:
        """Add a plane: the dual, but for its limits, is at least ``constant`` less ``used`` (R,) at the prices."""
        slope = used * self._scale / self._unit
        row = np.r_[-slope, slope, -1.0]
        self._program.addRow(-highspy.kHighsInf, -constant / self._unit, row.size, self._columns, row)
        self._count += 1

    def least(self, low: Floats, high: Floats) -> tuple[Floats, float] | None:
        """Return (prices (R,), value) of the least point between two prices; None where the program finds none."""
        up = (np.maximum(low, 0.0) / self._scale, np.maximum(high, 0.0) / self._scale)
        down = (np.maximum(-high, 0.0) / self._scale, np.maximum(-low, 0.0) / self._scale)
        size = 2 * self._scale.size
        self._program.changeColsBounds(size, self._columns[:size], np.r_[up[0], down[0]], np.r_[up[1], down[1]])
        if not self._solved():
            self._program.clearSolver()  # once more, from nothing
            if not self._solved():
                return None
        found = np.array(self._program.getSolution().col_value)
        price = (found[: self._scale.size] - found[self._scale.size : size]) * self._scale
        return price, float(self._program.getInfo().objective_function_value) * self._unit

    def _solved(self) -> bool:
        self._program.run()
        return bool(self._program.getModelStatus() == highspy.HighsModelStatus.kOptimal)
