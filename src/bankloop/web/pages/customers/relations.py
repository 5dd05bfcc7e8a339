"""The circle of a customer drawn: places on two rings, lines with their words; a picture that needs no script."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin

from bankloop.customer.relation import TITLES, Circle, EdgeKind
from bankloop.kit.text import Text

WIDTH, HEIGHT = 760, 460
# Rings as shares of the paper: people read what is near first.
_RINGS = {1: (0.28, 0.30), 2: (0.44, 0.44)}
_TURN = 2 * pi
_SHORT: Mapping[EdgeKind, str] = {
    EdgeKind.FAMILY: "family", EdgeKind.EMPLOYS: "firm", EdgeKind.LEGAL_REPRESENTATIVE: "firm", EdgeKind.SHAREHOLDER: "firm",
    EdgeKind.GUARANTOR: "risk", EdgeKind.FUND_FLOW: "money",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dot:
    """A party on the paper; ``to`` is its page where it is one's own."""

    x: float
    y: float
    r: int
    shown: str
    to: str
    ring: int


@dataclass(frozen=True, slots=True)
class RelationLine:
    """A relation on the paper: from (x1, y1) to (x2, y2), its words in the middle where there is room."""

    x1: float
    y1: float
    x2: float
    y2: float
    title: Text
    kind: str
    named: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole picture with what it says to who cannot see it."""

    dots: tuple[Dot, ...]
    lines: tuple[RelationLine, ...]
    said: Text
    width: int = WIDTH
    height: int = HEIGHT


def drawn(circle: Circle) -> Drawing | None:
    """Return a circle on paper; None where nobody is in it."""
    if len(circle.nodes) < 2:
        return None
    places = _places(circle)
    dots = tuple(
        Dot(*places[n], 22 if not one.hops else 13 if one.hops == 1 else 9, one.shown, f"/customers/{one.shown}" if one.own and one.hops else "", one.hops)
        for n, one in enumerate(circle.nodes)
    )  # fmt: skip
    seen: set[frozenset[int]] = set()
    lines = []
    for tie in circle.ties:
        pair = frozenset((tie.a, tie.b))
        near = 0 in pair
        lines.append(
            RelationLine(
                *places[tie.a], *places[tie.b], TITLES[tie.kind], _SHORT.get(tie.kind, ""), near and pair not in seen
            )
        )
        seen.add(pair)
    return Drawing(dots, tuple(lines), _said(circle))


def _places(circle: Circle) -> dict[int, tuple[float, float]]:
    """Return where each node stands: the near ones around the middle, the others beside whom they were reached from."""
    middle = (WIDTH / 2, HEIGHT / 2)
    near = [n for n, one in enumerate(circle.nodes) if one.hops == 1]
    angles = {n: _TURN * k / len(near) - pi / 2 for k, n in enumerate(near)}
    children: dict[int, list[int]] = defaultdict(list)
    for n, one in enumerate(circle.nodes):
        if one.hops > 1:
            children[one.parent].append(n)
    spread = min(0.5, _TURN / max(len(near), 1) * 0.3)
    for parent, found in children.items():
        for k, n in enumerate(found):
            angles[n] = angles[parent] + spread * (k - (len(found) - 1) / 2)
    places = {0: middle}
    for n, angle in angles.items():
        wide, high = _RINGS[circle.nodes[n].hops]
        places[n] = (round(middle[0] + WIDTH * wide * cos(angle), 1), round(middle[1] + HEIGHT * high * sin(angle), 1))
    return places


def _said(circle: Circle) -> Text:
    """Return the picture in words: who is near by which relations, how many stand behind them."""
    kinds: dict[EdgeKind, int] = defaultdict(int)
    for tie in circle.ties:
        if 0 in (tie.a, tie.b):
            kinds[tie.kind] += 1
    zh = "、".join(f"{TITLES[kind].zh} {count}" for kind, count in kinds.items())
    en = ", ".join(f"{TITLES[kind].en} {count}" for kind, count in kinds.items())
    far = sum(one.hops > 1 for one in circle.nodes)
    left = Text(f"；另有 {circle.more} 位未画", f"; {circle.more} more are not drawn") if circle.more else Text("", "")
    return Text(
        f"直接关系：{zh}；再远一层 {far} 位{left.zh}。", f"Direct relations: {en}; {far} one further away{left.en}."
    )
