"""The templates' environment: words in one language, pictures as SVG, tables and figures by shared parts."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from bankloop.kit.text import Language, Text
from bankloop.view.drawing import draw_both
from bankloop.view.figures import Picture

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


def environment(*folders: Path) -> Environment:
    """Return an environment over the templates in ``folders`` and in this room; what is written is escaped.

    Templates ask ``opens`` before they link to an address; a paper without readers to tell apart opens all.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader([*folders, _TEMPLATES])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["say"] = _say
    made.filters["svg"] = _svg
    made.globals["opens"] = lambda address: True
    return made


@cache
def style() -> str:
    """Return the one style sheet: tokens first, then everything that is built from them."""
    return resources.files("bankloop.view").joinpath("style.css").read_text(encoding="utf-8")


def _say(text: Text | None, language: Language) -> str:
    return "" if text is None else text.say(language)


def _svg(picture: Picture, language: Language) -> object:
    from markupsafe import Markup

    return Markup(draw_both(picture, language))  # noqa: S704 - drawn here from values alone, words inside are escaped
