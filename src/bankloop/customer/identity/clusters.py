"""Who is one person, as a pure function of links and separations: the order in which they came changes nothing.

Links are taken from the strongest down. One that would join what a person has separated, or two parties with different
valid identity cards, is held back and named; a link made by a person or by a verification may join different cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bankloop.customer.identity.contracts import Link, LinkKind

_BY_HAND = (LinkKind.STEWARD, LinkKind.VERIFIED)


@dataclass(frozen=True, slots=True)
class Partition:
    """Each linked identity with the members of its party, and the links that could not be honoured."""

    groups: tuple[frozenset[str], ...]
    held: tuple[Link, ...] = ()

    def of(self, number: str) -> frozenset[str]:
        """Return the members of the party of an identity; itself alone where nothing links it."""
        return next((group for group in self.groups if number in group), frozenset({number}))


@dataclass(slots=True)
class _Forest:
    """Union by size with, at each root, its members, whom they are separated from, and their cards."""

    parent: dict[str, str] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    apart: dict[str, set[str]] = field(default_factory=dict)
    cards: dict[str, frozenset[str]] = field(default_factory=dict)

    def root(self, one: str) -> str:
        if one not in self.parent:
            self.parent[one], self.members[one] = one, {one}
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def may_join(self, a: str, b: str, by_hand: bool) -> bool:
        small, large = sorted((a, b), key=lambda root: len(self.apart.get(root, ())))
        if not self.apart.get(small, set()).isdisjoint(self.members[large]):
            return False
        mine, theirs = self.cards.get(a), self.cards.get(b)
        return by_hand or not mine or not theirs or not mine.isdisjoint(theirs)

    def join(self, a: str, b: str) -> None:
        large, small = (a, b) if len(self.members[a]) >= len(self.members[b]) else (b, a)
        self.parent[small] = large
        self.members[large] |= self.members.pop(small)
        self.apart[large] = self.apart.get(large, set()) | self.apart.pop(small, set())
        self.cards[large] = self.cards.get(large, frozenset()) | self.cards.pop(small, frozenset())


def partition(
    links: Iterable[Link],
    separations: Iterable[tuple[str, str]] = (),
    cards: Mapping[str, frozenset[str]] | None = None,
) -> Partition:
    """Return the parties of more than one identity; ``cards`` are the blind indexes of valid identity cards by identity."""
    forest = _Forest(cards=dict(cards or {}))
    for a, b in separations:
        # Each end names the other, so that asking one of them is enough.
        forest.apart.setdefault(a, set()).add(b)
        forest.apart.setdefault(b, set()).add(a)
    held = []
    for link in sorted(links, key=lambda one: (-one.kind.strength, -one.weight, one.a, one.b, one.kind)):
        a, b = forest.root(link.a), forest.root(link.b)
        if a == b:
            continue
        if forest.may_join(a, b, link.kind in _BY_HAND):
            forest.join(a, b)
        else:
            held.append(link)
    found = (frozenset(group) for group in forest.members.values() if len(group) > 1)
    # What other links joined afterwards is one party all the same: nothing is left to judge.
    apart = [link for link in held if forest.root(link.a) != forest.root(link.b)]
    return Partition(tuple(sorted(found, key=min)), tuple(apart))
