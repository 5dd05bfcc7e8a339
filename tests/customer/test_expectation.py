"""m, and how many doubles there are, out of nothing but pairs: what made them is found again, whatever errs."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.bench.identities import ERRORS, unkeyed
from bankloop.customer.identity.expectation import NOTHING, find_doubles

U = [np.array([0.00005, 0.99995]), np.array([0.00004, 0.00116, 0.9988]), np.array([0.002, 0.998])]
PEOPLE = 30_000
PAIRS = PEOPLE * (PEOPLE - 1) / 2


def pairs_of(m: list[np.ndarray], doubles: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw doubles by m, and as many strangers as chance makes of each pattern; keep those that agree in two fields at least."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.choice(len(levels), doubles, p=levels) for levels in m], axis=1)
    patterns = np.stack(np.meshgrid(*(np.arange(len(levels)) for levels in U), indexing="ij"), axis=-1).reshape(
        -1, len(U)
    )
    chance = np.prod([levels[patterns[:, field]] for field, levels in enumerate(U)], axis=0)
    counts = rng.poisson(chance * PAIRS)
    for one in drawn:
        counts[(patterns == one).all(axis=1)] += 1
    kept = ((patterns == 0).sum(axis=1) >= 2) & (counts > 0)
    return patterns[kept], counts[kept]


@pytest.mark.parametrize("errs", [0.1, 1 / 3])
def test_m_is_found_where_every_double_has_an_error(errs: float) -> None:
    """One error a record: within pairs alike in two fields the third is always wrong, and over all of them it is not."""
    m = [np.array([1 - errs, errs]), np.array([1 - errs, errs * 0.9, errs * 0.1]), np.array([1 - errs, errs])]
    patterns, counts = pairs_of(m, 6_000, 1)
    found = find_doubles(patterns, counts, U, PAIRS)
    seen = sum(int(c) for p, c in zip(patterns, counts, strict=True) if (p == 0).sum() >= 2)
    assert found.doubles == pytest.approx(seen, rel=0.05)
    # Who errs twice is brought together by no pair of fields: m is that of all others, never near nought.
    kept = (1 + errs) / (1 + 2 * errs)
    assert all(float(one[0]) == pytest.approx(kept, abs=0.03) for one in found.m)


def test_strangers_alone_are_no_doubles() -> None:
    patterns, counts = pairs_of([np.array([1.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0])], 0, 2)
    assert find_doubles(patterns, counts, U, PAIRS).doubles < 0.25 * counts.sum()


def test_nothing_to_compare_and_no_pair_at_all_say_nothing() -> None:
    empty = np.zeros((0, len(U)), np.int64)
    found = find_doubles(empty, np.zeros(0, np.int64), U, PAIRS)
    assert found.doubles == 0
    assert all(np.allclose(one, true) for one, true in zip(found.m, U, strict=True))
    unknown = np.array([[0, 0, NOTHING], [0, 0, 0]])
    found = find_doubles(unknown, np.array([50, 50]), U, PAIRS)
    assert found.m[2][0] > 0.9


@pytest.mark.soak
@pytest.mark.parametrize("errors", ERRORS)
def test_without_documents_what_is_learned_is_as_good_as_the_truth(errors: float) -> None:
    found = unkeyed(6_000, errors)
    # A third of the errors are in the postcode, and a name and a birth date alone never merge.
    assert found["true_f1"] > 0.75
    assert found["share"] >= 0.98
