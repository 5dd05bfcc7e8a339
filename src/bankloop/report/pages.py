"""The templates' environment: words in one language, pictures as SVG, tables and figures by shared parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from bankloop.kit import Language, Text
from bankloop.report.contracts import Picture
from bankloop.report.drawing import draw_both

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(*packages: str) -> Environment:
    """Return an environment over the templates of ``packages`` and of this room; what is written is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    rooms: Sequence[str] = (*packages, "bankloop.report")
    loader = ChoiceLoader([PackageLoader(name) for name in rooms])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["say"] = _say
    made.filters["svg"] = _svg
    return made


@cache
def style() -> str:
    """Return the one style sheet: tokens first, then everything that is built from them."""
    return resources.files("bankloop.report").joinpath("style.css").read_text(encoding="utf-8")


def _say(text: Text | None, language: Language) -> str:
    return "" if text is None else text.say(language)


def _svg(picture: Picture, language: Language) -> object:
    from markupsafe import Markup

    return Markup(draw_both(picture, language))  # noqa: S704 - drawn here from values alone, words inside are escaped
