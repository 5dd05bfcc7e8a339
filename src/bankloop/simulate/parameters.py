"""The bank's numbers, read from one YAML file and refused where the file lacks one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from bankloop.kit import SpecError, Text

DEFAULT = Path(__file__).parent / "parameters.yaml"
_SOURCES = frozenset("DPJ")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by ``group.name``; ``text`` is the file as it was read, kept beside the truth."""

    values: dict[str, Any]
    text: str

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            raise SpecError(
                "simulate.parameter_missing",
                Text(
                    "参数文件缺少“{name}”；请从自带的 parameters.yaml 抄入",
                    "the parameter file lacks '{name}'; copy it from the parameters.yaml that comes with bankloop",
                ),
                name=name,
            )
        return self.values[name]

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
    """Read a parameter file (the one of 泉江银行 by default); every entry has a value and a source D, P or J."""
    text = (path or DEFAULT).read_text(encoding="utf-8")
    values: dict[str, Any] = {}
    for group, entries in yaml.safe_load(text).items():
        for name, entry in entries.items():
            if not isinstance(entry, dict) or "value" not in entry or not set(str(entry.get("source"))) & _SOURCES:
                raise SpecError(
                    "simulate.parameter_form",
                    Text("参数“{name}”要写成 {form}", "write the parameter '{name}' as {form}"),
                    name=f"{group}.{name}",
                    form="{value: …, source: D|P|J}",
                )
            values[f"{group}.{name}"] = entry["value"]
    return Parameters(values, text)
