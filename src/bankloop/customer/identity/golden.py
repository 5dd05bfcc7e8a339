"""The golden record: each field of a party from one of its source identities, by a rule that is said beside it.

Pure: the same records give the same values, whatever their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bankloop.customer.identity.contracts import Value
from bankloop.customer.identity.marks import normal_value
from bankloop.customer.identity.plausible import ID_CARD, valid_card

# Whom a bank believes first about who somebody is; a source that is not named comes last.
TRUST = ("core", "loan", "wealth", "card", "app")
_BIRTH_PLACES = slice(6, 14)  # of an identity card's eighteen


@dataclass(frozen=True, slots=True)
class Sourced:
    """A plain record with the identity, source and day that it stands for."""

    customer_no: str
    source: str
    as_of: date
    record: Mapping[str, Any]


Rule = Callable[[str, Sequence[Sourced]], tuple[Sourced, str, str] | None]


def golden(records: Sequence[Sourced]) -> tuple[Value, ...]:
    """Return the surviving value of every field that some record has."""
    found = []
    for field, rule in RULES.items():
        having = sorted((one for one in records if one.record.get(field)), key=lambda one: one.customer_no)
        if having and (chosen := rule(field, having)):
            one, value, why = chosen
            found.append(Value(field, value, one.customer_no, one.source, one.as_of, why))
    return tuple(found)


def _trusted(field: str, having: Sequence[Sourced]) -> tuple[Sourced, str, str]:
    """The most trusted source's, the newest of equals."""
    one = min(having, key=lambda x: (_rank(x), -x.as_of.toordinal(), x.customer_no))
    return one, str(one.record[field]), "trusted"


def _newest(field: str, having: Sequence[Sourced]) -> tuple[Sourced, str, str]:
    """The newest: people move and change their phones."""
    one = min(having, key=lambda x: (-x.as_of.toordinal(), _rank(x), x.customer_no))
    return one, str(one.record[field]), "newest"


def _card_first(field: str, having: Sequence[Sourced]) -> tuple[Sourced, str, str]:
    """A valid identity card before any other document."""
    cards = [x for x in having if _card(x)]
    one, value, _ = _trusted(field, cards or having)
    return one, value, "valid_card" if cards else "trusted"


def _born(field: str, having: Sequence[Sourced]) -> tuple[Sourced, str, str]:
    """What a valid identity card says, else what most say, the trusted source among equals."""
    for one in sorted(having, key=lambda x: (_rank(x), x.customer_no)):
        said = _card(one)[_BIRTH_PLACES]
        if said and said == _digits(one.record[field]):
            return one, str(one.record[field]), "as_on_card"
    votes = Counter(_digits(one.record[field]) for one in having)
    most = max(votes.values())
    best = [one for one in having if votes[_digits(one.record[field])] == most]
    one, value, _ = _trusted(field, best)
    return one, value, "most_say"


RULES: Mapping[str, Rule] = {
    "name": _trusted,
    "birth": _born,
    "gender": _trusted,
    "phone": _newest,
    "email": _newest,
    "address": _newest,
    "document_type": _card_first,
    "document_no": _card_first,
}


def _card(one: Sourced) -> str:
    if (one.record.get("document_type") or ID_CARD) != ID_CARD or not one.record.get("document_no"):
        return ""
    number = normal_value(ID_CARD, str(one.record["document_no"]))
    return number if valid_card(number) else ""


def _digits(value: object) -> str:
    return "".join(c for c in str(value) if c.isdigit())


def _rank(one: Sourced) -> int:
    return TRUST.index(one.source) if one.source in TRUST else len(TRUST)
