"""Parties as a pure function: order changes nothing, undoing a merge is the identity, what is kept apart stays apart."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.customer.identity import Link, LinkKind, Partition, partition

NUMBERS = "ABCDEFGH"
number = st.sampled_from(NUMBERS)
pair = st.tuples(number, number).filter(lambda p: p[0] != p[1]).map(lambda p: (min(p), max(p)))
link = st.builds(lambda p, kind, weight: Link(*p, kind, weight), pair, st.sampled_from(LinkKind), st.floats(0, 30))
links = st.lists(link, max_size=14)
pairs = st.lists(pair, max_size=6)
cards = st.dictionaries(number, st.sampled_from(["x", "y", "z"]).map(lambda one: frozenset({one})), max_size=5)


def groups(found: Partition) -> frozenset[frozenset[str]]:
    return frozenset(found.groups)


@given(links, pairs, cards, st.randoms())
def test_the_order_of_links_changes_nothing(
    made: list[Link], apart: list[tuple[str, str]], held: dict, by: Random
) -> None:
    mixed, turned = list(made), [(b, a) for a, b in apart]
    by.shuffle(mixed)
    assert partition(made, apart, held) == partition(mixed, turned[::-1], held)


@given(links, pairs, cards)
def test_nobody_kept_apart_is_in_one_party_and_nobody_in_two(
    made: list[Link], apart: list[tuple[str, str]], held: dict[str, frozenset[str]]
) -> None:
    found = partition(made, apart, held)
    assert all(not {a, b} <= group for group in found.groups for a, b in apart)
    assert all(one.isdisjoint(other) for one, other in combinations(found.groups, 2))
    for one in found.held:
        assert found.of(one.a) != found.of(one.b)


def test_a_link_held_back_whose_ends_others_join_is_not_held() -> None:
    """A and G have different cards; a steward joined B and C, who have one of each, and both A and G belong to them."""
    cards = {"A": frozenset("y"), "B": frozenset("x"), "C": frozenset("y"), "G": frozenset("x")}
    made = [
        Link("A", "G", LinkKind.DOCUMENT, 1.0),
        Link("B", "C", LinkKind.STEWARD, 0.0),
        Link("A", "B", LinkKind.DOCUMENT, 0.0),
        Link("B", "G", LinkKind.DOCUMENT, 0.0),
    ]
    found = partition(made, [], cards)
    assert found.groups == (frozenset("ABCG"),)
    assert found.held == ()


def test_links_that_differ_in_nothing_but_their_kind_are_held_in_one_order() -> None:
    two = [Link("C", "D", LinkKind.VERIFIED, 0.0), Link("C", "D", LinkKind.STEWARD, 0.0)]
    assert partition(two, [("C", "D")]).held == partition(two[::-1], [("C", "D")]).held


@given(links)
def test_without_contradiction_parties_are_what_links_reach(made: list[Link]) -> None:
    found = partition(made)
    assert found.held == ()
    reached = {one: {one} for one in NUMBERS}
    for _ in NUMBERS:
        for one in made:
            both = reached[one.a] | reached[one.b]
            for each in both:
                reached[each] = reached[each] | both
    assert groups(found) == {frozenset(group) for group in reached.values() if len(group) > 1}


@given(links, pair)
def test_merging_and_undoing_is_the_identity(made: list[Link], joined: tuple[str, str]) -> None:
    """A merge by hand joins two parties; undoing it keeps the moved ones from the others, and both are as before."""
    before = partition(made)
    one, other = before.of(joined[0]), before.of(joined[1])
    if one == other:
        return
    merged = partition([*made, Link(*joined, LinkKind.STEWARD, 0.0)])
    assert merged.of(joined[0]) == one | other
    undone = partition(made, [(a, b) for a in one for b in other])
    assert groups(undone) == groups(before)


def test_a_chain_gives_up_its_weakest_link() -> None:
    chain = [Link("A", "B", LinkKind.MODEL, 9.0), Link("B", "C", LinkKind.MODEL, 20.0)]
    found = partition(chain, [("A", "C")])
    assert groups(found) == {frozenset("BC")}
    assert [(one.a, one.b) for one in found.held] == [("A", "B")]


@pytest.mark.parametrize(
    ("kind", "joined"), [(LinkKind.MODEL, False), (LinkKind.DOCUMENT, False), (LinkKind.STEWARD, True)]
)
def test_two_valid_cards_are_joined_by_a_person_only(kind: LinkKind, joined: bool) -> None:
    found = partition([Link("A", "B", kind, 30.0)], (), {"A": frozenset("x"), "B": frozenset("y")})
    assert (found.groups == (frozenset("AB"),)) is joined
