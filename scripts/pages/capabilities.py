"""The capabilities that tests show: what each is called and does, where a person meets it, and which test shows it.

The marks in tests/ say which there are, ``capabilities.yaml`` beside this module what they are called.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pages.source import CAPABILITIES, ROOT, cell, dotted, page, trees

NAMES = Path(__file__).with_name("capabilities.yaml")


@dataclass(frozen=True)
class Named:
    """What a capability is called and does, in both languages, and its places: pages begin with a slash."""

    name: dict[str, str]
    does: dict[str, str]
    at: tuple[str, ...]


def named() -> dict[str, Named]:
    """Return capability → what it is called, as the file beside this module says."""
    read = yaml.safe_load(NAMES.read_text(encoding="utf-8"))
    return {key: Named(one["name"], one["does"], tuple(one["at"])) for key, one in read.items()}


def capabilities() -> dict[str, list[tuple[str, str]]]:
    """Return capability → (file, test) from the marks in tests/, a class's mark counting for each of its tests."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, tree in trees(ROOT / "tests"):
        file = path.relative_to(ROOT).as_posix()
        for owner, test in _tests(tree):
            for identifier in dict.fromkeys([*_marks(owner), *_marks(test)]):
                found[identifier].append((file, test.name))
    return {key: sorted(found[key]) for key in sorted(found, key=_natural)}


def faults() -> list[str]:
    """Return what is wrong with the names: marks without one, places that neither the console nor the program has."""
    names, there = named(), places()
    missing = [f"{key} is shown by a test and has no name" for key in capabilities() if key not in names]
    lost = [f"{key}: there is no {at}" for key, one in names.items() for at in one.at if at not in there]
    nowhere = [f"{key} names no page and no command" for key, one in names.items() if not one.at]
    return [*missing, *lost, *nowhere]


def places() -> frozenset[str]:
    """Return every page of the console, by its address, and every command."""
    from contextlib import nullcontext

    from bankloop.web.shell.app import create_app
    from pages.commands import commands

    routes = create_app(lambda: nullcontext(None)).routes
    return frozenset({one.path for one in _routes(routes)} | {one.path for one in commands()})


def _routes(routes: Any) -> Iterator[Any]:
    for one in routes:
        if "GET" in (getattr(one, "methods", None) or ()):
            yield one
        yield from _routes(getattr(one, "routes", None) or ())


def _tests(tree: ast.Module) -> Iterator[tuple[Any, Any]]:
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for test in inner:
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test"):
                yield (node if isinstance(node, ast.ClassDef) else None), test


def _marks(node: Any) -> Iterator[str]:
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and dotted(decorator.func) == "pytest.mark.capability":
            yield from (str(a.value) for a in decorator.args if isinstance(a, ast.Constant))


def _natural(identifier: str) -> tuple[str, int]:
    match = re.fullmatch(r"([A-Z]+)(\d+)", identifier)
    return (match[1], int(match[2])) if match else (identifier, 0)


def capabilities_page() -> str:
    """Return docs/capabilities.md."""
    found = capabilities()
    return page(
        [
            "# 能力 · Capabilities",
            "",
            f"目标是 {CAPABILITIES} 项能力；已由测试演示的有 {len(found)} 项。只有测试运行了该项自己的验收例子，才列入本表。",
            "",
            f"**{len(found)} of {CAPABILITIES}.** A capability is here only where a test runs its own acceptance "
            "example; this page is made from the tests' marks. A page is an address of the console; the rest are "
            "commands.",
            "",
            "| capability | what it does | where | shown by |",
            "|---|---|---|---|",
            *_rows(found, "en"),
        ]
    )


def capabilities_page_zh() -> str:
    """Return docs/capabilities.zh.md."""
    found = capabilities()
    return page(
        [
            "# 能力",
            "",
            f"目标是 {CAPABILITIES} 项能力；已由测试演示的有 **{len(found)}** 项。只有测试运行了该项自己的验收例子，才列入本表；"
            "本页由测试里的标记生成。以斜杠开头的是控制台的页面，其余是命令。",
            "",
            "| 能力 | 做什么 | 在哪里 | 由哪个测试演示 |",
            "|---|---|---|---|",
            *_rows(found, "zh"),
        ]
    )


def _rows(found: dict[str, list[tuple[str, str]]], language: str) -> Iterator[str]:
    names = named()
    for identifier, tests in found.items():
        # A mark without a name is told by ``faults``; its row says so instead of being left out.
        one = names.get(identifier, Named({"zh": identifier, "en": identifier}, {"zh": "", "en": ""}, ()))
        where = "<br>".join(map(_place, one.at))
        shown = "<br>".join(f"[`{file}::{name}`](../{file})" for file, name in tests)
        yield f"| {cell(one.name[language])} | {cell(one.does[language])} | {where} | {shown} |"


def _place(at: str) -> str:
    """Return a place as a reader goes there: a page by its address, a command by what the reference says of it."""
    return f"`{at}`" if at.startswith("/") else f"[`bankloop {at}`](reference/commands.md#{at.replace(' ', '-')})"
