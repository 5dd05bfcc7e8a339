"""Every error that the source raises, with its code and its cure."""

from __future__ import annotations

import ast
import types
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pages.source import CODE, SOURCE, cell, dotted, page, trees


@dataclass(frozen=True)
class Refusal:
    """One error code as the source raises it."""

    code: str
    kind: str
    zh: str
    en: str


def refusals() -> list[Refusal]:
    """Return every error code in the source with its class and sentences, one entry a code, sorted."""
    found_in = trees(SOURCE)
    kinds = _error_classes(tree for _, tree in found_in)
    found: dict[str, list[Refusal]] = defaultdict(list)
    for _, tree in found_in:
        for one in [*_calls(tree, kinds), *_constants(tree, kinds)]:
            if (one.zh, one.en) not in [(known.zh, known.en) for known in found[one.code]]:
                found[one.code].append(one)
    return [_joined(found[code]) for code in sorted(found)]


def _joined(same: list[Refusal]) -> Refusal:
    """Return one entry for a code that several places raise, with each of its sentences once."""
    first = same[0]
    return Refusal(
        first.code, first.kind, "\n".join(one.zh for one in same if one.zh), "\n".join(one.en for one in same if one.en)
    )


def _error_classes(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of the error classes: those of the kit and every class that extends one."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {"BankloopError"}
    while more := {name for name, parents in bases.items() if parents & known} - known:
        known |= more
    return known


def _calls(tree: ast.Module, kinds: set[str]) -> Iterator[Refusal]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func).rpartition(".")[2]
        keyword = next((k.value for k in node.keywords if k.arg == "code"), None)
        if name in kinds:
            code = node.args[0] if node.args else keyword
            written = _code(code)
            if written:
                zh, en = _sentence(node.args[1] if len(node.args) > 1 else None)
                yield Refusal(written, name, zh, en)
        elif name.startswith("refuse") or keyword is not None:
            for place, argument in enumerate(node.args):
                if _code(argument) and len(node.args) > place + 2:
                    texts = [_literal(a) for a in node.args[place + 1 : place + 3]]
                    yield Refusal(_code(argument), _refuses(tree, name), *texts)


def _constants(tree: ast.Module, kinds: set[str]) -> Iterator[Refusal]:
    """Codes kept with their sentence in a constant, ``(code, Text(…))``, and raised as ``Error(*CONSTANT)``."""
    raised = {
        argument.value.id: dotted(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) in kinds
        for argument in node.args
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Name)
    }
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
            written, text = _code(node.value.elts[0]), node.value.elts[1]
            if written and isinstance(text, ast.Call) and dotted(text.func) == "Text":
                target = node.targets[0]
                name = target.id if isinstance(target, ast.Name) else ""
                yield Refusal(written, raised.get(name) or next(iter(raised.values()), "SpecError"), *_sentence(text))


def _refuses(tree: ast.Module, helper: str) -> str:
    """Return the class that a helper ``refuse…`` of this file raises, through other helpers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == helper:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call):
                    return dotted(inner.exc.func)
                called = dotted(inner.func).rpartition(".")[2] if isinstance(inner, ast.Call) else ""
                if called.startswith("refuse") and called != helper:
                    return _refuses(tree, called)
    return "InputError"


def _code(node: ast.expr | None) -> str:
    """Return the code that an argument is, or nothing; a slot of an f-string is shown as ``*``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        return node.value
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in node.values)
        return text if CODE.fullmatch(text.replace("*", "x")) else ""
    return ""


def _sentence(node: ast.expr | None) -> tuple[str, str]:
    if isinstance(node, ast.Call) and dotted(node.func) == "Text":
        zh, en = [*(_literal(argument) for argument in node.args[:2]), "", ""][:2]
        return zh, en
    return "", ""


def _literal(node: ast.expr) -> str:
    """Return the text of a literal; what is decided when the code runs is left out."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_literal(part) for part in parts)
        case ast.FormattedValue():
            return "…"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _literal(left) + _literal(right)
        case _:
            return ""


def errors_page() -> str:
    """Return docs/reference/errors.md."""
    from bankloop.kit import errors as kit

    found = refusals()
    numbers = {name: _numbers(kit, name) for name in {one.kind for one in found}}
    lines = [
        "# 错误 · Errors",
        "",
        "每个错误有不变的代码、含补救办法的中英文句子、HTTP 状态和退出码。",
        "",
        f"The {len(found)} codes. A code never changes its meaning. The command line prints `code: sentence` on stderr "
        "in the terminal's language and exits with the number; with `--json` it also prints "
        '`{"error": {"code", "zh", "en", "fields"}}`. The console shows the same sentence. `{…}` is filled in; `*` in '
        "a code is the name of the broken rule.",
        "",
        "| code | HTTP | exit | 中文 | English |",
        "|---|---:|---:|---|---|",
    ]
    for one in found:
        status, number = numbers[one.kind]
        zh, en = ("<br>".join(cell(line) for line in text.split("\n") if line) for text in (one.zh, one.en))
        lines.append(f"| `{one.code}` | {status} | {number} | {zh} | {en} |")
    lines += [
        "",
        "## 退出码 · Exit codes",
        "",
        "| exit | meaning |",
        "|---:|---|",
        "| 0 | done |",
        "| 1 | `audit verify` found a broken place, or an error nobody foresaw |",
        "| 2 | a file, an expression, a name or an option is wrong |",
        "| 3 | a source file or a lake version breaks its contract |",
        "| 4 | the principal may not do this |",
        "| 5 | the present state does not allow it |",
        "| 6 | another command holds what this one needs: wait, run it again |",
        "| 7 | the machine: disk, database, port |",
        "| 130 | interrupted |",
    ]
    return page(lines)


def _numbers(kit: types.ModuleType, name: str) -> tuple[int, int]:
    """Return HTTP status and exit code of an error class, those of subclasses in rooms read from their source."""
    if hasattr(kit, name):
        found = getattr(kit, name)
        return found.http_status, found.exit_code
    for _, tree in trees(SOURCE):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                base = next(b.id for b in node.bases if isinstance(b, ast.Name))
                status, number = _numbers(kit, base)
                own = {
                    target.id: statement.value.value
                    for statement in node.body
                    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
                    for target in statement.targets
                    if isinstance(target, ast.Name)
                }
                return own.get("http_status", status), own.get("exit_code", number)
    raise KeyError(name)
