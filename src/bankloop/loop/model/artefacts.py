"""How a model is kept: an archive of plain arrays and one JSON text that says what they are. Reading it runs nothing.

The text names parts out of a closed list, each with its fields; an array stands in it as its number. What cannot be read
so is refused, whoever wrote it: pickles, which earlier versions kept, could run anything.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.ids import canonical_json
from bankloop.loop.model.amounts import Amount
from bankloop.loop.model.forest import Scorer
from bankloop.loop.model.learners import Propensity
from bankloop.loop.model.meta import RANKS, LearnedEffect, Learner
from bankloop.loop.model.posterior import Posterior, StatedPrior
from bankloop.loop.model.segments import Segments
from bankloop.loop.model.steps import Steps
from bankloop.loop.model.uplift import Uplift

# 2: a campaign's model is a posterior over segments.
FORMAT = 2
_PARTS: Mapping[str, type] = {
    "uplift": Uplift,
    "stated": StatedPrior,
    "segments": Segments,
    "posterior": Posterior,
    "propensity": Propensity,
    "amount": Amount,
    "effects": LearnedEffect,
    "scorer": Scorer,
    "steps": Steps,
    **RANKS,
}
_NAMES = {part: name for name, part in _PARTS.items()}
_TEXT = "model"
# Every array is one of these; whatever else an archive holds is not read.
_TYPES = frozenset(np.dtype(one) for one in (np.float64, np.int32, np.bool_))


def written(model: object) -> bytes:
    """Return the bytes of a model; the same model has the same."""
    arrays: list[NDArray[Any]] = []
    text = canonical_json({"format": FORMAT, "model": _told(model, arrays)}).encode()
    file = io.BytesIO()
    named: dict[str, Any] = {str(number): array for number, array in enumerate(arrays)}
    np.savez(file, allow_pickle=False, **{_TEXT: np.frombuffer(text, np.uint8)}, **named)
    return file.getvalue()


def read(body: bytes) -> object:
    """Return the model that bytes hold; raise ``ValueError`` where they are not of this format."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(one.file_size for one in archive.infolist()) > len(body):
                raise ValueError("compressed")
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            text = json.loads(arrays[_TEXT].tobytes())
            if text["format"] != FORMAT:
                raise ValueError(f"format {text['format']}")
            return _made(text["model"], {name: arrays[name] for name in arrays.files if name != _TEXT})
    except (zipfile.BadZipFile, AttributeError, KeyError, TypeError, RecursionError, EOFError) as error:
        raise ValueError("no whole artefact") from error


def _told(value: object, arrays: list[NDArray[Any]]) -> object:
    """Return a value as JSON, its arrays put aside in order."""
    match value:
        case np.ndarray():
            arrays.append(value)
            return {"array": len(arrays) - 1}
        case Learner():
            return {"learner": value.value}
        case Mapping():
            return {"map": {str(key): _told(value[key], arrays) for key in sorted(value)}}
        case tuple():
            return [_told(one, arrays) for one in value]
        case None | bool() | int() | float() | str():
            return value
    if not is_dataclass(value):
        raise TypeError(f"no model keeps a {type(value).__name__}")
    told = {field.name: _told(getattr(value, field.name), arrays) for field in fields(value)}
    return {"part": _NAMES[type(value)], "fields": told}


def _made(told: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the value that JSON tells of: of the closed list of parts and nothing else."""
    match told:
        case {"array": int(number)}:
            array = arrays[str(number)]
            if array.dtype not in _TYPES or array.ndim != 1:
                raise ValueError(f"an array of {array.dtype}")
            return array
        case {"learner": str(name)}:
            return Learner(name)
        case {"map": dict(values)}:
            return {key: _made(value, arrays) for key, value in values.items()}
        case {"part": str(name), "fields": dict(values)}:
            return _PARTS[name](**{key: _made(value, arrays) for key, value in values.items()})
        case list():
            return tuple(_made(one, arrays) for one in told)
        case None | bool() | int() | float() | str():
            return told
    raise ValueError("a part that no model has")
