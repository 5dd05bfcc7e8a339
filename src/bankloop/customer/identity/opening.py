"""What a person sees of a party: masked by default, by the reader's scope, and written down as an access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from bankloop.customer.identity import errors, ledger, repository
from bankloop.customer.identity.contracts import DOCUMENT_TYPES, MergeEvent, Party
from bankloop.customer.identity.golden import Sourced, golden
from bankloop.customer.identity.intake import records_of
from bankloop.customer.identity.marks import masked
from bankloop.customer.identity.plausible import plain_kind
from bankloop.customer.identity.queries import find_parties
from bankloop.organization.rights import require, unmasked_fields
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, keys_of, now_of, principal_of

# As what a field is asked to be unmasked: rights name the lake's columns where there is one.
UNMASKED_AS = {
    "name": "name_token",
    "phone": "phone_token",
    "birth": "birth_date",
    "document_no": "document",
    **dict.fromkeys(DOCUMENT_TYPES, "document"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One value as a reader may see it, with where it is from."""

    field: str
    value: str
    masked: bool
    customer_no: str
    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class Identified:
    """One identifier of a party as a reader may see it: its kind, whose, since and until when."""

    kind: str
    value: str
    customer_no: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class PartyView:
    """A party as a reader may see it: golden values, every identifier, and how it came to be."""

    party: Party
    values: tuple[Shown, ...]
    identifiers: tuple[Identified, ...]
    history: tuple[MergeEvent, ...]


def open_party(connection: Connection, number: str) -> PartyView:
    """Return what who acts may see of the party of a number, and write the access down.

    Raises ``DeniedError`` for a role that reads no customers, ``NotFoundError`` for a number that nobody has or that is
    out of scope.
    """
    require(principal_of(connection), "customer.read")
    party = _in_scope(connection, number)
    clear = set(unmasked_fields(connection, *party.numbers))
    with bank_wide(connection):
        values = _values(connection, party, clear)
        identifiers = _identifiers(connection, party, clear)
        history = tuple(ledger.merges(connection, party.numbers))
    shown = sorted({one.field for one in values if not one.masked})
    after = {
        "shown": shown,
        "masked": sorted({one.field for one in values if one.masked}),
        "members": len(party.members),
    }
    record_audit(
        connection, "party.open", "customer", party.party_no, None, after, class_="access", subject=party.party_no
    )
    return PartyView(party, values, identifiers, history)


def search_parties(connection: Connection, kind: str, value: str) -> list[Party]:
    """Return the parties that bear an identifier, as far as who acts may see them, and write the search down."""
    require(principal_of(connection), "customer.read")
    with bank_wide(connection):
        found = find_parties(connection, kind, value)
    seen = [party for one in found if (party := _seen(connection, one)) is not None]
    after = {"kind": kind, "found": len(seen), "first": [party.party_no for party in seen[:20]]}
    record_audit(connection, "party.find", "customer", f"{len(seen)}", None, after, class_="access")
    return seen


def disclosed_identity(connection: Connection, numbers: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the plain records and identifiers of a person, for the person: inside an approved copy alone."""
    ring = keys_of(connection)
    records = [{"customer_no": number, **record} for number, record in records_of(connection, list(numbers)).items()]
    identifiers = [
        {"kind": row.kind, "value": ring.unseal(repository.MARK, row.sealed, f"{row.kind}\x1f{row.customer_no}"),
         "valid_from": row.valid_from, "valid_to": row.valid_to}
        for row in repository.marks_by(connection, list(numbers))
    ]  # fmt: skip
    return {"records": records, "identifiers": identifiers}


def _in_scope(connection: Connection, number: str) -> Party:
    found = _seen(connection, number)
    if found is None:
        raise errors.no_party(number)
    return found


def _seen(connection: Connection, number: str) -> Party | None:
    """Return a party of which the database shows who acts some identity."""
    with bank_wide(connection):
        party, members = ledger.members_at(connection, number, now_of(connection))
    found = Party(party, tuple(members))
    query = text("SELECT true FROM identity WHERE customer_no = ANY (:numbers) LIMIT 1")
    return found if party and connection.scalar(query, {"numbers": list(found.numbers)}) else None


def _values(connection: Connection, party: Party, clear: set[str]) -> tuple[Shown, ...]:
    records = records_of(connection, party.numbers)
    members = {member.customer_no: member for member in party.members}
    found = golden([Sourced(n, members[n].source, members[n].as_of, record) for n, record in records.items()])
    kinds = {one.field: one.field for one in found} | {"document_no": _document_kind(found)}
    shown = []
    for one in found:
        plain = one.field == "document_type" or _clear(one.field, clear)
        value = one.value if plain else masked(kinds[one.field], one.value)
        shown.append(Shown(one.field, value, not plain, one.customer_no, one.source, one.rule))
    return tuple(shown)


def _document_kind(values: Sequence[Any]) -> str:
    return next((one.value for one in values if one.field == "document_type"), "id_card")


def _identifiers(connection: Connection, party: Party, clear: set[str]) -> tuple[Identified, ...]:
    ring = keys_of(connection)
    found = []
    for row in repository.marks_by(connection, party.numbers):
        value = ring.unseal(repository.MARK, row.sealed, f"{row.kind}\x1f{row.customer_no}")
        shown = value if _clear(row.kind, clear) else masked(row.kind, value)
        found.append(Identified(row.kind, shown, row.customer_no, row.valid_from, row.valid_to))
    return tuple(found)


def _clear(field: str, clear: set[str]) -> bool:
    plain = plain_kind(field)
    return UNMASKED_AS.get(plain, plain) in clear
