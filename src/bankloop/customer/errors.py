"""The errors of attribute files: file and line, the attribute, the reason, the nearest known name and the cure."""

from __future__ import annotations

from collections.abc import Iterable

from bankloop.kit.errors import NotFoundError, SpecError
from bankloop.kit.located import nearest
from bankloop.kit.text import Text


def attribute_spec(place: str, name: str, zh: str, en: str) -> SpecError:
    """An attribute that cannot be defined so; ``zh`` and ``en`` say the reason and the cure."""
    return SpecError(
        "customer.attribute",
        Text("{place}：属性 {name}：{reason}", "{place}: attribute {name}: {reason}"),
        place=place,
        name=name,
        reason=Text(zh, en),
    )


def unknown(place: str, name: str, what: str, found: object, known: Iterable[str]) -> SpecError:
    """A name that is not among the known ones."""
    names = [str(k) for k in known]
    close = nearest(str(found), names)
    return attribute_spec(
        place,
        name,
        f"未知的 {what}：{found}；" + (f"是否指 {close}？" if close else "") + f"可用：{'、'.join(names)}",
        f"unknown {what} {found}; " + (f"did you mean {close}? " if close else "") + f"known: {', '.join(names)}",
    )


def no_attribute(name: str, known: Iterable[str]) -> NotFoundError:
    """An attribute that the catalogue lacks."""
    close = nearest(name, known)
    return NotFoundError(
        "customer.no_attribute",
        Text(
            "没有属性 {name}{zh}；请在 attributes/ 中定义它",
            "no attribute {name}{en}; define it under attributes/",
        ),
        name=name,
        zh=f"（是否指 {close}？）" if close else "",
        en=f" (did you mean {close}?)" if close else "",
    )
