"""What may be a segment: an expression that is true or false, over attributes that people may be counted by."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bankloop.customer.contracts import Catalogue
from bankloop.customer.segment import errors
from bankloop.customer.segment.contracts import SegmentPlan
from bankloop.kit.errors import ExpressionError
from bankloop.kit.expression import BOOL, Expression, masked, parse

_NAME = re.compile(r"[a-z][a-z0-9-]{0,47}")


def checked_expression(text: str, catalogue: Catalogue) -> Expression:
    """Return the condition of a segment as it is written; each segment that it names stands as a truth value.

    Raises ``ExpressionError`` with line and column for what cannot be read, ``DeniedError`` for one by which somebody
    would learn who is frozen, watched or near a default.
    """
    written = masked(text)
    try:
        found = parse(written, catalogue.types, wants=BOOL)
    except ExpressionError as error:
        if error.code != "expression.name":
            raise
        # Said again without what nobody may ask by, so that no name of it is suggested.
        found = parse(written, catalogue.open_types, wants=BOOL)
    if names := confidential_in(catalogue, found.names):
        raise errors.confidential(", ".join(names))
    return found


def confidential_in(catalogue: Catalogue, names: Iterable[str]) -> list[str]:
    """Return which of ``names`` are confidential themselves or made of what is."""
    own = [name for name in names if name in catalogue]
    return [name for name in own if any(catalogue[one].confidential for one in catalogue.closure([name]))]


def checked_name(name: str) -> str:
    """Return a segment's name; raise ``InputError`` for what is none."""
    if not _NAME.fullmatch(name):
        raise errors.bad_name(name[:60])
    return name


def checked_plan(title: str, owner: str, does: str) -> SegmentPlan:
    """Return a plan that says everything; raise ``InputError`` with what is missing."""
    said = {"名称 / title": title.strip(), "负责人 / owner": owner.strip(), "做法 / what is done": does.strip()}
    if missing := [name for name, words in said.items() if not words]:
        raise errors.empty_plan(", ".join(missing))
    return SegmentPlan(*said.values())
