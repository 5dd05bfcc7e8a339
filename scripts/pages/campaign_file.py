"""The fields of a bank's files, from the models that check them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pages.source import BANK, cell, page

SECTIONS = ("Campaign", "Product", "Benefit", "Script", "Solution", "Policies")
_FILES = {
    "Campaign": "campaigns/*.yaml",
    "Product": "products.yaml, under `products`",
    "Benefit": "benefits.yaml, under `benefits`",
    "Script": "scripts/*.yaml",
    "Solution": "solutions/*.yaml",
    "Policies": "policies.yaml",
}


def spec_models() -> dict[str, list[type[Any]]]:
    """Return for each section its model and the models inside it, in reading order, each once over all sections."""
    from bankloop.loop.spec import contracts

    seen: set[type] = set()
    found: dict[str, list[type[Any]]] = {}
    for name in SECTIONS:
        found[name] = []
        _collect(getattr(contracts, name), contracts.Spec, seen, found[name])
    return found


def _collect(model: type[Any], base: type, seen: set[type], into: list[type[Any]]) -> None:
    if model in seen:
        return
    seen.add(model)
    into.append(model)
    for field in model.model_fields.values():
        for inner in _classes(field.annotation):
            if issubclass(inner, base):
                _collect(inner, base, seen, into)


def _classes(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _classes(part)


def campaign_page() -> str:
    """Return docs/reference/campaign-file.md."""
    lines = [
        "# 战役文件 · The campaign file and its neighbours",
        "",
        "银行文件夹中各文件的全部字段（format 1）。没有列出的字段会被拒绝，并指出文件、行和最接近的名字。"
        "金额写 `15000 CNY`，比例写 `5%`，天数写 `30d`。",
        "",
        "Every field of the files in a bank's folder, format 1. A field that is not listed is refused with file, line "
        "and the nearest right name. Amounts are written `15000 CNY`, shares `5%`, days `30d`; a condition is an "
        "expression over [attributes](attributes.md). `bankloop check` reads all of it and changes nothing. "
        "`bank.yaml` is in [Load your data](../how-to/load-your-data.md).",
    ]
    for name, models in spec_models().items():
        for model in models:
            top = model.__name__ == name
            lines += ["", f"{'##' if top else '###'} {model.__name__}", ""]
            if top:
                lines += [f"File: {_file_name(name)}.", ""]
            lines += [_docstring(model), "", "| field | type | default |", "|---|---|---|"]
            for key, field in model.model_fields.items():
                shown = field.alias or key
                lines.append(f"| `{shown}` | {cell(_type_name(field))} | {cell(_default(field))} |")
    lines += ["", "## A complete example", "", "The files of the simulated bank (`bankloop init DIR` writes them):"]
    for path in (
        "campaigns/bind-card.yaml",
        "products.yaml",
        "benefits.yaml",
        "scripts/bind-card.yaml",
        "policies.yaml",
    ):
        lines += ["", f"`{path}`:", "", "```yaml", (BANK / path).read_text(encoding="utf-8").rstrip(), "```"]
    return page(lines)


def _file_name(section: str) -> str:
    name, _, rest = _FILES[section].partition(",")
    return f"`{name}`" + (f",{rest}" if rest else "")


def _docstring(model: type) -> str:
    return "\n".join(line.strip() for line in (model.__doc__ or "").strip().splitlines()).replace("``", "`")


# How the annotated numbers of the spec are written in a file.
_WRITTEN = {"_ppm": "share, such as `5%`", "_fen": "amount, such as `15000 CNY`", "_days": "days, such as `30d`"}


def _type_name(field: Any) -> str:
    for mark in field.metadata:
        written = _WRITTEN.get(getattr(getattr(mark, "func", None), "__name__", ""))
        if written:
            return written
    patterns = [m for m in field.metadata if getattr(m, "pattern", None)]
    limits = [f"{sign} {value}" for m in field.metadata for sign, value in _limits(m)]
    name = "key" if patterns else _annotation(field.annotation)
    return name + (f", {', '.join(limits)}" if limits else "")


def _limits(mark: object) -> Iterator[tuple[str, object]]:
    for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("min_length", "length ≥")):
        value = getattr(mark, name, None)
        if value is not None:
            yield sign, value


def _annotation(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        marks = [_WRITTEN.get(getattr(getattr(m, "func", None), "__name__", "")) for m in arguments[1:]]
        written = next((m for m in marks if m), None)
        keyed = any(_has_pattern(m) for m in arguments[1:])
        return written or ("key" if keyed else _annotation(arguments[0]))
    if origin is typing.Literal:
        return " or ".join(f"`{a}`" for a in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_annotation(a) for a in arguments if a is not type(None))
    if origin is tuple:
        return f"list of {_annotation(arguments[0])}"
    if origin is not None and len(arguments) == 2:
        return f"{_annotation(arguments[0])} → {_annotation(arguments[1])}"
    plain = {str: "text", int: "whole number", bool: "true or false"}
    if annotation in plain:
        return plain[annotation]
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if isinstance(annotation, type) and hasattr(annotation, "__members__"):
        return " or ".join(f"`{member}`" for member in annotation)
    return getattr(annotation, "__name__", str(annotation))


def _has_pattern(mark: object) -> bool:
    return bool(getattr(mark, "pattern", None)) or any(
        getattr(m, "pattern", None) for m in getattr(mark, "metadata", ())
    )


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default_factory() if field.default_factory else field.default
    if value is None:
        return ""
    if hasattr(type(value), "model_fields"):
        return "its own defaults"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, tuple | dict):
        return f"`[{', '.join(map(str, value))}]`" if value else "empty"
    name = _type_name(field)
    if not isinstance(value, int):
        return f"`{value}`"
    if name.startswith("share"):
        return f"`{value / 10_000:g}%`"
    if "amount" in name:
        return f"`{value / 100:g} CNY`"
    return f"`{value}d`" if name.startswith("days") else f"`{value}`"
