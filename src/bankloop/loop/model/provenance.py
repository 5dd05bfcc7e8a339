"""What a model was made of: digests of its rows and of the code that read them, so that a card can be made again and checked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bankloop import __version__
from bankloop.kit.ids import canonical_json, digest_bytes
from bankloop.loop.model.contracts import Labelled

# What decides a model's numbers beside the code here.
_LIBRARIES = ("numpy", "numba", "scikit-learn")


def data_digest(data: Labelled) -> str:
    """Return the digest of training rows: features, labels, window, and where chance decided what."""
    return digest_bytes(_parts(data))


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return the digest of what trains: the package's version, the modules of this room, the versions of its libraries."""
    versions = {"bankloop": __version__, **{name: metadata.version(name) for name in _LIBRARIES}}
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return digest_bytes(
        [
            canonical_json(versions).encode(),
            *(part for one in modules for part in (one.name.encode(), one.read_bytes())),
        ]
    )


def _parts(data: Labelled) -> Iterator[bytes]:
    yield canonical_json({"features": list(data.features), "window": list(data.window), "rows": len(data.y)}).encode()
    for values in (data.x, data.y, data.quiet, data.control, data.round):
        yield _bytes(values)
    for key in sorted(data.arms):
        arm = data.arms[key]
        yield key.encode()
        for values in (arm.rows, arm.treated, arm.probability):
            yield _bytes(values)


def _bytes(values: NDArray[np.generic] | None) -> bytes:
    """Return numbers as bytes; every unknown is the same one, whatever its bits."""
    if values is None:
        return b"-"
    if values.dtype == np.float64:
        values = np.where(np.isnan(values), np.nan, values)
    return np.ascontiguousarray(values).tobytes()
