"""A source key given to another person: what was linked and bound to its first bearer does not follow to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from bankloop.customer.identity import repository
from bankloop.customer.identity.contracts import LinkKind
from bankloop.customer.identity.marks import document_of
from bankloop.customer.identity.parties import lock_parties, regroup

REASON = "the source gave this key to another person"


def is_another(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether two records of one key are of two people: document, birth date and name are all given and all differ.

    A corrected document, a new name or a mended birth date alone is the same person.
    """
    pairs = [
        (_digits(before.get("birth")), _digits(after.get("birth"))),
        (_said(before.get("name")), _said(after.get("name"))),
    ]
    documents = [document_of(one) for one in (before, after)]
    return all(a and b and a != b for a, b in [(documents[0], documents[1]), *pairs])


def hand_on(connection: Connection, numbers: Sequence[str]) -> int:
    """Take numbers out of the parties of their first bearers, for good, and return how many were in one."""
    lock_parties(connection)
    apart = 0
    for number in numbers:
        others = sorted(set(repository.linked_with(connection, [number])) - {number})
        if not others:
            continue
        repository.end_links(connection, [number], others, list(LinkKind))
        repository.separate(connection, [number], others, REASON)
        regroup(connection, [number, *others], REASON)
        apart += 1
    return apart


def _digits(value: object) -> str:
    return "".join(c for c in str(value or "") if c.isdigit())


def _said(value: object) -> str:
    return "".join(str(value or "").split()).casefold()
