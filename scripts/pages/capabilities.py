"""The capabilities that tests show, from the marks in tests/."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pages.source import CAPABILITIES, ROOT, dotted, page, trees


def capabilities() -> dict[str, list[tuple[str, str]]]:
    """Return capability → (file, test) from the marks in tests/, a class's mark counting for each of its tests."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, tree in trees(ROOT / "tests"):
        file = path.relative_to(ROOT).as_posix()
        for owner, test in _tests(tree):
            for identifier in dict.fromkeys([*_marks(owner), *_marks(test)]):
                found[identifier].append((file, test.name))
    return {key: sorted(found[key]) for key in sorted(found, key=_natural)}


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
    lines = [
        "# 能力 · Capabilities",
        "",
        f"目标是 {CAPABILITIES} 项能力；已由测试演示的有 {len(found)} 项。只有测试运行了该项自己的验收例子，才列入本表。",
        "",
        f"**{len(found)} of {CAPABILITIES}.** The list of {CAPABILITIES} capabilities is the goal. A row is here only "
        "where a test runs the capability's own acceptance example; the marks are in the tests "
        '(`@pytest.mark.capability("A3")`), and this page is made from them.',
        "",
        "| capability | tests | what they show |",
        "|---|---|---|",
    ]
    for identifier, tests in found.items():
        shown = "<br>".join(f"`{file}::{name}`" for file, name in tests)
        words = "<br>".join(_humanised(name) for _, name in tests)
        lines.append(f"| {identifier} | {shown} | {words} |")
    return page(lines)


def _humanised(name: str) -> str:
    words = name.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]
