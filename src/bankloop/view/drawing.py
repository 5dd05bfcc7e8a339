"""From a picture to SVG that stands inside a page: no font, no address and no colour of its own, only the tokens'."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Language
from bankloop.view import charts, paper
from bankloop.view.figures import Picture
from bankloop.view.paper import NARROW, WIDE, PaperFrame

_TOKENS = {
    paper.INK: "ink",
    paper.INK_2: "ink-2",
    paper.LINE: "line",
    paper.ACCENT: "accent",
    paper.QUIET: "quiet",
    paper.TRUTH: "truth",
    paper.START: "mid",
}
_DROPPED = re.compile(
    r' (?:role|aria-[a-z]+|font-family|font-weight|font-size|pointer-events|xmlns(?::xlink)?|version|class|style)="[^"]*"'
)
_EMPTY = re.compile(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>|<path d="" display="none"/>')
_OPEN = re.compile(r'<svg[^>]*viewBox="([^"]+)"[^>]*>')
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")


def draw(picture: Picture, language: Language, width: int = WIDE) -> str:
    """Return a picture as one inline ``<svg>`` with its title and description, ``width`` pixels wide."""
    frame = PaperFrame(width, language)
    body = _svg(canonical_json(charts.specification(picture.chart, frame)))
    name = f"{picture.name}-{language.value}-{width}"
    named = (
        f'<title id="{name}-t">{escape(picture.title.say(language))}</title>'
        f'<desc id="{name}-d">{escape(picture.alt.say(language))}</desc>'
    )
    view = _OPEN.search(body)
    assert view is not None
    head = f'<svg viewBox="{view[1]}" role="img" aria-labelledby="{name}-t {name}-d">{named}'
    return head + body[view.end() :]


def draw_both(picture: Picture, language: Language) -> str:
    """Return the picture twice, for a desk and for a phone; the page's style shows the one that fits."""
    wide, narrow = draw(picture, language, charts.desk_width(picture.chart)), draw(picture, language, NARROW)
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


@lru_cache(maxsize=512)
def _svg(specification: str) -> str:
    """Return the cleaned SVG of a specification; the same one is drawn once."""
    import vl_convert

    # By way of Vega it takes two thirds of the time.
    drawn = vl_convert.vega_to_svg(vl_convert.vegalite_to_vega(specification))
    drawn = _OPEN.sub(lambda match: f'<svg viewBox="{match[1]}">', drawn)
    head, _, rest = drawn.partition(">")
    rest = _EMPTY.sub("", _DROPPED.sub("", rest))
    rest = _LONG.sub(r"\1", rest).replace(' opacity="1"', "").replace(' aria-hidden="true"', "")
    for colour, token in _TOKENS.items():
        rest = rest.replace(f'"{colour}"', f'"var(--{token})"')
    return f"{head}>{rest}"
