"""Erasing a person: asked for, seen by compliance, approved by two, done once; a legal hold keeps everything."""

from __future__ import annotations

import pytest

from bankloop.kit.errors import ConflictError, DeniedError, InputError
from bankloop.organization.approval import consent
from bankloop.organization.erasure import ask_erasure, erase_customer
from bankloop.organization.principals import checker, compliance, maker, system
from bankloop.organization.rights import ROLES
from bankloop.store.audit import place_hold, read_audit, release_hold, seal_audit, verify_audit
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from bankloop.store.vault import keep_identifiers, read_identifiers

PROGRAM = system("erasure")
STEWARD = Principal(
    "steward",
    frozenset({"data_steward", "maker"}),
    ("*",),
    "quality",
    rights=ROLES["data_steward"].rights,
)


@pytest.fixture
def known(store: Store) -> Store:
    with store.begin(PROGRAM) as connection:
        keep_identifiers(connection, "phone", ["C1", "C2"], ["13800138000", "13800138001"])
    return store


def erase(store: Store) -> dict[str, int]:
    with store.begin(PROGRAM) as connection:
        return dict(erase_customer(connection, "C1"))


def asked(store: Store, *people: Principal) -> None:
    with store.begin(STEWARD) as connection:
        request = ask_erasure(connection, "C1", "the customer's wish of 1 June")
    for person in people:
        with store.begin(person) as connection:
            consent(connection, request)


def test_nothing_is_erased_before_two_approved(known: Store) -> None:
    with pytest.raises(ConflictError, match="not_in_force"):
        erase(known)
    asked(known, compliance(), checker())
    with pytest.raises(ConflictError, match="not_in_force"):
        erase(known)


def test_what_was_approved_is_erased_once_and_the_trail_says_under_which_approval(known: Store) -> None:
    asked(known, compliance(), checker(), checker("checker2"))
    assert erase(known)["identifiers"] == 1
    with pytest.raises(ConflictError, match="not_in_force"):
        erase(known)
    with known.begin(PROGRAM) as connection:
        assert read_identifiers(connection, ["C1"], ["phone"]) == []
        assert len(read_identifiers(connection, ["C2"], ["phone"])) == 1
    seal_audit(known)
    assert verify_audit(known).ok
    with known.begin(PROGRAM, Role.AUDITOR) as connection:
        done = next(r for r in read_audit(connection) if r.verb == "erasure.run" and r.object_kind == "customer")
    assert done.approval_id is not None
    assert done.reason == "the customer's wish of 1 June"


def test_a_legal_hold_keeps_the_customer(known: Store) -> None:
    asked(known, compliance(), checker(), checker("checker2"))
    with known.begin(PROGRAM) as connection:
        hold = place_hold(connection, "customer", "C1", "court order 7")
    with pytest.raises(ConflictError, match="on_hold"):
        erase(known)
    with known.begin(PROGRAM) as connection:
        release_hold(connection, hold, "lifted")
    assert erase(known)["identifiers"] == 1


def test_who_may_not_ask_or_says_no_reason_is_refused(known: Store) -> None:
    with pytest.raises(DeniedError), known.begin(maker()) as connection:
        ask_erasure(connection, "C1", "why not")
    with pytest.raises(InputError, match="needs_reason"), known.begin(STEWARD) as connection:
        ask_erasure(connection, "C1", " ")
    with pytest.raises(DeniedError), known.begin(checker()) as connection:
        erase_customer(connection, "C1")
