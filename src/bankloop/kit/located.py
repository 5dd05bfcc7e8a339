"""The one door for YAML: a mapping with the line of every key, bounded before anything is made of it.

Aliases let a few hundred bytes stand for billions of values, and brackets nest deeper than a program can follow. So the
file is counted while it is parsed, an alias as all that it stands for, and refused at the first step beyond a bound.
Imported by path (``bankloop.kit.located``), not from the door: YAML is read only where a file is read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from bankloop.kit.bounded import size_within
from bankloop.kit.errors import SpecError
from bankloop.kit.text import Text

Route = tuple[str | int, ...]


# The longest file of a bank is a catalogue of some twenty kilobytes; a generated one may be ten times that.
MOST_BYTES = 1 << 20
MOST_NODES = 50_000
MOST_DEPTH = 32
# What is not a text is a number, a truth value or a date, and none of them is long.
_MOST_PLAIN = 100
# A name is taken for a slip of another where one letter in four differs, and for its beginning or a word of it.
_LETTERS_A_SLIP, _BEGINNING, _WORD = 4, 3, 4
_BROKEN = Text("结构在此处不成立", "its structure breaks here")
# By what the parser says, what it means; the first that is in it counts.
_REASONS: Mapping[str, Text] = {
    "mapping values are not allowed": Text("此处不能再写“名称: 值”", "no 'name: value' can stand here"),
    "cannot start any token": Text(
        "有不能打头的字符，如制表符或 @", "a character that nothing begins with, as a tab or @"
    ),
    "control characters": Text("有控制字符", "a control character"),
    "special characters": Text("有控制字符", "a control character"),
    "undefined alias": Text("引用了没有定义的 *名称", "an alias of what is not defined"),
    "a constructor for the tag": Text("有不支持的 ! 标签", "a tag that files of ours do not have"),
    "undefined tag handle": Text("有不支持的 ! 标签", "a tag that files of ours do not have"),
    "unhashable key": Text("名称应为单个的值", "a name must be a single value"),
    "expected a single document": Text("有多于一份文档", "there is more than one document"),
    "unexpected end of stream": Text("引号没有成对", "a quote is not closed"),
    "escape character": Text("引号内的 \\ 写法不对", "a \\ inside quotes that means nothing"),
    "']'": Text("方括号没有成对，或缺少逗号", "a bracket is not closed, or a comma is missing"),
    "'}'": Text("花括号没有成对，或缺少逗号", "a brace is not closed, or a comma is missing"),
    "expected ':'": Text("名称后缺少冒号", "a colon is missing behind a name"),
    "expected key": Text("缩进与上文不一致", "its indent differs from what is above"),
    "'-' indicator": Text("列表项的缩进或 - 不对", "a list's item lacks its - or its indent"),
}
_TEXT = "tag:yaml.org,2002:str"
_BOOL = "tag:yaml.org,2002:bool"


class _Loader(Composer, yaml.CSafeLoader):
    """YAML as version 1.2 reads it: only true and false are truth values, so that yes, no, on and off stay words.

    Nodes and depth are counted as they are parsed; an alias counts as what it stands for, and never for itself. What is
    parsed comes from libyaml, an event at a time: reading takes an eighth of the time.
    """

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self.nodes, self.depth = 0, 0
        self.sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        assert event is not None
        before = self.nodes
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise _OutOfBounds(event, f"嵌套超过 {MOST_DEPTH} 层", f"it nests deeper than {MOST_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if not isinstance(event, yaml.AliasEvent):
            self.nodes += 1
            self.sizes[id(node)] = self.nodes - before
        elif id(node) in self.sizes:
            self.nodes += self.sizes[id(node)]
        else:
            raise _OutOfBounds(event, f"*{event.anchor} 引用了自己", f"*{event.anchor} refers to itself")
        if self.nodes > MOST_NODES:
            raise _OutOfBounds(
                event,
                f"超过 {MOST_NODES:,} 个值（引用按其所代表的计）",
                f"it holds more than {MOST_NODES:,} values, an alias counted as what it stands for",
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # The library keeps the last of two and says nothing; merged keys are the library's own and may come again.
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _NotOurs(key, f"{key.value} 写了两次", f"{key.value} is there twice")
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.tag != _TEXT and len(node.value) > _MOST_PLAIN:
            raise _NotOurs(node, "数字太长", "a value too long for a number")
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, ArithmeticError, LookupError) as error:
            # The library lets the faults of what it converts with through: a thirteenth month, a tag on another kind.
            raise _NotOurs(node, "不是这种类型的值", "no value of its kind") from error


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


class _NotOurs(yaml.constructor.ConstructorError):
    """What is YAML and nothing that a file of ours may hold: where, and why."""

    def __init__(self, node: yaml.Node, zh: str, en: str) -> None:
        super().__init__(None, None, en, node.start_mark)
        self.reason = Text(zh, en)


class _OutOfBounds(Exception):
    """A file that holds more than any file of ours: where, and of what it has too much."""

    def __init__(self, event: yaml.Event, zh: str, en: str) -> None:
        super().__init__(en)
        self.line = event.start_mark.line + 1 if event.start_mark else 1
        self.reason = Text(zh, en)


@dataclass(frozen=True)
class Located:
    """The plain content of a YAML file and the 1-based line of every route into it."""

    path: Path
    content: dict[str, Any]
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
    """Read a YAML file that is a mapping (an empty one is {}); raise ``SpecError`` when absent, not one, or beyond bounds."""
    try:
        size_within(path.name, path.stat().st_size, MOST_BYTES)
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
    return _located(path, text)


def _located(path: Path, text: str) -> Located:
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        content = {} if node is None else loader.construct_document(node)
    except _OutOfBounds as error:
        raise SpecError(
            "spec.bounds",
            Text(
                "{place}：{reason}，不予读取；请拆分文件，或去掉不需要的嵌套和引用",
                "{place}: {reason}, so it is not read; split the file, or remove nesting and aliases that it does not need",
            ),
            place=f"{path.name}:{error.line}",
            reason=error.reason,
        ) from None
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from error
    if not isinstance(content, dict):
        raise SpecError(
            "spec.mapping",
            Text(
                "{place}：应为“名称: 值”的映射，而不是 {found}；请参照文档里的例子",
                "{place}: it must be a mapping of names to values, not a {found}; see the example in the documentation",
            ),
            place=f"{path.name}:1",
            found=_found(content),
        )
    lines: dict[Route, int] = {}
    if node is not None:
        _walk(node, (), lines)
    return Located(path, content, lines)


def _not_yaml(path: Path, error: yaml.YAMLError) -> SpecError:
    mark = getattr(error, "problem_mark", None)
    return SpecError(
        "spec.yaml",
        Text(
            "{place} 不是合法的 YAML：{reason}；请检查缩进和引号",
            "{place} is not YAML: {reason}; check indent and quotes",
        ),
        place=f"{path.name}:{mark.line + 1 if mark else 1}",
        reason=error.reason if isinstance(error, _NotOurs) else _why(str(error)),
    )


def _why(said: str) -> Text:
    """Return what a parser's sentence means to whoever writes the file."""
    return next((text for words, text in _REASONS.items() if words in said), _BROKEN)


