"""Codes drawn to be scanned and printed: one as an SVG, several on a poster as SVG, PNG or PDF."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from bankloop.growth.codes import errors
from bankloop.growth.codes.contracts import MOST_ON_POSTER, ChannelCode
from bankloop.growth.codes.reading import code_of
from bankloop.kit.text import Language, Text
from bankloop.view import paper
from bankloop.view.sheet import wrapped
from bankloop.view.templating import environment

# A poster's codes side by side, in pixels of its own; print needs its shape only.
_WIDTH, _EDGE, _GAP, _RIM, _QR = 794, 48, 24, 20, 220
_LINE, _TOP, _PNG_SCALE = 26, 156, 2.0
# A code, the place where it hangs ('' for any) and its whole address.
Drawn = tuple[ChannelCode, str, str]
_LEAD = Text(
    "扫码办理或了解；本行不会通过此码索要密码或验证码。",
    "Scan to begin or to learn more. The bank asks for no password there.",
)


def code_svg(address: str, size: int = 240) -> str:
    """Return a code as an SVG image of ``size`` pixels; it still reads with a seventh of it covered (level M)."""
    squares, side = _squares(address)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {side} {side}" '
        f'role="img" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#ffffff"/>{squares}</svg>'
    )


def poster_svg(bank: Text, found: Sequence[Drawn], language: Language) -> str:
    """Return a poster of codes."""
    from markupsafe import Markup

    columns = 1 if len(found) == 1 else 2
    card = (_WIDTH - 2 * _EDGE - (columns - 1) * _GAP) / columns
    lines = [_lines(code, place, language, card - 2 * _RIM) for code, place, _ in found]
    tall = _QR + 3 * _RIM + _LINE * max(len(one) for one in lines)
    drawn = []
    for number, (_, _, address) in enumerate(found):
        squares, side = _squares(address)
        drawn.append(
            {
                "x": _EDGE + (number % columns) * (card + _GAP),
                "y": _TOP + (number // columns) * (tall + _GAP),
                "inset": (card - _QR) / 2,
                "scale": _QR / side,
                "below": _QR + 2 * _RIM + _LINE / 2,
                "squares": Markup(squares),  # noqa: S704 - drawn here of numbers alone
                "lines": lines[number],
            }
        )
    rows = -(-len(found) // columns)
    page = environment(Path(__file__).parent).get_template("poster.svg")
    return page.render(
        width=_WIDTH,
        height=_TOP + rows * (tall + _GAP) + _GAP,
        card=card,
        tall=tall,
        rim=_RIM,
        step=_LINE,
        bank=bank.say(language),
        lead=wrapped(_LEAD.say(language), _WIDTH - 2 * _EDGE, 15),
        found=drawn,
        ink=paper.INK,
        quiet=paper.INK_2,
        rule=paper.LINE,
        accent=paper.ACCENT,
    )


def poster_png(bank: Text, found: Sequence[Drawn], language: Language) -> bytes:
    """Return a poster as PNG, at twice its pixels. Chinese needs a font of the machine."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(poster_svg(bank, found, language), scale=_PNG_SCALE))


def poster_pdf(bank: Text, found: Sequence[Drawn], language: Language) -> bytes:
    """Return a poster as PDF, to be printed at any size."""
    import vl_convert

    return bytes(vl_convert.svg_to_pdf(poster_svg(bank, found, language)))


POSTERS: Mapping[str, Callable[[Text, Sequence[Drawn], Language], bytes]] = {
    "svg": lambda bank, found, language: poster_svg(bank, found, language).encode(),
    "png": poster_png,
    "pdf": poster_pdf,
}


def drawn_codes(
    connection: Connection, asked: Sequence[str], address: Callable[[str, str], str], today: date
) -> list[Drawn]:
    """Return what a poster shows of codes, each as ``CODE`` or ``CODE@PLACE``; ``address`` is of a code at a place.

    Raises ``InputError`` for too few or too many and for a place that is not the code's, ``NotFoundError`` for a code.
    """
    if not 1 <= len(asked) <= MOST_ON_POSTER:
        raise errors.bad_poster_codes(len(asked))
    found = []
    for one in asked:
        name, _, place = one.partition("@")
        code = code_of(connection, name, today)
        if place and place not in code.places:
            raise errors.no_place(place, ", ".join(code.places) or "—")
        found.append((code, place, address(name, place)))
    return found


def _lines(code: ChannelCode, place: str, language: Language, width: float) -> list[tuple[str, int, int, str]]:
    """Return what stands under a code, line by line, each with its size, weight and colour."""
    told = (
        (code.title, 17, 700, paper.INK),
        (code.staff_name, 15, 400, paper.INK),
        (code.unit.say(language), 15, 400, paper.INK),
        (" · ".join(one for one in (place, code.code) if one), 12, 400, paper.INK_2),
    )
    return [(line, size, bold, ink) for words, size, bold, ink in told for line in wrapped(words, width, size)]


def _squares(address: str) -> tuple[str, int]:
    """Return a code's dark squares as one SVG path with the quiet zone around it, and the side in squares."""
    import segno

    made = segno.make_qr(address, error="m")
    border = 4
    path = "".join(
        f"M{x + border} {y + border}h1v1h-1z" for y, row in enumerate(made.matrix) for x, dark in enumerate(row) if dark
    )
    return f'<path d="{path}" fill="#000000"/>', len(made.matrix) + 2 * border
