"""A model file is data: reading one runs nothing, and what is not of the format is refused with the way on."""

from __future__ import annotations

import ast
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bankloop
from bankloop.kit.errors import ConflictError
from bankloop.kit.ids import canonical_json, digest_bytes
from bankloop.loop import model
from bankloop.loop.model import Labelled, Propensity, train_propensity
from bankloop.loop.model.artefacts import FORMAT

HOUSE = Path(bankloop.__file__).parent
# What can run code out of a file.
RUNNING = {"pickle", "cPickle", "_pickle", "joblib", "cloudpickle", "dill", "marshal", "shelve"}
WINDOW = (date(2026, 7, 1), date(2026, 7, 31))


class Attack:
    """What a pickle may hold: opening it calls a function of the attacker's choice."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def trained() -> Propensity:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3_000, 3))
    return train_propensity(Labelled(x, (rng.random(3_000) < 0.3).astype(float), ("a", "b", "c"), WINDOW), 1)[0]


def archive(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def told(model: object, format_: int = FORMAT) -> Any:
    return np.frombuffer(canonical_json({"format": format_, "model": model}).encode(), np.uint8)


def squeezed(body: bytes) -> bytes:
    """The same archive, compressed: small here and as large as one likes once opened."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, before.read(name))
    return file.getvalue()


def with_attack(mark: Path) -> Any:
    held = np.empty(1, object)
    held[0] = Attack(mark)
    return held


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "a pickle": lambda mark: pickle.dumps(Attack(mark)),
    "a pickle in the archive": lambda mark: archive(model=with_attack(mark)),
    "a pickled array beside": lambda mark: archive(
        **{"model": told({"part": "steps", "fields": {"at": {"array": 0}, "rate": {"array": 0}}}), "0": with_attack(mark)}
    ),
    "an unknown part": lambda _: archive(model=told({"part": "os.mkdir", "fields": {}})),
    "a field too many": lambda _: archive(model=told({"part": "mean", "fields": {"value": 1.0, "more": 1.0}})),
    "an array that is not there": lambda _: archive(model=told({"array": 7})),
    "a later format": lambda _: archive(model=told(None, FORMAT + 1)),
    "deep brackets": lambda _: archive(model=np.frombuffer(b"[" * 100_000, np.uint8)),
    "no text": lambda _: archive(other=np.zeros(1)),
    "compressed": lambda _: squeezed(archive(**{"model": told({"array": 0}), "0": np.zeros(1_000_000)})),
    "empty": lambda _: b"",
    "a text": lambda _: b"bankloop",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_model_file_runs_nothing(name: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "it ran", tmp_path / "x.model"
    body = HOSTILE[name](mark)
    path.write_bytes(body)
    with pytest.raises(ConflictError) as refused:
        model.load_propensity(path, digest_bytes([body]))
    assert not mark.exists()
    assert refused.value.code == "model.format"
    assert "bankloop learn" in refused.value.message.en
    assert "bankloop learn" in refused.value.message.zh


def test_what_a_pickle_would_have_done(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Attack(tmp_path / "it ran")))
    assert (tmp_path / "it ran").exists()


def test_what_is_read_is_what_was_written(trained: Propensity, tmp_path: Path) -> None:
    digest, path = model.save_model(trained, tmp_path)
    read = model.load_propensity(path, digest)
    x = np.random.default_rng(2).normal(size=(500, 3))
    assert (read.predict(x) == trained.predict(x)).all()
    assert model.save_model(read, tmp_path) == (digest, path)
    assert model.is_kept(path)
    path.write_bytes(pickle.dumps(None))
    assert not model.is_kept(path)
    assert not model.is_kept(tmp_path / "none")


def test_nothing_that_runs_code_out_of_a_file_is_imported() -> None:
    found = []
    for path in HOUSE.rglob("*.py"):
        if path.relative_to(HOUSE).parts[:2] == ("bench", "attacks"):  # which brings a pickle, to see it refused
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(one.name for one in node.names)]
            else:
                continue
            found += [(path, name) for name in names if RUNNING & set(name.split("."))]
    assert found == []


def test_arrays_are_never_read_as_pickles() -> None:
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path
