"""The role guides' pictures: which there are, how one is taken of a running console, and what its layout is.

``RENEW_PICTURES=1 pytest tests/test_demo.py -k pictures`` (``make pictures``) writes them anew.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankloop.web.shell.texts import STEPS

KEPT = Path(__file__).resolve().parent.parent / "docs" / "images" / "guide"
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
LOOP = KEPT.parent / "loop.webp"
# A picture is read in a text: two thirds of a desk's screen, or a phone.
DESK, PHONE, HEIGHT = 1200, 390, 760
QUALITY = 0.72
# Blocks of a picture; one with a dark pixel has ink.
ACROSS, DOWN, DARK = 48, 30, 150
# Of the blocks with ink, so many stay where they are while a page is the same page.
ALIKE = 0.6
# A home's first screen on a desk and on a phone, in blocks of about two fingers; of them so many may be blank.
SCREENS = {(1440, 900): (12, 12), (390, 844): (4, 12)}
BLANK = 0.6
_CANVAS = """async ([png, type, quality]) => {
  const image = new Image(); image.src = "data:" + type + ";base64," + png; await image.decode();
  const canvas = document.createElement("canvas"); canvas.width = image.width; canvas.height = image.height;
  const drawn = canvas.getContext("2d"); drawn.drawImage(image, 0, 0);
"""
_LOOP_STYLE = """
  body { margin: 0; padding: 14px 18px; font-family: sans-serif; background: #f4f6f7; color: #1d2b30; }
  nav, main { display: flex; align-items: center; justify-content: space-between; margin: 0; }
  nav div { background: #fff; border: 1px solid #cfd8da; border-left: 5px solid #0f766e; border-radius: 6px;
    padding: 8px 14px; min-width: 150px; font-size: 15px; }
  nav span { display: block; color: #5b6b70; font-size: 12px; padding-left: 14px; }
  i { font-style: normal; font-size: 26px; color: #0f766e; }
  img { width: 800px; height: 470px; object-fit: cover; object-position: left top; margin: 12px 0; border: 1px solid #cfd8da; border-radius: 6px; }
"""
_AS_WEBP = _CANVAS + """  return canvas.toDataURL("image/webp", quality).split(",")[1]; }"""
_INK = (
    _CANVAS
    + """  const [across, down, dark] = quality, found = [image.width, image.height];
  for (let y = 0; y < down; y++) for (let x = 0; x < across; x++) {
    const w = Math.floor(image.width / across), h = Math.floor(image.height / down);
    const seen = drawn.getImageData(x * w, y * h, w, h).data; let ink = 0;
    for (let i = 0; i < seen.length && !ink; i += 4) if (seen[i] + seen[i + 1] + seen[i + 2] < 3 * dark) ink = 1;
    found.push(ink); } return found; }"""
)


@dataclass(frozen=True)
class Shot:
    """One picture: who looks, at which page, how wide the screen is."""

    role: str
    address: str
    width: int = DESK


SHOTS = {
    "marketer-home": Shot("hq_strategist", "/"),
    "marketer-plan": Shot("hq_strategist", "/plan"),
    "branch-leader-warroom": Shot("branch_commander", "/warroom"),
    "branch-leader-targets": Shot("branch_commander", "/targets"),
    "manager-work": Shot("relationship_manager", "/workbench", PHONE),
    "manager-book": Shot("relationship_manager", "/book", PHONE),
    "compliance-approvals": Shot("compliance_reviewer", "/approvals"),
    "compliance-holds": Shot("compliance_reviewer", "/holds"),
    "data-scientist-models": Shot("data_scientist", "/models"),
    "data-scientist-results": Shot("data_scientist", "/results"),
    "engineer-data": Shot("data_steward", "/data"),
}


def file_of(name: str, language: str) -> str:
    """Return the name of a picture's file."""
    return f"{name}.{language}.webp"


def take(chromium: Any, address: str, token: str, language: str, shot: Shot) -> bytes:
    """Return a picture of the first screenful of a page as WebP; nothing of it lies beyond the screen's width."""
    context = chromium.new_context(viewport={"width": shot.width, "height": HEIGHT}, locale=LANGUAGES[language])
    named = (("session", token), ("language", language))
    context.add_cookies([{"name": name, "value": value, "url": address} for name, value in named])
    page = context.new_page()
    answer = page.goto(address + shot.address)
    assert answer.status == 200, shot
    assert page.evaluate("document.documentElement.scrollWidth") <= shot.width, f"{shot} scrolls sideways"
    png = base64.b64encode(page.screenshot(animations="disabled")).decode("ascii")
    webp = context.new_page().evaluate(_AS_WEBP, [png, "image/png", QUALITY])
    context.close()
    return base64.b64decode(webp)


def layout(chromium: Any, picture: bytes) -> tuple[tuple[int, int], frozenset[int]]:
    """Return a picture's size and which of its blocks hold ink."""
    page = chromium.new_page()
    width, height, *ink = page.evaluate(
        _INK, [base64.b64encode(picture).decode("ascii"), "image/webp", [ACROSS, DOWN, DARK]]
    )
    page.close()
    return (width, height), frozenset(at for at, inked in enumerate(ink) if inked)


def blank(chromium: Any, address: str, token: str, screen: tuple[int, int]) -> float:
    """Return the share of a home's first screen on which nothing stands: of blocks without a dark pixel."""
    context = chromium.new_context(viewport={"width": screen[0], "height": screen[1]})
    context.add_cookies([{"name": "session", "value": token, "url": address}])
    page = context.new_page()
    assert page.goto(address + "/").status == 200
    png = base64.b64encode(page.screenshot(animations="disabled")).decode("ascii")
    _, _, *ink = context.new_page().evaluate(_INK, [png, "image/png", [*SCREENS[screen], DARK]])
    context.close()
    return 1 - sum(ink) / len(ink)


def alike(one: frozenset[int], other: frozenset[int]) -> float:
    """Return the share of the blocks with ink that two pictures have in common."""
    return len(one & other) / max(len(one | other), 1)


def loop_of(chromium: Any, plan: bytes) -> bytes:
    """Return the picture of the whole: the eight steps in both languages, the console's plan within their ring."""
    names = [f"<b>{step.zh}</b><span>{step.en}</span>" for step in STEPS.values()]
    above = "<i>→</i>".join(f"<div>{number} {name}</div>" for number, name in enumerate(names[:4], 1))
    below = "<i>←</i>".join(f"<div>{8 - at} {name}</div>" for at, name in enumerate(reversed(names[4:])))
    shown = base64.b64encode(plan).decode("ascii")
    page = chromium.new_page(viewport={"width": 1000, "height": 640})
    page.set_content(
        f"<style>{_LOOP_STYLE}</style><nav>{above}</nav><main><i>↑</i><img src='data:image/webp;base64,{shown}'><i>↓</i>"
        f"</main><nav>{below}</nav>"
    )
    page.wait_for_function("document.images[0].complete")
    png = base64.b64encode(page.screenshot()).decode("ascii")
    webp: str = page.evaluate(_AS_WEBP, [png, "image/png", QUALITY])
    page.close()
    return base64.b64decode(webp)
