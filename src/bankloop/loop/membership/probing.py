"""Asking around a customer: conditions that differ by a few people tell of those people, so such questions are counted."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.errors import DeniedError
from bankloop.kit.text import Text
from bankloop.loop.audience import MIN_CELL
from bankloop.loop.spec.batch import Bools

# Who looks for the right threshold meets a few neighbours; who works a list down customer by customer meets hundreds.
NEAR_A_DAY = 20
# Of each person the latest questions are remembered, and the latest people who asked.
REMEMBERED = 64
PEOPLE = 256


def is_near(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Return whether two packed sets of the same customers differ, and by fewer than ``MIN_CELL`` of them."""
    return one.shape == other.shape and 0 < int(np.bitwise_count(one ^ other).sum()) < MIN_CELL


@dataclass
class _Asked:
    day: date
    sets: deque[NDArray[np.uint8]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    near: int = 0


class Probes:
    """What each person asked today, as sets of customers, and how many questions were near another one."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._guard = threading.Lock()

    def heed(self, person: str, day: date, hit: Bools) -> int:
        """Remember a question by whom it hits (n,); return how many near ones that makes today, 0 where it is near none."""
        packed = np.packbits(hit)
        with self._guard:
            mine = self._asked.get(person)
            if mine is None or mine.day != day:
                mine = _Asked(day)
            self._asked[person] = mine
            self._asked.move_to_end(person)
            while len(self._asked) > PEOPLE:
                self._asked.popitem(last=False)
            if any(np.array_equal(packed, one) for one in mine.sets):
                return 0
            near = any(is_near(packed, one) for one in mine.sets)
            mine.sets.append(packed)
            mine.near += near
            return mine.near if near else 0


def too_near(near: int) -> DeniedError:
    """Return the refusal of one question too many about nearly the same customers."""
    return DeniedError(
        "segment.probing",
        Text(
            "今天已有 {near} 次只差不到 {least} 人的提问，超过每天 {most} 次；请换一个差别更大的条件，或明天再来",
            "{near} questions today differed from another by fewer than {least} customers, more than the {most} a day; ask "
            "for a condition that differs by more, or come back tomorrow",
        ),
        near=near,
        least=MIN_CELL,
        most=NEAR_A_DAY,
    )