def _found(content: object) -> Text:
    """Return what stands where a mapping should."""
    return Text("列表", "list") if isinstance(content, list) else Text("单个的值", "single value")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` may have meant: a slip or two away, or a part of it; None where none is."""
    asked = name.lower()
    near = [one for one in known if _could_be(asked, str(one).lower())]
    return max(near, key=lambda one: difflib.SequenceMatcher(None, asked, one.lower()).ratio(), default=None)


def nearest_said(name: str, known: Iterable[str], otherwise: Text) -> Text:
    """Return the words that name the nearest known name, or ``otherwise`` where none could have been meant."""
    near = nearest(name, known)
    return Text(f"最接近的是 {near}", f"the nearest is {near}") if near else otherwise


def _could_be(asked: str, known: str) -> bool:
    """Return whether a name may stand for another: few slips for its length, or a word of it left out or added."""
    shorter, longer = sorted((asked, known), key=len)
    if len(shorter) >= _BEGINNING and longer.startswith(shorter):
        return True
    if len(shorter) >= _WORD and shorter in re.split(r"[_\-. ]", longer):
        return True
    return _slips(asked, known) <= (len(longer) + 1) // _LETTERS_A_SLIP


def _slips(one: str, other: str) -> int:
    """Return how many letters are added, dropped, changed or swapped to make one name of the other."""
    before, row = list[int](), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, another in enumerate(other, 1):
            found = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != another))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == another:
                found = min(found, last[j - 2] + 1)
            row.append(found)
    return row[-1]


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
