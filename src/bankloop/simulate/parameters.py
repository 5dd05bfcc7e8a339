"""The bank's numbers, read from one YAML file and refused where the file lacks one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bankloop.kit.errors import SpecError
from bankloop.kit.located import read_located
from bankloop.kit.text import Text

DEFAULT = Path(__file__).parent / "parameters.yaml"
_SOURCES = frozenset("DPJ")
_MISSING = (
    "simulate.parameter_missing",
    Text(
        "参数文件缺少“{name}”；请从自带的 parameters.yaml 抄入",
        "the parameter file lacks '{name}'; copy it from the parameters.yaml that comes with bankloop",
    ),
)
_UNKNOWN = (
    "simulate.parameter_unknown",
    Text("没有参数“{name}”；请更正或删除", "there is no parameter '{name}'; correct or remove it"),
)
_FORM = ("simulate.parameter_form", Text("参数“{name}”要写成 {form}", "write the parameter '{name}' as {form}"))


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by ``group.name``; ``text`` is the file as it was read, kept beside the truth."""

    values: dict[str, Any]
    text: str

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def where(self, changed: Mapping[str, Mapping[str, float]]) -> Parameters:
        """Return another world: some entries of some mappings otherwise."""
        return Parameters(
            {**self.values, **{name: {**self.table(name), **new} for name, new in changed.items()}}, self.text
        )

    def number(self, name: str) -> float:
        """Return a number."""
        return float(self[name])

    def numbers(self, name: str) -> list[float]:
        """Return a list of numbers."""
        return [float(value) for value in self[name]]

    def table(self, name: str) -> dict[str, Any]:
        """Return a mapping."""
        return cast("dict[str, Any]", self[name])


def read_parameters(path: Path | None = None) -> Parameters:
    """Read a parameter file (the one of 泉江银行 by default); every entry has a value and a source D, P or J.

    Raise ``SpecError`` for an entry of another form, and for one that lacks or that nobody knows.
    """
    own = _read(DEFAULT)
    if path is None:
        return own
    other = _read(path)
    for name in sorted(own.values.keys() ^ other.values.keys()):
        code, text = _MISSING if name in own.values else _UNKNOWN
        raise SpecError(code, text, name=name)
    return other


def _read(path: Path) -> Parameters:
    values: dict[str, Any] = {}
    for group, entries in read_located(path).content.items():
        for name, entry in entries.items():
            if not isinstance(entry, dict) or "value" not in entry or not set(str(entry.get("source"))) & _SOURCES:
                raise SpecError(*_FORM, name=f"{group}.{name}", form="{value: …, source: D|P|J}")
            values[f"{group}.{name}"] = entry["value"]
    return Parameters(values, path.read_text(encoding="utf-8-sig"))
