"""Randomness: one generator for each named stream, and counter-based uniforms that do not depend on row order."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


class Streams:
    """Named generators of one seed: a table that is added draws from its own stream and changes no other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def generator(self, name: str) -> np.random.Generator:
        """Return a fresh generator for ``name``; the same name gives the same draws."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, _number(name)])))


def uniforms(index: NDArray[np.int64], *key: object) -> NDArray[np.float64]:
    """Return one uniform in [0, 1) for each index under a key (splitmix64), whatever the order of the rows."""
    with np.errstate(over="ignore"):
        state = (index.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(_number(*key))
        state = (state ^ (state >> np.uint64(30))) * _MIX_1
        state = (state ^ (state >> np.uint64(27))) * _MIX_2
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def _number(*key: object) -> int:
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
