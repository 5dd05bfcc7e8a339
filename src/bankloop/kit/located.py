"""A YAML file read with the line of every key, so that an error can name file and line.

Imported by path (``bankloop.kit.located``), not from the door: YAML is read only where a file is read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bankloop.kit.errors import SpecError
from bankloop.kit.text import Text

Route = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML as version 1.2 reads it: only true and false are truth values, so that yes, no, on and off stay words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


@dataclass(frozen=True)
class Located:
    """The plain content of a YAML file and the 1-based line of every route into it."""

    path: Path
    content: Any
    lines: dict[Route, int]

    def line(self, *route: str | int) -> int:
        """Return the line of ``route``, or of its nearest ancestor that is written in the file."""
        while route and route not in self.lines:
            route = route[:-1]
        return self.lines.get(route, 1)

    def place(self, *route: str | int) -> str:
        """Return ``file:line`` of a route."""
        return f"{self.path.name}:{self.line(*route)}"


def read_located(path: Path) -> Located:
    """Read a YAML file (safe tags only); raise ``SpecError`` when absent or not YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SpecError(
            "spec.no_file",
            Text("没有文件 {path}；请新建或更正路径", "no file {path}; create it or correct the path"),
            path=path,
        ) from error
    except UnicodeDecodeError as error:
        raise SpecError(
            "spec.encoding",
            Text("{path} 不是 UTF-8；请另存为 UTF-8", "{path} is not UTF-8; save it as UTF-8"),
            path=path,
        ) from error
    try:
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SpecError(
            "spec.yaml",
            Text(
                "{place} 不是合法的 YAML：{reason}；请检查缩进和引号",
                "{place} is not YAML: {reason}; check indent and quotes",
            ),
            place=f"{path.name}:{mark.line + 1 if mark else 1}",
            reason=getattr(error, "problem", None) or str(error),
        ) from error
    lines: dict[Route, int] = {}
    if node is not None:
        _walk(node, (), lines)
    return Located(path, content, lines)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, or None when none is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def _walk(node: yaml.Node, route: Route, lines: dict[Route, int]) -> None:
    lines.setdefault(route, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value)
            lines[(*route, name)] = key.start_mark.line + 1
            _walk(value, (*route, name), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*route, index), lines)
